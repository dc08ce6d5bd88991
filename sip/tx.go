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
	tx := &serverTx{shard: sh, key: transaction.ServerKey(m), flow: in.flow, leg: l,
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
	flow    flow
	trunk   *Trunk
	leg     *leg             // who waits for the response; nil when nobody does
	out     *inviteOut       // the INVITE that it carries; nil for anything else
	ended   func(status int) // told the final response, 408 or 503; nil for nobody
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

// request starts a client transaction and sends its request.
func (sh *shard) request(m wire.Method, branch string, b []byte, f flow, to *Trunk, l *leg, o *inviteOut) *clientTx {
	machine, out := transaction.NewClient(m, f.through.Network.Reliable(), b, to.Timers, sh.now)
	tx := &clientTx{shard: sh, key: transaction.Key{Branch: branch, Method: m}, machine: machine, flow: f, trunk: to, leg: l, out: o}
	tx.timer.owner = tx
	sh.clients[tx.key] = tx
	tx.carry(out)
	return tx
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
	out := tx.machine.Response(m.Status, tx.shard.now)
	if out.Ack {
		out = merge(out, tx.machine.Ack(tx.out.invite.Ack(m.To.Raw)))
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
		if err := tx.flow.send(out.Send, tx.key.Branch); err != nil && !out.Done {
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
