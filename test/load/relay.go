package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	packetTime  = 20 * time.Millisecond
	packetBytes = 12 + 160 // RTP header and 20 ms of G.711
	relayRate   = 50       // calls set up a second
	warmUp      = time.Second
)

// mark opens the payload of our own packets; the tone's have none.
var mark = []byte("tonegate load")

// A leg is where one end of a call sends to, and from which of its side's sockets.
type leg struct {
	socket int
	to     netip.AddrPort
}

// A voice is our RTP of one direction of one call.
type voice struct {
	call     int
	measured bool
	sent     time.Time
}

// put writes the packet with its sequence number.
func (v voice) put(p []byte, seq uint32) {
	p[0], p[1] = 0x80, 0
	binary.BigEndian.PutUint16(p[2:], uint16(seq))
	binary.BigEndian.PutUint32(p[4:], seq*160)
	binary.BigEndian.PutUint32(p[8:], 0x4c4f0000+uint32(v.call))
	rest := p[12+copy(p[12:], mark):]
	binary.BigEndian.PutUint32(rest, uint32(v.call))
	rest[4] = 0
	if v.measured {
		rest[4] = 1
	}
	binary.BigEndian.PutUint64(rest[5:], uint64(v.sent.UnixNano()))
}

// heard reads a packet that put has written and a server has passed on.
func heard(p []byte) (v voice, ok bool) {
	if len(p) != packetBytes || !bytes.HasPrefix(p[12:], mark) {
		return v, false
	}
	rest := p[12+len(mark):]
	v.call = int(binary.BigEndian.Uint32(rest))
	v.measured = rest[4] == 1
	v.sent = time.Unix(0, int64(binary.BigEndian.Uint64(rest[5:])))
	return v, true
}

// A relayed is everything that is known of the calls that are up. A callee knows where to send once a caller's
// packet has come to it.
type relayed struct {
	sides   [2]*side // callers, callees
	callers []leg
	callees []atomic.Pointer[leg]
	delays  [2][sockets][]time.Duration // one writer each
	sent    int
}

// relay holds calls up, sends 50 packets a second each way through the server, and measures what a packet costs.
func relay(ctx context.Context, dir string, server []*process, calls, seconds int) ([]figure, error) {
	r := &relayed{callees: make([]atomic.Pointer[leg], calls)}
	for i, ip := range []string{callerIP, calleeIP} {
		var err error
		r.sides[i], err = listen(ip, func(socket int, p []byte, from netip.AddrPort, at time.Time) {
			r.received(i, socket, p, from, at)
		})
		if err != nil {
			return nil, err
		}
		defer r.sides[i].close()
	}
	idle, err := costOf(server)
	if err != nil {
		return nil, err
	}
	ready := time.Duration(calls)*time.Second/relayRate + tone + ringing + 2*time.Second
	window := time.Duration(seconds) * time.Second
	b := batch{scenario: "caller", calls: calls, rate: relayRate, setup: tone + ringing, hold: ready + warmUp + window + 3*time.Second}
	var begin, end cost
	placed, err := call(ctx, dir, b, func() error {
		if err := sleep(ctx, ready); err != nil {
			return err
		}
		if r.callers, err = readCalls(filepath.Join(dir, "caller.calls")); err != nil {
			return err
		}
		if len(r.callers) != calls {
			return fmt.Errorf("%d of %d calls are up", len(r.callers), calls)
		}
		if err := r.send(ctx, warmUp, false); err != nil {
			return err
		}
		if begin, err = costOf(server); err != nil {
			return err
		}
		if err := r.send(ctx, window, true); err != nil {
			return err
		}
		end, err = costOf(server)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.figures(placed.ok, end.cpu-begin.cpu, float64(end.pss-idle.pss)/float64(calls))
}

// figures ends the receiving and says what came of it; memory is bytes a call.
func (r *relayed) figures(up int, cpu time.Duration, memory float64) ([]figure, error) {
	dropped := 0
	for _, s := range r.sides {
		n, err := s.dropped()
		if err != nil {
			return nil, err
		}
		dropped += n
		s.close()
	}
	var delays []time.Duration
	for _, side := range r.delays {
		for _, d := range side {
			delays = append(delays, d...)
		}
	}
	return []figure{
		{"calls up", 0, float64(up)},
		{"packets relayed", 0, float64(len(delays))},
		{"packets lost, %", 3, percent(r.sent-len(delays), r.sent)},
		{"CPU us per relayed packet", 2, float64(cpu.Microseconds()) / float64(max(1, len(delays)))},
		{"one-way delay p50, ms", 3, ms(percentile(delays, 50))},
		{"one-way delay p99, ms", 3, ms(percentile(delays, 99))},
		{"memory per call up, PSS KB", 1, memory / 1024},
		{"packets the load itself dropped", 0, float64(dropped)},
	}, nil
}

// received takes a packet at one side: 0 callers, 1 callees.
func (r *relayed) received(side, socket int, p []byte, from netip.AddrPort, at time.Time) {
	v, ok := heard(p)
	if !ok || v.call >= len(r.callees) {
		return
	}
	if side == 1 && r.callees[v.call].Load() == nil {
		r.callees[v.call].Store(&leg{socket, from})
	}
	if v.measured {
		r.delays[side][socket] = append(r.delays[side][socket], at.Sub(v.sent))
	}
}

// send has every call speak both ways for a time, the calls spread evenly over each 20 ms.
func (r *relayed) send(ctx context.Context, length time.Duration, measured bool) error {
	const slots = 20
	p := bytes.Repeat([]byte{0xd5}, packetBytes)
	begun := time.Now()
	for slot := range int(length / packetTime * slots) {
		time.Sleep(time.Until(begun.Add(time.Duration(slot) * packetTime / slots)))
		if err := ctx.Err(); err != nil {
			return err
		}
		seq := uint32(begun.UnixMilli()/20) + uint32(slot/slots)
		for i := slot % slots; i < len(r.callers); i += slots {
			ways := [2]*leg{&r.callers[i], r.callees[i].Load()}
			for side, l := range ways {
				if l == nil {
					continue // its callee has not been spoken to yet
				}
				voice{i, measured, time.Now()}.put(p, seq)
				if _, err := r.sides[side].rtp[l.socket].WriteToUDPAddrPort(p, l.to); err != nil {
					return err
				}
				if measured {
					r.sent++
				}
			}
		}
	}
	return sleep(ctx, 100*time.Millisecond) // for the last packets
}

// readCalls reads the lines that the caller's scenario logs: the call's own RTP port, and where it is to send.
func readCalls(file string) ([]leg, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var legs []leg
	for lines := bufio.NewScanner(f); lines.Scan(); {
		l, err := parseCall(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		legs = append(legs, l)
	}
	return legs, nil
}

// parseCall reads one such line.
func parseCall(line string) (leg, error) {
	var port int
	var to string
	if _, err := fmt.Sscan(line, &port, &to); err != nil {
		return leg{}, fmt.Errorf("line %q: %w", line, err)
	}
	addr, err := netip.ParseAddrPort(to)
	if err != nil || port < firstPort || port >= firstPort+10*sockets {
		return leg{}, fmt.Errorf("line %q: no port of ours and address", line)
	}
	return leg{(port - firstPort) / 10, addr}, nil
}

// sleep waits, unless the context ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
