package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tonegate/ledger"
)

// books is what the server itself says of the calls, held against what the telephones heard.
type books struct {
	records ledger.Chain
	figures int // of the metrics page that were compared
	faults  []string
}

func (b *books) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// bookRecord is the part of a call record that the telephones can know.
type bookRecord struct {
	CallID    string `json:"call_id"`
	Result    string
	Reason    string
	Status    int
	Exempt    string
	Forwarded bool
	Emergency bool
	Invited   time.Time
	Answered  time.Time
	Ended     time.Time
	Notices   []bookNotice
	Media     []struct {
		Leg  string
		Lost int `json:"packets_lost"`
	}
}

type bookNotice struct {
	Phase, Leg string
	SentTo     string    `json:"sent_to"`
	First      time.Time `json:"first_packet"`
	Packets    int
	Complete   bool
}

// clocks is how far the moment of a packet or message may be from where the other end saw it: a busy machine.
const clocks = 500 * time.Millisecond

func (d *demo) checkBooks(outcomes []*outcome) *books {
	b := &books{}
	err := eventually(d.Ctx, "the last call is over and written", func() bool {
		return d.node.server.Calls() == 0 && d.node.records.Stats().Written == uint64(len(outcomes))
	})
	if err != nil {
		b.fault("records: %v", err)
	}
	records, err := readRecords(d.config.Records.Directory)
	if err != nil {
		b.fault("records: %v", err)
	}
	for _, o := range outcomes {
		i := slices.IndexFunc(records, func(r bookRecord) bool { return r.CallID == o.callID })
		if i < 0 {
			o.fault("there is no record of the call")
			continue
		}
		o.judgeRecord(&records[i])
	}
	if b.records, err = ledger.Verify(d.config.Records.Directory); err != nil || b.records.Records != len(outcomes) {
		b.fault("records: a chain of %d, not %d: %v", b.records.Records, len(outcomes), err)
	}
	b.checkMetrics(d, outcomes)
	return b
}

func readRecords(dir string) ([]bookRecord, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var records []bookRecord
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			var entry struct{ Record bookRecord }
			if err := json.Unmarshal(line, &entry); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			records = append(records, entry.Record)
		}
	}
	return records, nil
}

func (o *outcome) judgeRecord(r *bookRecord) {
	equal := func(what string, got, want any) {
		if got != want {
			o.fault("its record says %s %v, not %v", what, got, want)
		}
	}
	near := func(what string, got, want time.Time) {
		if want.IsZero() != got.IsZero() || got.Sub(want).Abs() > clocks {
			o.fault("its record says %s %v, the telephones %v", what, got.Local(), want)
		}
	}
	equal("result", r.Result, o.result)
	equal("reason", r.Reason, o.reason)
	equal("status", r.Status, o.final)
	equal("exempt", r.Exempt, o.exempt)
	equal("forwarded", r.Forwarded, o.forwarded)
	equal("emergency", r.Emergency, o.emergency)
	near("invited", r.Invited, o.invited)
	near("answered", r.Answered, o.answered)
	near("ended", r.Ended, o.ended)
	for _, m := range r.Media {
		equal("packets lost from the "+m.Leg, m.Lost, 0)
	}
	for i, who := range parties {
		n := slices.IndexFunc(r.Notices, func(n bookNotice) bool { return n.Leg == who })
		if heard := len(o.heard[i].tone.Bursts) > 0; heard != (n >= 0) {
			o.fault("its record and the %s do not agree whether there was a tone", who)
		}
		if n < 0 {
			continue
		}
		h, p := &o.heard[i], r.Notices[n]
		equal("phase for the "+who, p.Phase, o.hears[i].tone)
		equal("complete for the "+who, p.Complete, h.missing == nil)
		equal("packets of the tone for the "+who, p.Packets, h.packets)
		equal("sent to for the "+who, p.SentTo, h.at.String())
		near("first packet for the "+who, p.First, h.report.First)
	}
}

// checkMetrics compares whole families of the metrics page: what was not heard must not be counted.
func (b *books) checkMetrics(d *demo, outcomes []*outcome) {
	page, err := d.metrics()
	if err != nil {
		b.fault("metrics: %v", err)
		return
	}
	want := expectedMetrics(outcomes)
	want["tonegate_list_numbers"] = float64(d.loaded.Added)
	want["tonegate_list_revision"] = float64(d.loaded.Revision)
	want["tonegate_records_written_total"] = float64(len(outcomes))
	for _, name := range []string{"active_calls", "faults_total", "media_legs", "records_dropped_total", "media_one_way_total", "media_write_errors_total"} {
		want["tonegate_"+name] = 0
	}
	for sample, value := range page {
		family, _, _ := strings.Cut(sample, "{")
		_, known := want[sample]
		if counted[family] && !known && value != 0 {
			b.fault("metrics: %s is %v, and nobody heard of it", sample, value)
		}
	}
	for _, sample := range slices.Sorted(maps.Keys(want)) {
		if value, there := page[sample]; !there || value != want[sample] {
			b.fault("metrics: %s is %v, not %v", sample, value, want[sample])
		}
	}
	b.figures = len(want)
}

var counted = map[string]bool{"tonegate_calls_total": true, "tonegate_notices_total": true, "tonegate_notices_exempt_total": true, "tonegate_refused_total": true}

// expectedMetrics counts what the telephones heard.
func expectedMetrics(outcomes []*outcome) map[string]float64 {
	want := map[string]float64{}
	for _, o := range outcomes {
		want[fmt.Sprintf("tonegate_calls_total{direction=\"in\",result=%q,trunk=%q}", o.result, o.from)]++
		if o.isAnswered() {
			want[fmt.Sprintf("tonegate_calls_total{direction=\"out\",result=%q,trunk=%q}", o.result, o.to)]++
		}
		if o.result == "refused" {
			want[fmt.Sprintf("tonegate_refused_total{reason=%q}", o.reason)]++
		}
		if o.exempt != "" {
			want[fmt.Sprintf("tonegate_notices_exempt_total{reason=%q}", o.exempt)]++
		}
		for i, h := range o.heard {
			result := ""
			switch {
			case h.missing == nil:
				result = "played"
			case h.cut():
				result = "failed"
			default:
				continue
			}
			want[fmt.Sprintf("tonegate_notices_total{leg=%q,phase=%q,result=%q}", parties[i], o.hears[i].tone, result)]++
		}
	}
	return want
}

// metrics reads the page as any Prometheus would, by sample with its labels.
func (d *demo) metrics() (map[string]float64, error) {
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(d.metricsURL())
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", answer.Status, text)
	}
	samples := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, ' ')
		if end < 0 || line[0] == '#' {
			continue
		}
		if samples[line[:end]], err = strconv.ParseFloat(line[end+1:], 64); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	return samples, nil
}

func (d *demo) metricsURL() string { return "http://" + d.config.Listen.HTTP.String() + "/metrics" }
