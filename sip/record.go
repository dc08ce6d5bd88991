package sip

import (
	"log/slog"
	"time"

	"tonegate/call"
	"tonegate/media"
	"tonegate/number"
)

// callRecord is one line of data/records. It holds numbers in full: the
// directory is for those entitled to them.
type callRecord struct {
	Node       string       `json:"node"`
	ID         string       `json:"id"`
	CallID     string       `json:"call_id"`
	From       string       `json:"from"`
	To         string       `json:"to,omitempty"`
	Caller     string       `json:"caller"`
	Asserted   []string     `json:"asserted,omitempty"`
	Called     string       `json:"called"`
	Diverting  []string     `json:"diverting,omitempty"`
	Forwarded  bool         `json:"forwarded"`
	Redirected []string     `json:"redirected_to,omitempty"`
	Transfer   bool         `json:"transfer,omitempty"`
	Emergency  bool         `json:"emergency"`
	Result     call.Result  `json:"result"`
	Reason     call.Reason  `json:"reason"`
	Status     int          `json:"status"`
	Cause      int          `json:"cause,omitempty"`
	Revision   uint64       `json:"list_revision"`
	Invited    time.Time    `json:"invited"`
	Rang       *time.Time   `json:"rang,omitempty"`
	Answered   *time.Time   `json:"answered,omitempty"`
	Bridged    *time.Time   `json:"bridged,omitempty"`
	Ended      time.Time    `json:"ended"`
	AddedMS    int64        `json:"added_delay_ms,omitempty"`
	Exempt     string       `json:"exempt,omitempty"`
	Notices    []noticeLine `json:"notices,omitempty"`
	Media      []mediaLine  `json:"media,omitempty"`
}

type noticeLine struct {
	Phase    string     `json:"phase"`
	Leg      string     `json:"leg"`
	Asset    string     `json:"asset"`
	Hash     string     `json:"sha256"`
	Licence  string     `json:"licence,omitempty"`
	Codec    string     `json:"codec,omitempty"`
	First    *time.Time `json:"first_packet,omitempty"`
	Last     *time.Time `json:"last_packet,omitempty"`
	Packets  int        `json:"packets"`
	Complete bool       `json:"complete"`
	Failed   string     `json:"failed,omitempty"`
	SentTo   string     `json:"sent_to,omitempty"`
}

type mediaLine struct {
	Leg        string  `json:"leg"`
	Received   uint64  `json:"packets_received"`
	Sent       uint64  `json:"packets_sent"`
	Lost       int64   `json:"packets_lost"`
	JitterMS   float64 `json:"jitter_ms"`
	OutOfOrder uint64  `json:"out_of_order"`
	Strangers  uint64  `json:"strangers,omitempty"`
	OneWay     bool    `json:"one_way,omitempty"`
}

// record keeps what is known of a call that ended, and says it in one log line.
func (a *agent) record(w *way, r *call.Record, caller, callee *leg) {
	s, p := a.shard.server, &w.plan
	f := &w.root().plan.Facts
	to := ""
	if r.Target >= 0 {
		to = p.Targets[r.Target].Trunk
	}
	s.metrics.ended(f.Trunk, p, r)
	line := callRecord{
		Node: s.options.Node, ID: a.id, CallID: caller.dialog.CallID, From: f.Trunk, To: to,
		Caller: spelled(f.Caller), Asserted: spelledAll(f.Asserted), Called: spelled(f.Called), Diverting: spelledAll(f.Diverting),
		Forwarded: p.Facts.Forwarded, Emergency: p.Emergency, Redirected: w.redirections(), Transfer: w.transfer,
		Result: r.Result, Reason: r.Reason, Status: r.Status, Cause: r.Cause, Revision: r.Revision,
		Invited: r.Invited.UTC(), Rang: at(r.Rang), Answered: at(r.Answered), Bridged: at(r.Bridged), Ended: r.Ended.UTC(),
		AddedMS: r.Added.Milliseconds(), Exempt: p.Exempt,
	}
	for _, n := range r.Notices() {
		line.Notices = append(line.Notices, noticeLine{Phase: n.Phase.String(), Leg: legName(n.Leg), Asset: n.Asset, Hash: n.Hash,
			Licence: n.Licence, Codec: n.Codec, First: at(n.First), Last: at(n.Last), Packets: n.Packets, Complete: n.Complete, Failed: n.Failed, SentTo: n.To})
	}
	for side, l := range []*leg{caller, callee} {
		if st := l.stats; st.Received.Packets+st.Sent.Packets > 0 {
			line.Media = append(line.Media, mediaOf(call.Side(side), st))
		}
	}
	if !s.options.Records.Append(line) {
		s.log.Error("a call record was lost: the ledger's queue is full", "call", a.id)
	}
	s.log.Info("call", "call", a.id, "from", f.Trunk, "to", to, "caller", f.Caller, "called", f.Called, "forwarded", f.Forwarded,
		"emergency", p.Emergency, "result", r.Result, "reason", r.Reason, "status", r.Status,
		"seconds", r.Ended.Sub(r.Invited).Seconds(), "notices", len(r.Notices()), "exempt", p.Exempt, "list_revision", r.Revision)
}

// levelTrace is the level of the event and action trace: enough to replay a call.
const levelTrace = slog.LevelDebug

func mediaOf(side call.Side, st media.Stats) mediaLine {
	return mediaLine{Leg: legName(side), Received: st.Received.Packets, Sent: st.Sent.Packets, Lost: st.Lost,
		JitterMS: float64(st.Jitter.Microseconds()) / 1000, OutOfOrder: st.OutOfOrder, Strangers: st.Strangers, OneWay: st.OneWay}
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// spelled writes a number in full.
func spelled(n number.Number) string {
	switch n {
	case number.Withheld:
		return "withheld"
	case number.Number{}:
		return "unreadable"
	}
	return n.E164()
}

func spelledAll(ns []number.Number) []string {
	var all []string
	for _, n := range ns {
		all = append(all, spelled(n))
	}
	return all
}
