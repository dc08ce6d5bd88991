package media

import "time"

// ports hands out even RTP ports, each with the odd one after it for RTCP. Free ones wait in random order, so that the next port
// of a call cannot be guessed; one that was used rests, so that packets of the call before do not reach the next one.
type ports struct {
	free       []uint16
	resting    []resting // in the order of their end
	quarantine time.Duration
	random     func(n int) int // uniform in [0, n)
}

type resting struct {
	port  uint16
	until time.Duration
}

// span is the part of a range that ports can be in.
func span(ports [2]int) (first, last int) { return max(0, ports[0]), min(ports[1], 65535) }

// newPorts takes all pairs within first and last, both included.
func newPorts(first, last int, quarantine time.Duration, random func(int) int) *ports {
	p := &ports{quarantine: quarantine, random: random}
	first, last = span([2]int{first, last})
	for port := max(2, first+first&1); port+1 <= last; port += 2 {
		p.free = append(p.free, uint16(port))
	}
	for i := len(p.free) - 1; i > 0; i-- {
		j := random(i + 1)
		p.free[i], p.free[j] = p.free[j], p.free[i]
	}
	return p
}

// take gives a port, false if none is free.
func (p *ports) take(now time.Duration) (uint16, bool) {
	for len(p.resting) > 0 && p.resting[0].until <= now {
		p.free = append(p.free, p.resting[0].port)
		p.resting = p.resting[1:]
		i, j := len(p.free)-1, p.random(len(p.free))
		p.free[i], p.free[j] = p.free[j], p.free[i]
	}
	if len(p.free) == 0 {
		return 0, false
	}
	last := len(p.free) - 1
	port := p.free[last]
	p.free = p.free[:last]
	return port, true
}

// give takes a port back and lets it rest.
func (p *ports) give(port uint16, now time.Duration) {
	p.resting = append(p.resting, resting{port, now + p.quarantine})
}
