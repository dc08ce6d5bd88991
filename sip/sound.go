package sip

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tonegate/call"
	"tonegate/media"
	"tonegate/media/sdp"
	"tonegate/sip/wire"
)

// sound is the media half of a leg.
type sound struct {
	media media.Leg
	rtp   netip.AddrPort // ours
	local *sdp.Local     // what we say of ourselves to the peer
	peer  *sdp.Session   // what the peer last said
	words
	unsaid words // what stands again if the offer under way comes to nothing
	stats  media.Stats
}

// words are what we last told the peer of ourselves.
type words struct {
	told *sdp.Session
	said []byte // the same, as text
}

// unsay takes an offer back that was refused: the session stays as it was
// (RFC 3261 s14.1).
func (l *leg) unsay() {
	l.words = l.unsaid
	l.agent.tune()
}

// openSound takes a port pair for the leg.
func (l *leg) openSound() error {
	if l.media != 0 {
		return nil
	}
	s := l.agent.shard.server
	m, rtp, err := s.options.Plane.Open(l.trunk.Media)
	if err != nil {
		if s.complaints.Allow() {
			s.log.Error("no media port for a call", "call", l.agent.id, "address", l.trunk.Media.String(), "error", err)
		}
		return err
	}
	l.media, l.rtp = m, rtp
	l.agent.shard.sounds[m] = l.agent
	l.newDescriptions()
	return nil
}

// newDescriptions starts the descriptions of a session (RFC 3264 s5).
func (l *leg) newDescriptions() {
	l.local = sdp.NewLocal(uint64(l.agent.shard.random.Uint32()), l.trunk.Media)
}

// strange reports a body that we do not understand, and may not ignore
// (RFC 3261 s8.2.3).
func strange(m *wire.Message) bool {
	if len(m.Body) == 0 {
		return false
	}
	coding := strings.TrimSpace(m.Value("Content-Encoding"))
	if isSDP(m.ContentType) && (coding == "" || strings.EqualFold(coding, "identity")) {
		return false
	}
	for p := range strings.SplitSeq(m.Value("Content-Disposition"), ";") {
		if name, value, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(name), "handling") {
			return !strings.EqualFold(strings.TrimSpace(value), "optional")
		}
	}
	return true
}

// read takes the description out of a message; neither when there is none
// that can be used.
func (a *agent) read(m *wire.Message) (call.Body, *sdp.Session) {
	if len(m.Body) == 0 || !isSDP(m.ContentType) || strange(m) {
		return call.Body{}, nil
	}
	s := a.parse(string(m.Body))
	if s == nil {
		return call.Body{}, nil
	}
	return call.Theirs(string(m.Body)), s
}

// parse reads a description that has a line we can use: audio, or fax once a
// call has changed to it.
func (a *agent) parse(text string) *sdp.Session {
	s, err := sdp.Parse([]byte(text))
	if err != nil {
		return nil
	}
	if _, _, ok := s.Active(); !ok {
		return nil
	}
	return s
}

// hear takes in what the peer said of itself.
func (l *leg) hear(s *sdp.Session) {
	l.peer = s
	l.agent.tune()
}

// describe writes a description for this leg's peer: an answer to its offer,
// or an offer where it has made none.
func (l *leg) describe(b call.Body, offer *sdp.Session) ([]byte, error) {
	var text []byte
	var err error
	switch b.From {
	case call.Nobody:
		return nil, nil
	case call.Us:
		text, err = l.describeUs()
		if far := l.agent.legs[l.side.Other()].peer; err != nil && far != nil {
			// The notice could not be played; the call goes on with what the legs share.
			text, err = l.relay(far, offer)
		}
	case call.Peer:
		s := l.agent.parse(b.SDP)
		if s == nil {
			return nil, errNoAudio
		}
		text, err = l.relay(s, offer)
	}
	if err != nil {
		return nil, err
	}
	l.told, l.said = l.local.Said(), text
	l.agent.tune()
	return text, nil
}

// relay writes the other leg's description as ours.
func (l *leg) relay(s, offer *sdp.Session) ([]byte, error) {
	active, _, _ := s.Active()
	ports := make([]int, len(s.Media()))
	ports[active] = int(l.rtp.Port())
	if offer != nil {
		return l.local.RelayAnswer(offer, s, ports, l.agent.way().keep)
	}
	return l.local.Relay(s, ports, l.agent.way().keep)
}

// describeUs answers or offers for ourselves, in a codec that our notices have.
func (l *leg) describeUs() ([]byte, error) {
	if l.peer == nil {
		return l.local.Offer(int(l.rtp.Port()), ownOffer, defaultPTime)
	}
	_, m, ok := l.peer.Audio()
	if !ok {
		return nil, errNoAudio
	}
	codec, dtmf, ok := sdp.Choose(m, noticeCodecs...)
	if !ok {
		return nil, errNoAudio
	}
	l.agent.way().only = []string{codec.Name}
	return l.local.Answer(l.peer, int(l.rtp.Port()), codec, dtmf, m.Direction.Reverse())
}

const defaultPTime = 20 * time.Millisecond

// noticeCodecs are those that every asset is encoded in.
var noticeCodecs = []string{sdp.PCMU, sdp.PCMA}

