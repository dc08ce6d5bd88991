package main

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

const (
	// tonePackets is a second of tone in packets of 20 ms.
	tonePackets = 50
	// maxStreams bounds what a socket follows; a run has far fewer calls.
	maxStreams = 1 << 16
	// sampleTime is one sample at 8000 Hz.
	sampleTime = 125 * time.Microsecond
)

// A streamKey tells one tone from the others that come to the same socket.
type streamKey struct {
	from netip.AddrPort
	ssrc uint32
}

// A stream is what has come of one tone.
type stream struct {
	sounding  int // packets that are not silence
	timestamp uint32
	at        time.Time
}

// tones listens to the tones that come to one socket.
type tones struct {
	streams    map[streamKey]*stream
	deviations []time.Duration // how far each packet came from its place after the one before
}

// packet takes one RTP packet of mu-law.
func (t *tones) packet(p []byte, from netip.AddrPort, at time.Time) {
	if len(p) < 12 || p[0]>>6 != 2 {
		return
	}
	timestamp := binary.BigEndian.Uint32(p[4:])
	key := streamKey{from, binary.BigEndian.Uint32(p[8:])}
	s := t.streams[key]
	switch {
	case s == nil && len(t.streams) == maxStreams:
		return
	case s == nil:
		if t.streams == nil {
			t.streams = map[streamKey]*stream{}
		}
		s = new(stream)
		t.streams[key] = s
	default:
		due := time.Duration(int32(timestamp-s.timestamp)) * sampleTime
		t.deviations = append(t.deviations, (at.Sub(s.at) - due).Abs())
	}
	s.timestamp, s.at = timestamp, at
	if slices.ContainsFunc(p[12:], loud) {
		s.sounding++
	}
}

// loud reports whether a mu-law sample is in the upper five of its eight segments: no silence, no comfort noise.
func loud(sample byte) bool { return ^sample&0x7f >= 0x30 }

// whole counts the streams with at least so many packets of sound.
func (t *tones) whole(packets int) int {
	n := 0
	for _, s := range t.streams {
		if s.sounding >= packets {
			n++
		}
	}
	return n
}
