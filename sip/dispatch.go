package sip

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"tonegate/number"
	"tonegate/sip/wire"
)

// Allow is what we answer for; everything else gets 405 or 501 with it.
const allow = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS"

func (t *Trunk) allow() string {
	if t.Refer {
		return allow + ", REFER"
	}
	return allow
}

// framed takes a message that sipgo has cut out of a stream.
func (s *Server) framed(l *listener, msg sipgo.Message) {
	defer s.fence()
	source, err := netip.ParseAddrPort(msg.Source())
	if err != nil {
		s.metrics.drop(dropMalformed)
		return
	}
	m, problem := wire.Read(msg, l.Network, source)
	s.arrived(l, m, problem)
	if problem != nil && problem.Close { // where the next message begins is in doubt
		l.streams.hangUp(source)
	}
}

// arrived runs in the reader of a socket: it refuses what needs no state, and
// hands the rest to the shard that owns it. It never blocks.
func (s *Server) arrived(l *listener, m *wire.Message, problem *wire.Problem) {
	trunk := trunkOf(s.options.Trunks, m.Source.Addr())
	if trunk == nil || l.Network != wire.TLS && trunk.secure() {
		s.metrics.drop(dropStranger)
		return
	}
	if problem != nil {
		reason := dropInvalid
		if m.IsRequest() && m.Method == "" || problem.Status == 513 {
			reason = dropMalformed
		}
		s.metrics.drop(reason)
		s.refuse(replyFlow(l, m, trunk), wire.Refuse(m, problem, ""))
		return
	}
	in := letter{message: m, flow: flow{through: l, remote: m.Source}, trunk: trunk}
	if !m.IsRequest() {
		if !l.sent(m.Via[0]) { // RFC 3261 s18.1.2
			s.metrics.drop(dropUnmatched)
			return
		}
		if shard, ok := shardOf(m.Via[0].Branch, len(s.shards)); ok {
			s.deliver(shard, in)
		} else {
			s.metrics.drop(dropUnmatched)
		}
		return
	}
	in.flow = replyFlow(l, m, trunk)
	if !s.supported(in) {
		return
	}
	shard, ours := shardOf(m.To.Tag, len(s.shards))
	if !ours {
		shard = hashShard(s.seed, m.CallID, m.From.Tag, len(s.shards))
	}
	s.deliver(shard, in)
}

// supported refuses methods and extensions that we do not speak, without state.
func (s *Server) supported(in letter) bool {
	m := in.message
	method := m.Method
	if method == wire.REFER && in.trunk.Refer && m.To.Tag != "" { // never outside a call
		method = wire.INFO
	}
	switch method {
	case wire.INVITE, wire.BYE, wire.PRACK, wire.UPDATE, wire.INFO, wire.OPTIONS:
		foreign := func(tag string) bool { return !s.understands(tag, in.trunk) }
		if !slices.ContainsFunc(m.Require, foreign) {
			return true
		}
		b := wire.NewResponse(m, 420, "", s.statelessTag(m)) // RFC 3261 s8.2.2.3
		for _, tag := range m.Require {
			if foreign(tag) {
				b.Add("Unsupported", tag)
			}
		}
		s.metrics.drop(dropExtension)
		s.refuseBuilt(in, b)
		return false
	case wire.ACK, wire.CANCEL:
		return true
	case wire.REGISTER, wire.REFER, wire.NOTIFY, wire.SUBSCRIBE, wire.MESSAGE, wire.PUBLISH:
		s.refuseBuilt(in, wire.NewResponse(m, 405, "", s.statelessTag(m)).Add("Allow", in.trunk.allow()))
	default:
		s.refuseBuilt(in, wire.NewResponse(m, 501, "", s.statelessTag(m)).Add("Allow", in.trunk.allow()))
	}
	s.metrics.drop(dropMethod)
	return false
}

// understands reports whether an extension that a request requires is one of ours.
func (s *Server) understands(tag string, t *Trunk) bool {
	return strings.EqualFold(tag, tagTimer) || strings.EqualFold(tag, tag100rel) && t.Reliable != ReliableOff
}

// admit keeps new calls within the limits; emergency calls are always let in.
// It is the shard that asks, because a repeated INVITE is no new call.
func (s *Server) admit(in letter) bool {
	called, err := number.Parse(in.message.RequestURI.User)
	emergency := err == nil && called.Emergency()
	if emergency || !s.draining.Load() && s.options.Ready() && s.calls.Load() < int64(s.options.Limits.Calls) && s.rate.Allow() {
		return true
	}
	s.metrics.drop(dropOverload)
	s.metrics.refused.WithLabelValues("overload").Inc()
	s.refuseBuilt(in, wire.NewResponse(in.message, 503, "", s.statelessTag(in.message)).Add("Retry-After", "5"))
	return false
}

// refuseBuilt sends a stateless reply.
func (s *Server) refuseBuilt(in letter, b *wire.Builder) {
	if out, err := b.Bytes(); err == nil {
		in.flow.send(out, "")
	}
}

// refuse sends a reply to a message that could not be read, at a bounded rate.
func (s *Server) refuse(to flow, b []byte) {
	if len(b) > 0 && s.complaints.Allow() {
		to.send(b, "")
	}
}

// statelessTag is a To-tag that belongs to no dialog, the same for every
// repetition of a request (RFC 3261 s8.2.7).
func (s *Server) statelessTag(m *wire.Message) string {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.WriteString(m.CallID)
	h.WriteString(m.From.Tag)
	h.WriteString(m.Via[0].Branch)
	return "x" + strconv.FormatUint(h.Sum64(), 36)
}

// replyFlow is where the responses to a request go: always the address it came
// from; over UDP the port it came from with rport, else the one of its Via
// (RFC 3261 s18.2.2, RFC 3581 s4); over a stream its connection, or else a
// configured peer at that address. No name or address in the message is used.
func replyFlow(l *listener, m *wire.Message, t *Trunk) flow {
	f := flow{through: l, remote: m.Source}
	switch {
	case l.Network != wire.UDP:
		if home := t.home(l, m.Source, m.Source); home.Addr() == m.Source.Addr() {
			f.home = home
		}
	case len(m.Via) > 0 && !m.Via[0].RPort:
		port := uint16(5060)
		if p := m.Via[0].Port; p != 0 {
			port = uint16(p)
		}
		f.remote = netip.AddrPortFrom(m.Source.Addr(), port)
	}
	return f
}
