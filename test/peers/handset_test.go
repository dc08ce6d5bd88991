package peers

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/zaf/g711"
	"tonegate/internal/ear"
)

// The speakers of the two handsets.
const (
	callerVoice = 2
	calleeVoice = 9
)

// The test tone of the sample configuration.
const testTone = "600+1000/200,0/100,600+1000/200,0/500"

const (
	rate   = 8000 // samples a second
	frame  = 160  // samples of a packet of 20 ms
	memory = 60 * rate
	breath = 10 * time.Second // how much of a voice is spoken; longer than any test talks
)

// A handset is the mouth and ear of a sipp phone: it speaks to whoever sends it RTP, and remembers what it heard.
type handset struct {
	name  string
	voice []int16 // what it says, see ear.Voice
	conn  *net.UDPConn
	ended sync.WaitGroup
	spoke sync.Once

	mu      sync.Mutex
	heard   []int16 // by RTP timestamp from the first packet on; silence where none came
	packets int
	first   time.Time // when the first of them came
	faults  []string  // breaks of SSRC, sequence or payload
}

// pickUp opens a handset at a phone's address. Call it from the test's goroutine.
func pickUp(t *testing.T, name string, at netip.Addr, voice int) *handset {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, rtpPort)))
	if err != nil {
		t.Fatal(err)
	}
	h := &handset{name: name, voice: ear.Voice(voice, breath, rate), conn: conn}
	h.ended.Go(h.listen)
	t.Cleanup(h.hangUp)
	return h
}

// hangUp ends listening and speaking.
func (h *handset) hangUp() {
	h.conn.Close()
	h.ended.Wait()
}

func (h *handset) listen() {
	var last, first rtp.Header
	buf := make([]byte, 2048)
	for n := 0; ; n++ {
		size, from, err := h.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var p rtp.Packet
		if err := p.Unmarshal(buf[:size]); err != nil {
			h.fault("no RTP: " + err.Error())
			continue
		}
		if n == 0 {
			first = p.Header
			h.mu.Lock()
			h.first = time.Now()
			h.mu.Unlock()
			h.speakTo(from)
		} else if p.SSRC != last.SSRC {
			h.fault("the SSRC changed")
		} else if p.SequenceNumber != last.SequenceNumber+1 {
			h.fault("the sequence broke")
		}
		if p.PayloadType != 0 {
			h.fault("a payload that was not negotiated")
		}
		last = p.Header
		h.keep(int(p.Timestamp-first.Timestamp), g711.DecodeUlaw(p.Payload))
	}
}

func (h *handset) keep(at int, linear []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.packets++
	end := at + len(linear)/2
	if at < 0 || end > memory {
		h.faults = append(h.faults, "a timestamp out of line")
		return
	}
	if end > len(h.heard) {
		h.heard = append(h.heard, make([]int16, end-len(h.heard))...)
	}
	for i := range len(linear) / 2 {
		h.heard[at+i] = int16(uint16(linear[2*i]) | uint16(linear[2*i+1])<<8)
	}
}

// count is how many packets were heard so far.
func (h *handset) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.packets
}

func (h *handset) fault(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, what)
}

// speakTo begins to speak, once.
func (h *handset) speakTo(to netip.AddrPort) {
	h.spoke.Do(func() { h.ended.Go(func() { h.speak(to) }) })
}

// speak sends the voice until its end, or until the handset hangs up.
func (h *handset) speak(to netip.AddrPort) {
	p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 0x1000 + uint32(to.Port()), Marker: true}}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	linear := make([]byte, 2*frame)
	for at := 0; at+frame <= len(h.voice); at += frame {
		for i, s := range h.voice[at : at+frame] {
			linear[2*i], linear[2*i+1] = byte(s), byte(uint16(s)>>8)
		}
		p.Payload = g711.EncodeUlaw(linear)
		wire, err := p.Marshal()
		if err != nil {
			h.fault("cannot speak: " + err.Error())
			return
		}
		if _, err := h.conn.WriteToUDPAddrPort(wire, to); err != nil {
			return
		}
		p.SequenceNumber++
		p.Timestamp += frame
		p.Marker = false
		<-tick.C
	}
}

// heardToneAnd fails the test unless the handset heard the whole notice and then, unless voice is nobody, the
// other's voice, all on one unbroken stream.
func (h *handset) heardToneAnd(t *testing.T, voice int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, fault := range h.faults[:min(len(h.faults), 3)] {
		t.Errorf("%s: %s", h.name, fault)
	}
	toneAnd(t, h.name, h.heard, rate, voice)
}

const nobody = -1

// toneAnd fails the test unless the recording holds the whole notice and after it the voice.
func toneAnd(t *testing.T, who string, pcm []int16, rate, voice int) {
	t.Helper()
	tone, err := ear.FindTone(pcm, rate, testTone)
	if err != nil {
		t.Errorf("%s did not hear the notice in %.2f s of sound: %v", who, float64(len(pcm))/float64(rate), err)
		return
	}
	t.Logf("%s heard the notice after %v, for %v, at %.1f dBm0", who, tone.Start, tone.Length, tone.LeveldBm0)
	if voice == nobody {
		return
	}
	after := pcm[min(int((tone.Start+time.Second).Seconds()*float64(rate)), len(pcm)):]
	if got, ok := ear.Recognise(after, rate); !ok || got != voice {
		t.Errorf("%s heard speaker %d (%t) after the notice, want speaker %d", who, got, ok, voice)
	}
}

// TestHandsetHearsFaults sends a handset what a broken relay would.
func TestHandsetHearsFaults(t *testing.T) {
	t.Parallel()
	ownNetwork(t, gate.Addr())
	h := pickUp(t, "the handset", pbx.Addr(), calleeVoice)
	conn, err := net.DialUDP("udp4", nil, h.conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, header := range []rtp.Header{
		{SSRC: 1, SequenceNumber: 65535, Timestamp: 1<<32 - frame},
		{SSRC: 1, SequenceNumber: 0, Timestamp: 0},                       // both wrap: no fault
		{SSRC: 1, SequenceNumber: 2, Timestamp: 2 * frame},               // one lost
		{SSRC: 2, SequenceNumber: 3, Timestamp: 3 * frame},               // another stream
		{SSRC: 2, SequenceNumber: 4, Timestamp: memory},                  // a minute later
		{SSRC: 2, SequenceNumber: 5, Timestamp: frame, PayloadType: 101}, // not asked for
	} {
		header.Version = 2
		wire, err := (&rtp.Packet{Header: header, Payload: make([]byte, frame)}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all packets are heard", 5*time.Second, func() bool { return h.count() == 6 })
	h.hangUp()
	want := []string{"the sequence broke", "the SSRC changed", "a timestamp out of line", "a payload that was not negotiated"}
	if !slices.Equal(h.faults, want) {
		t.Errorf("faults = %q, want %q", h.faults, want)
	}
}
