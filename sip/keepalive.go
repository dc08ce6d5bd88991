package sip

import (
	"math/rand/v2"
	"time"

	"tonegate/sip/wire"
)

// Keepalives over connections are those of RFC 5626 s3.5.1: two line ends ask,
// one answers. sipgo answers those of others.
const (
	ping     = "\r\n\r\n"
	pong     = "\r\n"
	pongTime = 10 * time.Second // RFC 5626 s4.4.1
)

// beat is the keepalive of one connection. Its writer owns it.
type beat struct {
	trunk *Trunk
	timer *time.Timer // nil: none is wanted
	sent  bool        // a ping waits for its pong
	heard uint64      // what the connection had heard before
}

func (c *stream) beating() *beat {
	k := &beat{trunk: c.owner.trunk(c.remote.Addr())}
	if k.trunk != nil && k.trunk.Keepalive > 0 {
		k.timer = time.NewTimer(jittered(k.trunk.Keepalive))
	}
	return k
}

// jittered is 80 to 100 % of d, so that not all come at once (RFC 5626 s4.4.1).
func jittered(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

func (k *beat) due() <-chan time.Time {
	if k.timer == nil {
		return nil
	}
	return k.timer.C
}

func (k *beat) stop() {
	if k.timer != nil {
		k.timer.Stop()
	}
}

// next pings, or looks what came of the ping before. It is false when the
// connection is to end. Whatever the peer says shows that it lives; that it
// says nothing shows the opposite only of one that has answered pings before:
// many peers do not know RFC 5626.
func (k *beat) next(c *stream) bool {
	if !k.sent {
		k.sent, k.heard = true, c.heard.Load()
		c.awaited.Store(k.heard + 1)
		k.timer.Reset(pongTime)
		return c.put([]byte(ping))
	}
	k.sent = false
	result := beatAnswered
	if c.heard.Load() == k.heard {
		if result = beatMissing; c.ponged.Load() {
			result = beatClosed
		}
	}
	c.owner.metrics.beats.WithLabelValues(k.trunk.Name, result).Inc()
	k.timer.Reset(jittered(max(time.Second, k.trunk.Keepalive-pongTime)))
	return result != beatClosed
}

// hear notes that the peer has spoken. A pong is a line end by itself, and the
// first that comes after a ping.
func (c *stream) hear(b []byte) {
	if n := c.heard.Add(1); string(b) == pong && n == c.awaited.Load() {
		c.ponged.Store(true)
	}
}

// pulse keeps the way to a peer over UDP open: address translators on it
// forget one that carries nothing. Nobody answers; RFC 5626 s3.5.2 would ask
// by STUN, which trunks do not speak.
type pulse struct {
	shard *shard
	flow  flow
	every time.Duration
	timer timer
}

func (p *pulse) expire(now time.Time) {
	p.flow.send([]byte(pong), "")
	p.shard.timers.set(&p.timer, now.Add(jittered(p.every)))
}

// attend spreads the peers that are watched, or kept open, over the shards.
func (s *Server) attend() {
	next := 0
	for i := range s.options.Trunks {
		t := &s.options.Trunks[i]
		watches := make([]*watch, len(t.Peers))
		for j, p := range t.Peers {
			f, ok := s.route(p)
			if !ok {
				continue
			}
			sh := s.shards[next%len(s.shards)]
			next++
			if t.Keepalive > 0 && p.Network == wire.UDP {
				sh.pulses = append(sh.pulses, &pulse{shard: sh, flow: f, every: t.Keepalive})
			}
			if t.Options > 0 {
				watches[j] = newWatch(sh, t, p, f)
				sh.watches = append(sh.watches, watches[j])
			}
		}
		s.watches[t.Name] = watches
	}
}

// tend starts what a shard attends to, each at a moment of its own.
func (sh *shard) tend(now time.Time) {
	for _, p := range sh.pulses {
		p.timer.owner = p
		sh.timers.set(&p.timer, now.Add(jittered(p.every)))
	}
	for _, w := range sh.watches {
		w.timer.owner = w
		sh.timers.set(&w.timer, now.Add(time.Duration(rand.Int64N(int64(w.trunk.Options)))))
	}
}

// untend ends it.
func (sh *shard) untend() {
	for _, p := range sh.pulses {
		sh.timers.set(&p.timer, time.Time{})
	}
	for _, w := range sh.watches {
		w.stop()
	}
}
