package media

import (
	"fmt"
	"time"
)

// playback is a Playback under way. All but slot is owned by the lock of leg.out.
type playback struct {
	Playback
	leg    *leg
	done   func(Played)
	start  time.Duration // when the first frame is due, set by the pacer
	n      int           // frames that were due
	unsent int           // of these, not sent
	why    string        // the reason for that
	played Played
	tick   int64 // of the pacer, when the next frame is due
}

// check says what is wrong with a playback.
func (w Playback) check() string {
	if len(w.Frames) == 0 {
		return "no frames"
	}
	if w.Interval < time.Millisecond || w.Interval > time.Second || w.Samples == 0 || w.Payload > 127 || w.Payload > 63 && w.Payload < 96 {
		return fmt.Sprintf("interval %v, %d samples, payload type %d", w.Interval, w.Samples, w.Payload)
	}
	for i, f := range w.Frames {
		if len(f) > datagramSize-headerSize {
			return fmt.Sprintf("frame %d has %d octets", i, len(f))
		}
	}
	return ""
}

// clock is the RTP clock of the frames in Hz.
func (w Playback) clock() int {
	return int((uint64(w.Samples)*uint64(time.Second) + uint64(w.Interval)/2) / uint64(w.Interval))
}

// Play implements Plane.
func (p *plane) Play(id Leg, what Playback, done func(Played)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		go done(Played{Failed: Closed})
		return
	}
	l, wrong := p.legs[id], what.check()
	if l == nil {
		wrong = Closed
	}
	if wrong != "" {
		p.report(done, Played{Failed: wrong})
		return
	}
	l.out.Lock()
	defer l.out.Unlock()
	if why := l.out.mute(); why != "" {
		p.report(done, Played{Failed: why})
		return
	}
	l.halt(Replaced)
	b := &playback{Playback: what, leg: l, done: done, played: Played{To: l.out.to}}
	l.out.feed, l.out.playing = nil, b
	l.out.stream.detach()
	p.Counters.Playbacks.Add(1)
	l.pacer.add(b)
}

// Stop implements Plane.
func (p *plane) Stop(id Leg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.legs[id]; l != nil {
		l.end(Stopped)
	}
}

// report calls done in a goroutine of its own. Shutdown has not finished waiting: p.mu is held and the plane open, or
// the caller is one of the plane's goroutines.
func (p *plane) report(done func(Played), played Played) {
	if played.Failed != "" {
		p.Counters.PlaybacksIncomplete.Add(1)
	}
	p.wg.Go(func() { done(played) })
}

// end halts what is played.
func (l *leg) end(reason string) {
	l.out.Lock()
	defer l.out.Unlock()
	l.halt(reason)
}

// halt takes the playback off the leg and reports it; l.out is locked. That l.out.playing is taken away here and nowhere
// else is what makes done be called once.
func (l *leg) halt(reason string) {
	b := l.out.playing
	if b == nil {
		return
	}
	l.out.playing = nil
	whole := b.n >= len(b.Frames)
	b.played.Complete = whole && b.unsent == 0
	switch {
	case b.played.Complete:
	case whole || reason == "":
		b.played.Failed = fmt.Sprintf("%s: %d of %d frames not sent", b.why, b.unsent, b.n)
	default:
		b.played.Failed = reason
	}
	l.plane.report(b.done, b.played)
}

// step sends the frame that is due, or ends the playback after the last. False when it has ended.
func (b *playback) step(packet []byte) bool {
	l := b.leg
	l.out.Lock()
	defer l.out.Unlock()
	if l.out.playing != b {
		return false
	}
	if b.n >= len(b.Frames) && !b.Loop {
		l.halt("")
		return false
	}
	if why := b.send(packet); why != "" {
		b.unsent++
		b.why = why
	}
	b.n++
	return true
}

// due is when frame n is: absolute, so that a late one does not make the next one late.
func (b *playback) due() time.Duration { return b.start + time.Duration(b.n)*b.Interval }

// mute says why nothing can be played to the side, now or later, as it has been described.
func (o *outbound) mute() string {
	switch {
	case !o.to.IsValid():
		return "no remote address"
	case o.opaque:
		return "no RTP, but T.38"
	}
	return ""
}

// send writes frame n. Time goes on for frames that are not sent, sequence numbers do not: nothing was lost.
func (b *playback) send(packet []byte) (why string) {
	o := &b.leg.out
	if why := o.mute(); why != "" {
		return why
	}
	if !o.send {
		return "on hold"
	}
	frame := b.Frames[b.n%len(b.Frames)]
	h := header{
		payload: b.Payload,
		seq:     uint16(b.n - b.unsent),
		ts:      uint32(b.n) * b.Samples,
		octets:  len(frame),
	}
	h, _ = o.stream.relay(h, b.clock(), b.due())
	o.stream.step = b.Samples
	packet[0] = 2 << 6
	h.write(packet)
	size := headerSize + copy(packet[headerSize:], frame)
	now := b.leg.plane.clock()
	if !b.leg.write(packet[:size], len(frame), now) {
		return "send failed"
	}
	at := b.leg.plane.epoch.Add(now)
	if b.played.Packets == 0 {
		b.played.First = at
	}
	b.played.Last, b.played.To = at, o.to
	b.played.Packets++
	return ""
}
