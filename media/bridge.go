package media

import "time"

// Bridge implements Plane.
func (p *plane) Bridge(a, b Leg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, y := p.legs[a], p.legs[b]
	if x == nil || y == nil || x == y {
		return
	}
	if x.peer != y {
		p.sever(x)
		p.sever(y)
		x.peer, y.peer = y, x
	}
	now := p.clock()
	x.feedFrom(y, now)
	y.feedFrom(x, now)
	x.keeper.schedule(x, x.due())
	y.keeper.schedule(y, y.due())
}

// Unbridge implements Plane.
func (p *plane) Unbridge(id Leg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.legs[id]
	if l == nil {
		return
	}
	other := l.peer
	p.sever(l)
	l.end(Bridged)
	if other != nil {
		other.end(Bridged)
	}
}

// sever takes a bridge apart; p.mu is held. Playbacks go on.
func (p *plane) sever(l *leg) {
	other := l.peer
	if other == nil {
		return
	}
	now := p.clock()
	l.watch(now)
	other.watch(now)
	l.peer, other.peer = nil, nil
	for _, x := range []*leg{l, other} {
		x.in.Lock()
		x.in.peer = nil
		x.in.Unlock()
		x.out.Lock()
		x.out.feed = nil
		x.out.Unlock()
	}
}

// feedFrom makes other the source of what l is sent, in one step under l's lock; then other's reader finds l.
func (l *leg) feedFrom(other *leg, now time.Duration) {
	l.out.Lock()
	if l.out.feed != other {
		l.halt(Bridged)
		l.out.feed = other
		l.out.stream.detach()
	}
	l.out.Unlock()
	other.in.Lock()
	if other.in.peer != l {
		other.in.peer, other.in.since, other.in.silent = l, now, false
	}
	other.in.Unlock()
}

// oneWayAfter is how long one side must have been silent, and the other one not.
const oneWayAfter = 5 * time.Second

// watch notes one-way audio: of a bridge of some age, this side should send and does not, and the other side does. A fax speaks in turns.
func (l *leg) watch(now time.Duration) {
	l.in.Lock()
	other, since, last := l.in.peer, l.in.since, l.in.traffic.last
	quiet := l.in.receive && !l.in.opaque && l.in.from.IsValid() && now-max(since, last) >= oneWayAfter
	l.in.Unlock()
	if other == nil || !quiet {
		return
	}
	other.in.Lock()
	hears := other.in.traffic.packets > 0 && now-other.in.traffic.last < oneWayAfter
	other.in.Unlock()
	if hears {
		l.in.Lock()
		l.in.oneWay = true
		l.in.Unlock()
	}
}
