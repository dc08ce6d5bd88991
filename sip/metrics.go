package sip

import (
	"github.com/prometheus/client_golang/prometheus"

	"tonegate/call"
)

// Metrics are the server's counters. No label ever holds a number.
type Metrics struct {
	calls    *prometheus.CounterVec
	notices  *prometheus.CounterVec
	exempt   *prometheus.CounterVec
	refused  *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	active   prometheus.Gauge
	progress *prometheus.HistogramVec
	answer   *prometheus.HistogramVec
	added    *prometheus.HistogramVec
	faults   prometheus.Counter
	repeats  *prometheus.CounterVec
	large    *prometheus.CounterVec
	beats    *prometheus.CounterVec
	up       *prometheus.GaugeVec
}

// NewMetrics registers the server's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tonegate_" + name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	setup := func(name, help string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tonegate_" + name, Help: help,
			Buckets: []float64{.001, .002, .004, .008, .016, .05, .1, .25, .5, 1, 2, 4, 8, 16, 32, 64, 180}}, []string{"trunk"})
		r.MustRegister(h)
		return h
	}
	m := &Metrics{
		calls:    counters("calls_total", "Calls that ended, by the trunk, the direction the trunk saw them in, and the result.", "trunk", "direction", "result"),
		notices:  counters("notices_total", "Notices that ended, by phase, leg and result.", "phase", "leg", "result"),
		exempt:   counters("notices_exempt_total", "Calls without a notice, by the reason that the rule gives.", "reason"),
		refused:  counters("refused_total", "Calls refused by policy or overload, by reason.", "reason"),
		dropped:  counters("sip_dropped_total", "Messages that were dropped or answered without a call, by reason.", "reason"),
		active:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "tonegate_active_calls", Help: "Calls that are being set up or are up."}),
		progress: setup("call_progress_seconds", "From INVITE to the first ringing or progress of the far end."),
		answer:   setup("call_answer_seconds", "From INVITE to the answer of the far end."),
		added:    setup("notice_added_delay_seconds", "How much later the callee was dialled, or let through, because of the notice before connecting."),
		faults:   prometheus.NewCounter(prometheus.CounterOpts{Name: "tonegate_faults_total", Help: "Faults of our own that ended a call; each is in the log."}),
		repeats:  counters("sip_retransmissions_total", "Messages sent again, by kind.", "kind"),
		large:    counters("sip_large_requests_total", "Requests too large for UDP where a trunk wants them over TCP, by how they went.", "trunk", "result"),
		beats:    counters("sip_keepalives_total", "Keepalives over connections, by what came of them.", "trunk", "result"),
		up:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tonegate_peer_up", Help: "Whether a peer answers OPTIONS: 0 when it is down."}, []string{"trunk", "peer"}),
	}
	r.MustRegister(m.active, m.faults, m.up)
	return m
}

// Reasons of tonegate_sip_dropped_total.
const (
	dropStranger  = "stranger"
	dropMalformed = "malformed"
	dropInvalid   = "invalid"
	dropUnmatched = "unmatched"
	dropOverload  = "overload"
	dropMethod    = "method"
	dropHandshake = "handshake"
	dropExtension = "extension"
	dropMerged    = "merged"
)

// Results of tonegate_sip_large_requests_total.
const (
	largeTCP    = "tcp"    // sent over TCP
	largeFailed = "failed" // then sent over UDP, because TCP did not work
	largeUDP    = "udp"    // sent over UDP at once, because TCP had not worked
)

// Results of tonegate_sip_keepalives_total.
const (
	beatAnswered = "answered"
	beatMissing  = "missing" // by a peer that has never answered one
	beatClosed   = "closed"  // by one that has: the connection was closed
)

// preset shows the counters of every trunk from the start, so that a rate over the first call is right.
func (m *Metrics) preset(trunks []Trunk) {
	for _, t := range trunks {
		for _, direction := range []string{"in", "out"} {
			for _, result := range []call.Result{call.Completed, call.CallerEnd, call.Busy, call.NoAnswer, call.Declined, call.Refused, call.Failed} {
				m.calls.WithLabelValues(t.Name, direction, string(result))
			}
		}
	}
	for _, phase := range []call.Phase{call.Before, call.AtAnswer} {
		for _, leg := range []call.Side{call.A, call.B} {
			for _, result := range []string{"played", "failed"} {
				m.notices.WithLabelValues(phase.String(), legName(leg), result)
			}
		}
	}
	for _, why := range []call.Reason{call.ReasonStopped, call.ReasonNoRoute, call.ReasonPresentation, call.ReasonUnreadable} {
		m.refused.WithLabelValues(string(why))
	}
}

func (m *Metrics) drop(reason string) { m.dropped.WithLabelValues(reason).Inc() }

// ended counts one call by its record and the plan it went by last.
func (m *Metrics) ended(from string, p *call.Plan, r *call.Record) {
	result := string(r.Result)
	m.calls.WithLabelValues(from, "in", result).Inc()
	if r.Target >= 0 {
		m.calls.WithLabelValues(p.Targets[r.Target].Trunk, "out", result).Inc()
	}
	if r.Result == call.Refused {
		m.refused.WithLabelValues(string(r.Reason)).Inc()
	}
	if p.Exempt != "" {
		m.exempt.WithLabelValues(p.Exempt).Inc()
	}
	for _, n := range r.Notices() {
		outcome := "played"
		if !n.Complete {
			outcome = "failed"
		}
		m.notices.WithLabelValues(n.Phase.String(), legName(n.Leg), outcome).Inc()
	}
	if p.Notices.BeforeCaller != "" && r.Target >= 0 {
		m.added.WithLabelValues(from).Observe(r.Added.Seconds())
	}
	if !r.Rang.IsZero() {
		m.progress.WithLabelValues(from).Observe(r.Rang.Sub(r.Invited).Seconds())
	}
	if !r.Answered.IsZero() {
		m.answer.WithLabelValues(from).Observe(r.Answered.Sub(r.Invited).Seconds())
	}
}

// legName is what operators call a leg.
func legName(s call.Side) string {
	if s == call.A {
		return "caller"
	}
	return "callee"
}
