package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tonegate/announce"
	"tonegate/ledger"
	"tonegate/stoplist/store"
)

// metricLabels are the labels that a metric of ours may have. None of them may ever hold a telephone number, so a
// new one is a decision: what are its values, and where do they come from?
var metricLabels = []string{"trunk", "asset", "direction", "result", "reason", "phase", "leg", "kind", "peer"}

// metric is what the program and its page can both say of one metric.
type metric struct {
	kind   string
	labels []string // sorted
}

// sampler is a registry that gives every family a sample: a vector has none, and so is not gathered, before its
// first event.
type sampler struct{ *prometheus.Registry }

const manyLabels = 8

func (s sampler) MustRegister(all ...prometheus.Collector) {
	s.Registry.MustRegister(all...)
	some := slices.Repeat([]string{"some"}, manyLabels)
	for _, c := range all {
		for n := range manyLabels {
			switch c := c.(type) { // fails until n is the number of its labels
			case *prometheus.CounterVec:
				_, _ = c.GetMetricWithLabelValues(some[:n]...)
			case *prometheus.GaugeVec:
				_, _ = c.GetMetricWithLabelValues(some[:n]...)
			case *prometheus.HistogramVec:
				_, _ = c.GetMetricWithLabelValues(some[:n]...)
			}
		}
	}
}

