package main

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// rtp is a packet of mu-law that holds one sample over and over.
func rtp(ssrc, timestamp uint32, sample byte) []byte {
	p := slices.Repeat([]byte{sample}, packetBytes)
	p[0], p[1] = 0x80, 0
	binary.BigEndian.PutUint32(p[4:], timestamp)
	binary.BigEndian.PutUint32(p[8:], ssrc)
	return p
}

const sound, silence = 0x2a, 0xff

func TestTonesAreCounted(t *testing.T) {
	here, there := netip.MustParseAddrPort("127.0.2.4:10000"), netip.MustParseAddrPort("127.0.2.4:10002")
	var heard tones
	begun := time.Unix(1000, 0)
	for i := range uint32(tonePackets) {
		at := begun.Add(time.Duration(i) * packetTime)
		heard.packet(rtp(1, i*160, sound), here, at)
		heard.packet(rtp(1, i*160, sound), there, at) // the same SSRC by chance
		heard.packet(rtp(2, i*160, silence), here, at)
		if i != 7 {
			heard.packet(rtp(3, i*160, sound), here, at)
		}
	}
	heard.packet([]byte("no RTP"), here, begun)
	if n := len(heard.streams); n != 4 {
		t.Errorf("%d streams, not 4", n)
	}
	if n := heard.whole(tonePackets); n != 2 {
		t.Errorf("%d tones whole, not 2", n)
	}
	if n := heard.whole(tonePackets - 1); n != 3 {
		t.Errorf("%d tones lack at most a packet, not 3", n)
	}
	// A packet that is missing is no packet that is late.
	if worst := slices.Max(heard.deviations); worst != 0 {
		t.Errorf("deviation %v of packets that came in time", worst)
	}
}

func TestSpacing(t *testing.T) {
	from := netip.MustParseAddrPort("127.0.2.4:10000")
	begun := time.Unix(1000, 0)
	var heard tones
	for i, late := range []time.Duration{0, 3, 3, -1} {
		heard.packet(rtp(1, math.MaxUint32-160+uint32(i)*160, sound), from, begun.Add(time.Duration(i)*packetTime+late*time.Millisecond))
	}
	want := []time.Duration{3 * time.Millisecond, 0, 4 * time.Millisecond}
	if !slices.Equal(heard.deviations, want) {
		t.Errorf("deviations %v, want %v", heard.deviations, want)
	}
}

func TestLoud(t *testing.T) {
	for sample, want := range map[byte]bool{0xff: false, 0x7f: false, 0xfe: false, 0x7e: false, 0x80: true, 0x00: true, 0x2a: true, 0xaa: true} {
		if loud(sample) != want {
			t.Errorf("%#x: loud is %v", sample, !want)
		}
	}
}

func TestVoiceThroughAPacket(t *testing.T) {
	p := make([]byte, packetBytes)
	sent := voice{call: 4999, measured: true, sent: time.Unix(1700000000, 123456789)}
	sent.put(p, 70000)
	got, ok := heard(p)
	if !ok || got.call != sent.call || !got.measured || !got.sent.Equal(sent.sent) {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := heard(rtp(1, 160, sound)); ok {
		t.Error("the tone was taken for our own")
	}
	if _, ok := heard(p[:100]); ok {
		t.Error("half a packet was taken for a whole one")
	}
}

// TestKernelStamps sends a packet and compares the time of its arrival with the clock.
func TestKernelStamps(t *testing.T) {
	conn, err := open("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got := make(chan time.Time, 1)
	go receive(conn, func(_ []byte, _ netip.AddrPort, at time.Time) { got <- at })
	before := time.Now()
	if _, err := conn.WriteTo([]byte("x"), conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	at := <-got
	if at.Before(before) || at.After(time.Now()) {
		t.Errorf("sent after %v, arrived %v", before, at)
	}
}

func TestMedianAndPercentile(t *testing.T) {
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Errorf("median of three: %v", m)
	}
	if m := median([]float64{4, 1}); m != 2.5 {
		t.Errorf("median of two: %v", m)
	}
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	for p, want := range map[int]time.Duration{1: 1, 50: 50, 99: 99, 100: 100} {
		if got := percentile(hundred, p); got != want {
			t.Errorf("p%d of 1 to 100: %d", p, got)
		}
	}
	if percentile(nil, 99) != 0 || percentile([]time.Duration{7}, 50) != 7 {
		t.Error("none, or one")
	}
}

func TestTableShowsEachRoundAndTheRatio(t *testing.T) {
	table := table{title: "Calls"}
	for _, v := range []float64{1, 3} {
		table.add("tonegate", []figure{{"CPU", 2, v}, {"failed", 0, 0}})
		table.add("kamailio", []figure{{"CPU", 2, 2 * v}, {"failed", 0, 0}})
	}
	var b strings.Builder
	table.print(&b)
	for _, want := range []string{
		"| figure | tonegate, each round | median | kamailio, each round | median | ratio |\n",
		"| CPU | 1.00 3.00 | 2.00 | 2.00 6.00 | 4.00 | 0.50 |\n",
		"| failed | 0 0 | 0 | 0 0 | 0 | - |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no line %q in\n%s", want, &b)
		}
	}
}

func TestToneFileHasOneSecond(t *testing.T) {
	w := wav()
	if len(w) != 44+16000 || string(w[:4]) != "RIFF" || binary.LittleEndian.Uint32(w[4:]) != uint32(len(w)-8) || binary.LittleEndian.Uint32(w[40:]) != 16000 {
		t.Errorf("%d bytes, %q", len(w), w[:44])
	}
	var power float64
	for i := 44; i < len(w); i += 2 {
		s := float64(int16(binary.LittleEndian.Uint16(w[i:])))
		power += s * s / 8000
	}
	// 0 dBm0 is 3.17 dB below a full-scale sine (ITU-T G.711).
	if dbm0 := 10*math.Log10(2*power/(32768*32768)) + 3.17; math.Abs(dbm0+16) > 0.5 {
		t.Errorf("%.1f dBm0", dbm0)
	}
}