var ownOffer = []sdp.Codec{
	{Payload: 0, Name: sdp.PCMU, Clock: 8000, Channels: 1},
	{Payload: 8, Name: sdp.PCMA, Clock: 8000, Channels: 1},
	{Payload: 101, Name: sdp.TelephoneEvent, Clock: 8000, Channels: 1, Fmtp: "0-15"},
}

// tune tells the media plane what both legs have said.
func (a *agent) tune() {
	for i, l := range a.legs[:call.Parked] {
		if l.ended() || l.media == 0 || l.peer == nil {
			continue
		}
		_, m, ok := l.peer.Active()
		if !ok {
			continue
		}
		r := media.Remote{
			Opaque:   !m.RTP(),
			Address:  netip.AddrPortFrom(m.Address, uint16(m.Port)),
			RTCP:     m.RTCP,
			Payloads: payloads(a.legs[1-i].told, m),
			Send:     m.Direction.Receives(),
			Receive:  m.Direction.Sends(),
			PTime:    m.PTime,
		}
		if len(m.Codecs) > 0 {
			r.Codec = media.Codec{Payload: uint8(m.Codecs[0].Payload), Clock: m.Codecs[0].Clock}
		}
		a.shard.server.options.Plane.Remote(l.media, r)
	}
}

// payloads maps the payload types that the other leg's peer was told to use
// to what this one calls the same codecs; nil when they agree.
func payloads(told *sdp.Session, here sdp.Media) map[uint8]uint8 {
	if told == nil {
		return nil
	}
	_, m, ok := told.Audio()
	if !ok {
		return nil
	}
	var renamed map[uint8]uint8
	for _, c := range m.Codecs {
		if h, ok := same(here.Codecs, c); ok && h.Payload != c.Payload {
			if renamed == nil {
				renamed = map[uint8]uint8{}
			}
			renamed[uint8(c.Payload)] = uint8(h.Payload)
		}
	}
	return renamed
}

func same(codecs []sdp.Codec, c sdp.Codec) (sdp.Codec, bool) {
	for _, h := range codecs {
		if h.Name == c.Name && h.Clock == c.Clock {
			return h, true
		}
	}
	return sdp.Codec{}, false
}

// agreed are the codecs that both the peer and our word to it name, with the
// peer's payload types.
func (l *leg) agreed() ([]sdp.Codec, time.Duration) {
	if l.peer == nil || l.told == nil {
		return nil, 0
	}
	_, theirs, ok := l.peer.Audio()
	_, ours, ok2 := l.told.Audio()
	if !ok || !ok2 {
		return nil, 0
	}
	var both []sdp.Codec
	for _, c := range theirs.Codecs {
		if _, ok := same(ours.Codecs, c); ok {
			both = append(both, c)
		}
	}
	ptime := theirs.PTime
	if ptime < 10*time.Millisecond || ptime > 60*time.Millisecond {
		ptime = defaultPTime
	}
	return both, ptime
}

// shares reports whether a description has an audio codec of those that we
// offered to the leg.
func (l *leg) shares(s *sdp.Session) bool {
	_, ours, _ := l.told.Active()
	_, theirs, _ := s.Active()
	if !ours.RTP() || !theirs.RTP() {
		return ours.RTP() == theirs.RTP()
	}
	return slices.ContainsFunc(theirs.Codecs, func(c sdp.Codec) bool {
		_, ok := same(ours.Codecs, c)
		return ok && c.Audio()
	})
}

// play starts a notice on the leg.
func (a *agent) play(p call.Play) {
	l := a.legs[p.Side]
	proof := call.Proof{Leg: p.Side, Phase: p.Phase, Asset: p.Asset}
	asset, ok := a.shard.server.options.Assets.Asset(p.Asset)
	if !ok {
		proof.Failed = "no such asset"
		a.feed(call.NoticeEnded{Side: p.Side, Proof: proof})
		return
	}
	proof.Hash = asset.Hash()
	if licence := asset.Licence(); licence != nil {
		proof.Licence = licence.Holder + " " + licence.Number
		if err := licence.Check(a.shard.now); err != nil { // it ended while we ran
			proof.Failed = "the licence is not in force"
			a.feed(call.NoticeEnded{Side: p.Side, Proof: proof})
			return
		}
	}
	codecs, ptime := l.agreed()
	for _, c := range codecs {
		frames, ok := asset.Frames(c.Name, ptime)
		if !ok {
			continue
		}
		proof.Codec = c.Name
		sh := a.shard
		sh.server.options.Plane.Play(l.media, media.Playback{Frames: frames.Frames, Payload: uint8(c.Payload), Samples: frames.Samples, Interval: frames.Interval},
			func(done media.Played) {
				proof.First, proof.Last, proof.Packets = done.First, done.Last, done.Packets
				proof.Complete, proof.Failed = done.Complete, done.Failed
				if done.To.IsValid() {
					proof.To = done.To.String()
				}
				sh.order(letter{agent: a, event: call.NoticeEnded{Side: p.Side, Proof: proof}})
			})
		return
	}
	proof.Failed = "no codec in common with the notice"
	a.feed(call.NoticeEnded{Side: p.Side, Proof: proof})
}