// measured registers the metrics of a node as startNode does.
func measured(t *testing.T) sampler {
	t.Helper()
	records, err := ledger.Open(ledger.Options{Directory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := records.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	n := &node{records: records}
	n.follower = store.NewFollower(nil, &n.list, nil)
	assets, err := announce.NewLibrary(map[string]announce.Spec{"tone": {Synth: "600/200", Level: "-16dBm0",
		Licence: &announce.Licence{Holder: "Example", Number: "1", From: time.Unix(0, 0), Until: time.Now()}}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := sampler{prometheus.NewRegistry()}
	n.measure(s, assets)
	return s
}

func TestMetricsPassPromlint(t *testing.T) {
	families, err := measured(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "tonegate_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// programMetrics are the metrics of ours that the program registers, by name.
func programMetrics(t *testing.T) map[string]metric {
	t.Helper()
	families, err := measured(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]metric{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "tonegate_") {
			continue
		}
		m := metric{kind: strings.ToLower(f.GetType().String())}
		for _, l := range f.GetMetric()[0].GetLabel() { // sorted by name
			m.labels = append(m.labels, l.GetName())
		}
		found[f.GetName()] = m
	}
	if len(found) == 0 {
		t.Fatal("no metric of ours")
	}
	return found
}

func TestMetricLabelsHoldNoNumbers(t *testing.T) {
	for name, m := range programMetrics(t) {
		for _, l := range m.labels {
			if !slices.Contains(metricLabels, l) {
				t.Errorf("%s: label %s is not allowed: could it hold a telephone number?", name, l)
			}
		}
	}
}

// page is docs/metrics.md: its metrics, and the values that it lists for their labels.
type page struct {
	metrics map[string]metric
	values  map[[2]string][]string // by metric and label
}

var (
	pageIntro = regexp.MustCompile("^(Counter|Gauge|Histogram), in [a-z0-9 ]+\\.(?: Labels: ([a-z_`, ]+)\\.)?$")
	pageRow   = regexp.MustCompile("^\\| `([a-z_]+)` \\| (.+?) \\|")
)

func metricsPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	p := page{metrics: map[string]metric{}, values: map[[2]string][]string{}}
	for _, section := range strings.Split(string(text), "\n### `")[1:] {
		name, rest, _ := strings.Cut(section, "`\n\n")
		intro, rest, _ := strings.Cut(rest, "\n")
		parts := pageIntro.FindStringSubmatch(intro)
		if parts == nil {
			t.Errorf("%s: its section does not begin like %q but %q", name, "Counter, in calls. Labels: `trunk`.", intro)
			continue
		}
		m := metric{kind: strings.ToLower(parts[1])}
		for l := range strings.FieldsFuncSeq(parts[2], func(r rune) bool { return strings.ContainsRune("`, ", r) }) {
			m.labels = append(m.labels, l)
		}
		slices.Sort(m.labels)
		p.metrics[name] = m
		for line := range strings.Lines(rest) {
			if row := pageRow.FindStringSubmatch(line); row != nil {
				p.values[[2]string{name, row[1]}] = append(p.values[[2]string{name, row[1]}], strings.Trim(row[2], "`"))
			}
		}
	}
	return p
}

func TestMetricsPageIsComplete(t *testing.T) {
	page, program := metricsPage(t), programMetrics(t)
	for name, m := range program {
		described, ok := page.metrics[name]
		if !ok {
			t.Errorf("docs/metrics.md says nothing of %s", name)
			continue
		}
		if described.kind != m.kind || !slices.Equal(described.labels, m.labels) {
			t.Errorf("docs/metrics.md says %s is a %s with labels %v; it is a %s with %v", name, described.kind, described.labels, m.kind, m.labels)
		}
		for _, l := range m.labels {
			if len(page.values[[2]string{name, l}]) == 0 {
				t.Errorf("docs/metrics.md does not say what %s of %s can be", l, name)
			}
		}
	}
	for name := range page.metrics {
		if _, ok := program[name]; !ok {
			t.Errorf("docs/metrics.md describes %s, which does not exist", name)
		}
	}
}

// The values of labels that the program fixes are those that the page lists.
func TestMetricsPageListsTheValues(t *testing.T) {
	page := metricsPage(t)
	ofType := func(typ string) func(string, string) bool {
		return func(_, of string) bool { return of == typ }
	}
	results := constants(t, "../../call/record.go", ofType("Result"))
	reasons := append(constants(t, "../../call/record.go", ofType("Reason")), "overload")
	drops := constants(t, "../../sip/metrics.go", func(name, _ string) bool { return strings.HasPrefix(name, "drop") })
	for _, test := range []struct {
		metric, label string
		want          []string
		some          bool // not all of want need occur
	}{
		{"tonegate_calls_total", "result", results, false},
		{"tonegate_calls_total", "direction", []string{"in", "out"}, false},
		{"tonegate_sip_dropped_total", "reason", drops, false},
		{"tonegate_sip_large_requests_total", "result", constants(t, "../../sip/metrics.go", func(name, _ string) bool { return strings.HasPrefix(name, "large") }), false},
		{"tonegate_sip_keepalives_total", "result", constants(t, "../../sip/metrics.go", func(name, _ string) bool { return strings.HasPrefix(name, "beat") }), false},
		{"tonegate_refused_total", "reason", reasons, true},
		{"tonegate_notices_total", "phase", []string{"before", "answer"}, false},
		{"tonegate_notices_total", "leg", []string{"caller", "callee"}, false},
		{"tonegate_notices_total", "result", []string{"played", "failed"}, false},
	} {
		listed := page.values[[2]string{test.metric, test.label}]
		for _, v := range listed {
			if !slices.Contains(test.want, v) {
				t.Errorf("docs/metrics.md lists %q for %s of %s, which it never is", v, test.label, test.metric)
			}
		}
		for _, v := range test.want {
			if !test.some && !slices.Contains(listed, v) {
				t.Errorf("docs/metrics.md does not list %q for %s of %s", v, test.label, test.metric)
			}
		}
	}
}

// constants are the string constants of a file that pass the filter by name and declared type.
func constants(t *testing.T, file string, filter func(name, typ string) bool) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		typ := ""
		if id, ok := spec.Type.(*ast.Ident); ok {
			typ = id.Name
		}
		value, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || value.Kind != token.STRING || !filter(spec.Names[0].Name, typ) {
			return true
		}
		text, err := strconv.Unquote(value.Value)
		if err != nil {
			t.Fatal(err)
		}
		found[text] = true
		return true
	})
	if len(found) == 0 {
		t.Fatalf("%s has no such constants", file)
	}
	return slices.Sorted(maps.Keys(found))
}

var metricName = regexp.MustCompile(`tonegate_[a-z_]+`)

// Alerts and pages that speak of a metric speak of one that exists.
func TestMetricsThatAreSpokenOfExist(t *testing.T) {
	program := programMetrics(t)
	for _, file := range []string{"deploy/prometheus/alerts.yaml", "docs/metrics.md", "docs/operations.md", "docs/quickstart.md",
		"docs/quickstart.ja.md"} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, name := range metricName.FindAllString(string(text), -1) {
			base := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if h := strings.TrimSuffix(name, suffix); program[h].kind == "histogram" {
					base = h
				}
			}
			if _, ok := program[base]; !ok {
				t.Errorf("%s speaks of %s, which does not exist", file, name)
			}
		}
	}
}
