package sip

import (
	"time"

	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

// serverTx is a server transaction with its place in a shard: the machine
// decides, this carries out.
type serverTx struct {
	shard   *shard
	key     transaction.Key
	machine transaction.Server
	timer   timer
	flow    flow
	leg     *leg // whose INVITE it is; nil for anything else
	asked   original
}

// serve starts a server transaction for a request.
func (sh *shard) serve(in letter, l *leg) *serverTx {
	m := in.message
	tx := &serverTx{shard: sh, key: transaction.ServerKey(m).Clone(), flow: in.flow, leg: l,
		machine: transaction.NewServer(m.Method, m.Network.Reliable(), in.trunk.Timers, sh.now)}
	tx.timer.owner = tx
	sh.servers[tx.key] = tx
	sh.timers.set(&tx.timer, tx.machine.Due())
	return tx
}

// request takes a repetition of the request, or the ACK of a failure.
func (tx *serverTx) request(in letter) {
	out := tx.machine.Request(in.message.Method, tx.shard.now)
	if len(out.Send) > 0 {
		tx.shard.server.metrics.repeats.WithLabelValues("response").Inc()
	}
	if out.Event == transaction.Deliver && tx.leg != nil && in.message.Method == wire.ACK {
		// The ACK of a 2xx that reuses the branch of its INVITE.
		tx.leg.acked(in.message)
	}
	tx.carry(out)
}

func (tx *serverTx) respond(status int, b []byte) {
	out, err := tx.machine.Respond(status, b, tx.shard.now)
	if err != nil { // a final response went before: this one lost a race
		return
	}
	tx.carry(out)
}

func (tx *serverTx) expire(now time.Time) { tx.carry(tx.machine.Expire(now)) }

func (tx *serverTx) carry(out transaction.Output) {
	if len(out.Send) > 0 {
		// A response that cannot be sent is repeated, or its request is.
		tx.flow.send(out.Send, "")
	}
	if out.Done {
		tx.shard.timers.set(&tx.timer, time.Time{})
		delete(tx.shard.servers, tx.key)
		delete(tx.shard.asked, tx.asked)
		tx.leg = nil
		return
	}
	tx.shard.timers.set(&tx.timer, tx.machine.Due())
}

// clientTx is a client transaction with its place in a shard.
type clientTx struct {
	shard   *shard
	key     transaction.Key
	machine transaction.Client
	timer   timer
	built   flow   // what the request was built for
	request []byte // as it was built, until something is heard
	flow    flow   // the way that it took
	trunk   *Trunk
	leg     *leg             // who waits for the response; nil when nobody does
	out     *inviteOut       // the INVITE that it carries; nil for anything else
	ended   func(status int) // told the final response, 408 or 503; nil for nobody

	conn     *stream // the connection that took the request; nil over UDP
	heard    uint64  // what that had heard by then
	again    bool    // it was sent over a second one
	answered bool    // a response came
}

// over reports whether the transaction is done already: its request could not be sent.
func (tx *clientTx) over() bool { return tx.machine.State() == transaction.Terminated }

// end tells whoever waits, once, how a request that is no INVITE ended.
func (tx *clientTx) end(status int) {
	if told := tx.ended; told != nil && status >= 200 {
		tx.ended = nil
		told(status)
	}
}

// request starts a client transaction and sends its request, which was built
// for f and may have to leave another way.
func (sh *shard) request(m wire.Method, branch string, b []byte, f flow, to *Trunk, l *leg, o *inviteOut) *clientTx {
	tx := &clientTx{shard: sh, key: transaction.Key{Branch: branch, Method: m}, built: f, request: b, trunk: to, leg: l, out: o}
	tx.timer.owner = tx
	sh.clients[tx.key] = tx
	tx.start(tx.way())
	return tx
}

// way is how the request leaves; a CANCEL follows its INVITE (RFC 3261 s9.1).
func (tx *clientTx) way() (flow, []byte) {
	if tx.key.Method == wire.CANCEL {
		if invite := tx.shard.clients[tx.key.Invite()]; invite != nil {
			return invite.flow, readdressed(tx.request, tx.built, invite.flow)
		}
	}
	return tx.shard.server.way(tx.built, tx.trunk, tx.request)
}

func (tx *clientTx) start(f flow, b []byte) {
	var out transaction.Output
	tx.flow = f
	tx.machine, out = transaction.NewClient(tx.key.Method, f.through.Network.Reliable(), b, tx.trunk.Timers, tx.shard.now)
	tx.carry(out)
}

// lost tells the requests that were under way on a connection that it has ended.
func (sh *shard) lost(c *stream) {
	var all []*clientTx
	for _, tx := range sh.clients {
		if tx.conn == c {
			all = append(all, tx)
		}
	}
	for _, tx := range all {
		func() {
			defer sh.fence()
			if tx.conn == c { // still, after what became of the others
				tx.lost(c)
			}
		}()
	}
}

// lost ends a request whose connection has ended (RFC 3261 s17.1.4), or sends it
// once more. A connection that had carried messages before, and nothing since
// the request, had gone stale: most likely nobody has read it, and if somebody
// has, its branch shows that it is the same.
func (tx *clientTx) lost(c *stream) {
	tx.conn = nil
	if !tx.retry(tx.heard > 0 && c.heard.Load() == tx.heard) {
		tx.carry(tx.machine.Fail(tx.shard.now))
	}
}

// retry sends a request again that its connection could not carry: over a
// fresh one, once, when the old one was stale; over UDP when it was only too
// large for that (RFC 3261 s18.1.1). It is false when neither is to be done.
func (tx *clientTx) retry(stale bool) bool {
	s := tx.machine.State()
	if s != transaction.Calling && s != transaction.Trying || tx.out != nil && tx.out.over {
		return false
	}
	m := tx.shard.server.metrics
	switch {
	case stale && !tx.again:
		tx.again = true
		m.repeats.WithLabelValues("reconnected").Inc()
		tx.start(tx.way())
	case tx.flow.through != tx.built.through && tx.built.through.Network == wire.UDP:
		m.large.WithLabelValues(tx.trunk.Name, largeFailed).Inc()
		tx.start(tx.built, tx.request)
	default:
		return false
	}
	return true
}

// forget gives up an INVITE that never got a final response. Until then a late
// 2xx still found its call, to be acknowledged and ended.
func (sh *shard) forget(o *inviteOut) {
	if o == nil {
		return
	}
	key := transaction.Key{Branch: o.branch, Method: wire.INVITE}
	if tx := sh.clients[key]; tx != nil && tx.machine.State() == transaction.Proceeding {
		sh.timers.set(&tx.timer, time.Time{})
		delete(sh.clients, key)
	}
}

// receive takes a response. Only the trunk that was asked may answer.
func (tx *clientTx) receive(in letter) {
	if in.trunk != tx.trunk {
		tx.shard.server.metrics.drop(dropStranger)
		return
	}
	m := in.message
	tx.answered, tx.request = true, nil
	out := tx.machine.Response(m.Status, tx.shard.now)
	if out.Ack {
		out = merge(out, tx.machine.Ack(readdressed(tx.out.invite.Ack(m.To.Raw), tx.built, tx.flow)))
	}
	deliver := out.Event == transaction.Deliver
	out.Event = transaction.None
	l := tx.leg
	tx.carry(out)
	if deliver {
		tx.end(m.Status)
	}
	if deliver && l != nil {
		l.responded(tx, m)
	}
}

// merge adds what the second output of one moment brings to the first.
func merge(a, b transaction.Output) transaction.Output {
	if len(b.Send) > 0 {
		a.Send = b.Send
	}
	a.Done = a.Done || b.Done
	return a
}

func (tx *clientTx) expire(now time.Time) { tx.carry(tx.machine.Expire(now)) }

func (tx *clientTx) carry(out transaction.Output) {
	if len(out.Send) > 0 {
		conn, err := tx.flow.carry(out.Send, true)
		if conn != nil {
			tx.conn, tx.heard = conn, conn.heard.Load()
		}
		if err != nil && !out.Done {
			if tx.retry(false) {
				return
			}
			out = tx.machine.Fail(tx.shard.now)
		}
	}
	l := tx.leg
	if out.Done {
		tx.shard.timers.set(&tx.timer, time.Time{})
		delete(tx.shard.clients, tx.key)
		tx.leg = nil
	} else {
		tx.shard.timers.set(&tx.timer, tx.machine.Due())
	}
	switch {
	case out.Event == transaction.TimedOut:
		tx.end(408)
	case out.Event == transaction.Failed:
		tx.end(503)
	}
	if l == nil {
		return
	}
	switch out.Event {
	case transaction.TimedOut: // Timer C leaves the transaction standing
		l.unanswered(tx, 408, !out.Done)
	case transaction.Failed:
		l.unanswered(tx, 503, false)
	}
}
