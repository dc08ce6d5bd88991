package siptest

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/zaf/g711"
)

const (
	sampleRate = 8000
	maxSpoken  = 10 * 60 * sampleRate // samples that wait to be sent
	maxHeard   = 1 << 16              // packets kept: 21 minutes at 20 ms
)

// VoiceOptions of a voice. Random values stand for those that are zero.
type VoiceOptions struct {
	Remote    netip.AddrPort
	Codec     Codec         // PCMU or PCMA; PCMU if zero
	Ptime     time.Duration // 20 ms if zero
	SSRC      uint32
	Sequence  uint16
	Timestamp uint32
}

// Voice is the mouth and the ear of a phone: RTP with G.711 on one socket. Frames leave at absolute deadlines,
// so that a late one does not delay those after it.
type Voice struct {
	conn    packetConn
	local   netip.AddrPort
	codec   Codec
	ptime   time.Duration
	running sync.WaitGroup

	mu       sync.Mutex
	remote   netip.AddrPort
	header   rtp.Header
	pcm      []int16 // to be said
	loop     []int16 // said again when pcm is empty
	idle     chan struct{}
	speaking bool
	due      time.Time // of the next frame
	timer    *time.Timer
	sent     int
	closed   bool
	heard    []Heard
	missed   int // packets beyond maxHeard
	strange  int // datagrams that are not RTP
}

// Heard is one RTP packet that arrived.
type Heard struct {
	At        time.Time
	Source    netip.AddrPort
	SSRC      uint32
	Sequence  uint16
	Timestamp uint32
	Marker    bool
	Payload   uint8 // type
	Data      []byte
}

// NewVoice starts to listen on a socket, which it owns from now on.
func NewVoice(conn net.PacketConn, o VoiceOptions) *Voice {
	if o.Codec.Name == "" {
		o.Codec = PCMU
	}
	if o.Ptime == 0 {
		o.Ptime = 20 * time.Millisecond
	}
	if o.SSRC == 0 {
		o.SSRC = rand.Uint32()
	}
	if o.Sequence == 0 {
		o.Sequence = uint16(rand.Uint32())
	}
	if o.Timestamp == 0 {
		o.Timestamp = rand.Uint32()
	}
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	v := &Voice{
		conn:   datagrams(conn),
		local:  netip.AddrPortFrom(local.Addr().Unmap(), local.Port()),
		codec:  o.Codec,
		ptime:  o.Ptime,
		remote: o.Remote,
		header: rtp.Header{Version: 2, PayloadType: o.Codec.Payload, SSRC: o.SSRC, SequenceNumber: o.Sequence, Timestamp: o.Timestamp},
		idle:   make(chan struct{}),
	}
	close(v.idle)
	v.running.Go(v.listen)
	return v
}

// Addr is where the voice listens.
func (v *Voice) Addr() netip.AddrPort { return v.local }

// SetRemote directs the voice, from the next frame on. It fits Options.Media.
func (v *Voice) SetRemote(addr netip.AddrPort) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.remote = addr
}

// Say sends samples after those that are still to be said, and returns at once. A voice without a remote
// address lets their time pass. What exceeds ten minutes is left out.
func (v *Voice) Say(pcm []int16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pcm = append(v.pcm, pcm[:min(len(pcm), maxSpoken-len(v.pcm))]...)
	v.start()
}

// Loop says the samples again and again whenever there is nothing else to say, until Stop.
func (v *Voice) Loop(pcm []int16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loop = append([]int16(nil), pcm[:min(len(pcm), maxSpoken)]...)
	v.start()
}

// Stop forgets what is still to be said.
func (v *Voice) Stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pcm, v.loop = nil, nil
}

// Wait returns when everything has been said, or at Close.
func (v *Voice) Wait() {
	v.mu.Lock()
	idle := v.idle
	v.mu.Unlock()
	<-idle
}

