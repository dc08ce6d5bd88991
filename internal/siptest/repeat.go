package siptest

import "time"

// repeat sends the same bytes again: after interval, then twice that, up to a longest one, for 64*T1 in all.
// It belongs to the phone's lock and owns a timer, no goroutine.
type repeat struct {
	phone    *Phone
	data     []byte
	path     path
	interval time.Duration
	longest  time.Duration
	next     time.Time
	end      time.Time
	timer    *time.Timer
	over     bool
}

// repeat sends data now and again until stopped.
func (p *Phone) repeat(data []byte, to path, longest time.Duration) *repeat {
	now := time.Now()
	r := &repeat{phone: p, data: data, path: to, interval: p.t1, longest: longest, next: now.Add(p.t1), end: now.Add(64 * p.t1)}
	p.transmit(to, data)
	r.timer = time.AfterFunc(p.t1, r.fire)
	p.repeats[r] = struct{}{}
	return r
}

func (r *repeat) fire() {
	r.phone.mu.Lock()
	defer r.phone.mu.Unlock()
	if r.over {
		return
	}
	if !r.next.Before(r.end) {
		r.stop()
		return
	}
	r.phone.transmit(r.path, r.data)
	r.interval = min(2*r.interval, r.longest)
	r.next = r.next.Add(r.interval)
	r.timer.Reset(time.Until(r.next))
}

// slow goes on with the longest interval, RFC 3261 s17.1.2.2 Proceeding.
func (r *repeat) slow() {
	if r != nil {
		r.interval = r.longest
	}
}

func (r *repeat) stop() {
	if r == nil || r.over {
		return
	}
	r.over = true
	r.timer.Stop()
	delete(r.phone.repeats, r)
}
