package sip

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tonegate/internal/siptest"
)

// line is a record in short: the result, why, the status, and each notice.
func line(r callRecord) string {
	text := fmt.Sprintf("%s %s %d", r.Result, r.Reason, r.Status)
	notices := slices.SortedFunc(slices.Values(r.Notices), func(a, b noticeLine) int {
		return strings.Compare(b.Phase+a.Leg, a.Phase+b.Leg)
	})
	for _, n := range notices {
		text += fmt.Sprintf(", %s %s ", n.Phase, n.Leg)
		if n.Complete {
			text += fmt.Sprint(n.Packets, " whole")
		} else {
			text += n.Failed
		}
	}
	return text
}

// end waits until the last trace of every call may have gone, and looks for what is left.
func (w *world) end() {
	w.t.Helper()
	for waited := time.Duration(0); w.server.Calls() > 0 && waited < 10*time.Minute; waited += time.Second {
		time.Sleep(time.Second)
	}
	time.Sleep(lifetime + 2*time.Second)
	w.shutdown()
	w.checkKept()
	if n := w.counters.Legs.Load(); n != 0 {
		w.t.Errorf("%d ports are still open", n)
	}
	if n := w.metric("tonegate_faults_total"); n != 0 {
		w.t.Errorf("%v faults", n)
	}
	if n := w.metric("tonegate_active_calls"); n != 0 {
		w.t.Errorf("%v active calls", n)
	}
	if w.lossy {
		return
	}
	var got []string
	for _, r := range w.records.all() {
		got = append(got, line(r))
	}
	if !slices.Equal(got, w.wants) {
		w.t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(w.wants, "\n"))
	}
	for _, p := range []*siptest.Phone{w.carrier, w.pbx, w.spare} {
		if v := p.Violations(); len(v) > 0 {
			w.t.Errorf("%s saw violations: %q", p.Name(), v)
		}
	}
}

// checkKept looks into the shards of a server that was shut down.
func (w *world) checkKept() {
	w.t.Helper()
	for i, sh := range w.server.shards {
		if n := [...]int{len(sh.servers), len(sh.clients), len(sh.legs), len(sh.agents), len(sh.sounds), len(sh.timers)}; n != [6]int{} {
			w.t.Errorf("shard %d keeps %d server and %d client transactions, %d legs, %d agents, %d sounds, %d timers", i, n[0], n[1], n[2], n[3], n[4], n[5])
			for key := range sh.clients {
				w.t.Errorf("  client %+v", key)
			}
			for key := range sh.servers {
				w.t.Errorf("  server %+v", key)
			}
		}
	}
}

// metric is the sum of a metric's series, or of those with a label value.
func (w *world) metric(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			for _, want := range labels {
				if !hasLabel(m.GetLabel(), want) {
					continue series
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func hasLabel[L interface{ GetValue() string }](labels []L, value string) bool {
	return slices.ContainsFunc(labels, func(l L) bool { return l.GetValue() == value })
}