// start begins a talkspurt unless there is one: the timestamp has gone on meanwhile, the marker is set.
func (v *Voice) start() {
	if v.speaking || v.closed || len(v.pcm)+len(v.loop) == 0 {
		return
	}
	now := time.Now()
	if !v.due.IsZero() && now.After(v.due) {
		v.header.Timestamp += uint32(now.Sub(v.due) * sampleRate / time.Second)
	}
	v.speaking, v.due = true, now
	v.idle = make(chan struct{})
	v.header.Marker = true
	v.timer = time.AfterFunc(0, v.speak)
}

// speak sends the frames that are due.
func (v *Voice) speak() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for !v.closed && !v.due.After(time.Now()) {
		frame := v.next()
		if frame == nil {
			v.speaking = false
			close(v.idle)
			return
		}
		if v.remote.IsValid() {
			v.transmit(&rtp.Packet{Header: v.header, Payload: v.encode(frame)})
			v.header.Marker = false
			v.header.SequenceNumber++
		}
		v.header.Timestamp += uint32(len(frame))
		v.due = v.due.Add(v.ptime)
	}
	if !v.closed {
		v.timer.Reset(time.Until(v.due))
	}
}

// next is one frame, the last one of a text filled up with silence; nil at the end.
func (v *Voice) next() []int16 {
	if len(v.pcm) == 0 {
		v.pcm = append(v.pcm, v.loop...)
	}
	if len(v.pcm) == 0 {
		return nil
	}
	frame := make([]int16, int(v.ptime*sampleRate/time.Second))
	v.pcm = v.pcm[copy(frame, v.pcm):]
	return frame
}

func (v *Voice) encode(frame []int16) []byte {
	data := make([]byte, len(frame))
	for i, sample := range frame {
		if v.codec.Name == PCMA.Name {
			data[i] = g711.EncodeAlawFrame(sample)
		} else {
			data[i] = g711.EncodeUlawFrame(sample)
		}
	}
	return data
}

func (v *Voice) transmit(p *rtp.Packet) {
	data, err := p.Marshal()
	if err != nil {
		return // a packet of the script's own that RTP cannot express
	}
	v.conn.WriteToUDPAddrPort(data, v.remote)
	v.sent++
}

// SendRTP sends a packet as it is, such as a telephone event or one out of order.
func (v *Voice) SendRTP(p *rtp.Packet) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.transmit(p)
}

// Sent counts the packets sent.
func (v *Voice) Sent() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sent
}

func (v *Voice) listen() {
	buf := make([]byte, 2048)
	for {
		n, from, err := v.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			v.hear(append([]byte(nil), buf[:n]...), from)
		}
	}
}

func (v *Voice) hear(data []byte, from netip.AddrPort) {
	var p rtp.Packet
	err := p.Unmarshal(data)
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err != nil || p.Version != 2 || isRTCP(data):
		v.strange++
	case len(v.heard) >= maxHeard:
		v.missed++
	default:
		v.heard = append(v.heard, Heard{
			At: time.Now(), Source: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), SSRC: p.SSRC,
			Sequence: p.SequenceNumber, Timestamp: p.Timestamp, Marker: p.Marker, Payload: p.PayloadType, Data: p.Payload,
		})
	}
}

// isRTCP tells RTCP on an RTP port by its packet type, RFC 5761 s4.
func isRTCP(data []byte) bool { return len(data) > 1 && data[1] >= 192 && data[1] <= 223 }

// Packets are all that arrived, in that order.
func (v *Voice) Packets() []Heard {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]Heard(nil), v.heard...)
}

// Close ends speaking and hearing and frees the socket. What was heard stays.
func (v *Voice) Close() error {
	v.mu.Lock()
	if !v.closed {
		v.closed = true
		if v.timer != nil {
			v.timer.Stop()
		}
		if v.speaking {
			close(v.idle)
		}
		v.speaking = false
	}
	v.mu.Unlock()
	err := v.conn.Close()
	v.running.Wait()
	return err
}
