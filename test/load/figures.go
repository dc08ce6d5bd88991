package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A figure is one thing measured, shown with so many digits after the point.
type figure struct {
	name   string
	digits int
	value  float64
}

// A table holds the figures of one workload: every target's rounds, in the order in which they were measured.
type table struct {
	title   string
	targets []string
	rounds  map[string][][]figure
}

// add keeps a round.
func (t *table) add(target string, figures []figure) {
	if t.rounds == nil {
		t.rounds = map[string][][]figure{}
	}
	if !slices.Contains(t.targets, target) {
		t.targets = append(t.targets, target)
	}
	t.rounds[target] = append(t.rounds[target], figures)
}

// print writes Markdown: each figure of each round, the median of each target, and of two targets the first's
// median divided by the second's.
func (t *table) print(w io.Writer) {
	if len(t.targets) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n\n| figure |", t.title)
	columns := 1
	for _, target := range t.targets {
		fmt.Fprintf(w, " %s, each round | median |", target)
		columns += 2
	}
	if len(t.targets) == 2 {
		fmt.Fprint(w, " ratio |")
		columns++
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat(" --- |", columns))
	for i, f := range t.rounds[t.targets[0]][0] {
		fmt.Fprintf(w, "| %s |", f.name)
		var medians []float64
		for _, target := range t.targets {
			var values []float64
			var shown []string
			for _, round := range t.rounds[target] {
				values = append(values, round[i].value)
				shown = append(shown, fmt.Sprintf("%.*f", f.digits, round[i].value))
			}
			m := median(values)
			medians = append(medians, m)
			fmt.Fprintf(w, " %s | %.*f |", strings.Join(shown, " "), f.digits, m)
		}
		if len(medians) == 2 {
			fmt.Fprintf(w, " %s |", ratio(medians[0], medians[1]))
		}
		fmt.Fprintln(w)
	}
}

// ratio is a/b in words, or - where there is none.
func ratio(a, b float64) string {
	if a <= 0 || b <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// median is the middle of the values, the mean of the middle two when their number is even.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// percentile is the smallest of the durations that p percent of them do not exceed; it sorts them.
func percentile(durations []time.Duration, p int) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	return durations[max(0, (len(durations)*p+99)/100-1)]
}

func percent(n, of int) float64  { return 100 * float64(n) / float64(max(1, of)) }
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mb(bytes int64) float64     { return float64(bytes) / (1 << 20) }
