package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	binary, peer, out     string
	rate, seconds, rounds int
	plain                 int
	calls, window         int
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/tonegate", "the built server")
	flag.StringVar(&o.peer, "peer", "auto", "kamailio, none, or auto: kamailio where it and rtpengine are installed")
	flag.StringVar(&o.out, "out", "out/load", "directory for configurations and logs; emptied first")
	flag.IntVar(&o.rate, "rate", 100, "forwarded calls a second; 0: none")
	flag.IntVar(&o.plain, "plain", 0, "calls a second without a tone, of which only the signalling counts; 0: none")
	flag.IntVar(&o.seconds, "seconds", 20, "how long calls begin")
	flag.IntVar(&o.rounds, "rounds", 2, "how often each server is measured, in turn")
	flag.IntVar(&o.calls, "relay", 200, "calls whose voice is relayed; 0: none")
	flag.IntVar(&o.window, "window", 10, "how many seconds of relaying are measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// check refuses what would not end or not be bounded.
func (o options) check() error {
	within := func(name string, value, low, high int) error {
		if value < low || value > high {
			return fmt.Errorf("-%s is %d, not between %d and %d", name, value, low, high)
		}
		return nil
	}
	err := errors.Join(within("rate", o.rate, 0, 5000), within("plain", o.plain, 0, 5000), within("seconds", o.seconds, 1, 600),
		within("rounds", o.rounds, 1, 20), within("relay", o.calls, 0, 5000), within("window", o.window, 1, 60),
		within("rate times -seconds", max(o.rate, o.plain)*o.seconds, 0, 100_000))
	if o.peer != "kamailio" && o.peer != "none" && o.peer != "auto" {
		err = errors.Join(err, fmt.Errorf("-peer is %q, not kamailio, none or auto", o.peer))
	}
	if flag.NArg() > 0 {
		err = errors.Join(err, fmt.Errorf("unexpected argument %q", flag.Arg(0)))
	}
	return err
}

// run measures every target in turn and prints the tables.
func (o options) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if absent := missing("sipp", "taskset", o.binary); absent != nil {
		return fmt.Errorf("not installed: %s", strings.Join(absent, ", "))
	}
	targets, err := o.targets()
	if err != nil {
		return err
	}
	cpu, err := pin()
	if err != nil {
		return err
	}
	if cpu < 0 {
		fmt.Fprintln(os.Stderr, "\n*** ONE PROCESSOR: the load and the server share it, so every delay holds the load's work too")
	}
	if err := os.RemoveAll(o.out); err != nil {
		return err
	}
	works := []struct {
		name, title string
		amount      int // 0: left out
		measure     func(dir string, server []*process) ([]figure, error)
	}{
		{"calls", fmt.Sprintf("Forwarded calls with a second of tone, %d a second for %d s", o.rate, o.seconds), o.rate,
			func(dir string, server []*process) ([]figure, error) {
				return forwarded(ctx, dir, server, o.rate, o.seconds)
			}},
		{"plain", fmt.Sprintf("Calls without a tone, signalling only, %d a second for %d s", o.plain, o.seconds), o.plain,
			func(dir string, server []*process) ([]figure, error) {
				return plain(ctx, dir, server, o.plain, o.seconds)
			}},
		{"relay", fmt.Sprintf("%d calls relayed, 50 packets a second each way, %d s", o.calls, o.window), o.calls,
			func(dir string, server []*process) ([]figure, error) {
				return relay(ctx, dir, server, o.calls, o.window)
			}},
	}
	tables := make([]table, len(works))
	for round := range o.rounds {
		for _, t := range targets {
			for i, w := range works {
				tables[i].title = w.title
				if w.amount == 0 {
					continue
				}
				figures, err := o.measure(ctx, t, fmt.Sprintf("%s-%d", w.name, round+1), cpu, w.measure)
				if err != nil {
					return err
				}
				tables[i].add(t.name, figures)
			}
		}
	}
	for i := range tables {
		tables[i].print(os.Stdout)
	}
	return nil
}

// targets are the servers to measure.
func (o options) targets() ([]target, error) {
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return nil, err
	}
	targets := []target{tonegate(binary)}
	absent := missing("kamailio", "rtpengine")
	switch {
	case o.peer == "none":
		return targets, nil
	case absent == nil:
		return append(targets, kamailio), nil
	case o.peer == "kamailio":
		return nil, fmt.Errorf("not installed: %s: run make load-peer", strings.Join(absent, ", "))
	}
	fmt.Fprintf(os.Stderr, "\n*** NOT COMPARED: %s not installed, so tonegate is measured alone (make load-peer installs them)\n\n",
		strings.Join(absent, ", "))
	return targets, nil
}

// measure starts a target afresh, lets it settle, measures it and ends it.
func (o options) measure(ctx context.Context, t target, work string, cpu int,
	with func(dir string, server []*process) ([]figure, error)) ([]figure, error) {
	dir, err := filepath.Abs(filepath.Join(o.out, t.name+"-"+work))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := writeScenarios(dir); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "%s %s %s\n", time.Now().Format(time.TimeOnly), t.name, work)
	server, err := t.start(ctx, dir, cpu)
	defer func() {
		for _, p := range server {
			p.stop()
		}
	}()
	if err == nil {
		err = sleep(ctx, 2*time.Second)
	}
	var figures []figure
	if err == nil {
		figures, err = with(dir, server)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s (logs in %s): %w", t.name, work, dir, err)
	}
	return figures, nil
}
