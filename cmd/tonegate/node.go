package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tonegate/announce"
	"tonegate/config"
	"tonegate/ledger"
	"tonegate/media"
	"tonegate/sip"
	"tonegate/stoplist"
	"tonegate/stoplist/store"
)

// node is a running tonegate: the list of its parts.
type node struct {
	log      *slog.Logger
	store    *store.Log
	list     stoplist.List
	follower *store.Follower
	plane    media.Plane
	counters media.Counters
	records  *ledger.Ledger
	server   *sip.Server
	web      *web

	end  context.CancelFunc
	wait sync.WaitGroup
}

// newLog is the log that the configuration asks for.
func newLog(c *config.Config, to io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Log.Level}
	if c.Log.Format == config.Text {
		return slog.New(slog.NewTextHandler(to, o))
	}
	return slog.New(slog.NewJSONHandler(to, o))
}

// startNode starts every part, the list before the first socket. What it
// started is stopped again when a part fails.
func startNode(ctx context.Context, c *config.Config, log *slog.Logger) (n *node, err error) {
	values, err := read(c, time.Now())
	if err != nil {
		return nil, err
	}
	for _, w := range values.assets.Warnings() {
		log.Warn(w)
	}
	run, end := context.WithCancel(context.WithoutCancel(ctx))
	n = &node{log: log, end: end}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.stop(ctx))
		}
	}()
	registry := prometheus.NewRegistry()
	if n.store, err = store.Open(ctx, string(c.Store.Engine)+":"+c.Store.Source.Reveal()); err != nil {
		return n, c.At("store", err)
	}
	n.follower = store.NewFollower(n.store, &n.list, func(*stoplist.Table, stoplist.ChangeSet) {
		if n.server != nil {
			n.server.Rescreen()
		}
	})
	if err = n.follower.CatchUp(ctx); err != nil {
		return n, fmt.Errorf("reading the stop list: %w", err)
	}
	n.records, err = ledger.Open(ledger.Options{Directory: c.Records.Directory, Keep: c.Records.Keep, Queue: 4 * c.Limits.Calls, Log: log})
	if err != nil {
		return n, c.At("records.directory", err)
	}
	n.plane = media.NewUDP(media.Options{Ports: [2]int{int(c.Media.Ports.First), int(c.Media.Ports.Last)}, Timeout: c.Media.Timeout,
		Log: log, Counters: &n.counters, Silent: func(l media.Leg) { n.server.Silent(l) }})
	n.server, err = sip.New(sip.Options{
		Node: c.Node, Listen: values.listen, Trunks: values.trunks, Policy: values.policy, List: &n.list, Ready: n.hasList,
		Assets: values.assets, Plane: n.plane, Records: n.records, Metrics: n.measure(registry, values.assets), Log: log,
		Limits: sip.Limits{Calls: c.Limits.Calls, InvitesPerSecond: c.Limits.InvitesPerSecond},
	})
	if err != nil {
		return n, err
	}
	if n.web, err = startWeb(c.Listen.HTTP, registry, n.ready, log); err != nil {
		return n, c.At("listen.http", err)
	}
	n.wait.Go(func() { n.follower.Run(run) })
	n.server.Start()
	log.Info("ready", "node", c.Node, "sip", fmt.Sprint(c.Listen.SIP), "http", c.Listen.HTTP.String(), "media", c.Media.Ports.String(),
		"list_revision", n.list.Load().Revision(), "numbers", n.list.Load().Numbers(), "pid", os.Getpid())
	return n, nil
}

// hasList reports whether the stop list was read to its end at least once.
func (n *node) hasList() bool { return !n.follower.Status().CheckedAt.IsZero() }

// ready says why calls are not taken, if they are not.
func (n *node) ready() error {
	if !n.hasList() {
		return errors.New("no stop list yet: only emergency calls are taken")
	}
	return nil
}

// measure registers every metric of the node: those that its parts count
// themselves, and those that it returns, which the server counts.
func (n *node) measure(r prometheus.Registerer, assets *announce.Library) *sip.Metrics {
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tonegate_" + name, Help: help}, value))
	}
	counter := func(name, help string, value func() uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tonegate_" + name, Help: help}, func() float64 { return float64(value()) }))
	}
	ends := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tonegate_asset_licence_end_timestamp_seconds", Help: "When the licence of an asset ends."}, []string{"asset"})
	r.MustRegister(ends)
	for _, name := range assets.Names() {
		if a, _ := assets.Asset(name); a.Licence() != nil {
			ends.WithLabelValues(name).Set(float64(a.Licence().End().Unix()))
		}
	}
	gauge("list_revision", "The revision of the stop list in force.", func() float64 { return float64(n.list.Load().Revision()) })
	gauge("list_numbers", "Numbers on the stop list, ranges apart.", func() float64 { return float64(n.list.Load().Numbers()) })
	gauge("list_ranges", "Ranges on the stop list.", func() float64 { return float64(n.list.Load().Ranges()) })
	gauge("list_age_seconds", "Since the log of the stop list was last read to its end.", func() float64 { return time.Since(n.follower.Status().CheckedAt).Seconds() })
	gauge("media_legs", "Open legs of the media plane.", func() float64 { return float64(n.counters.Legs.Load()) })
	counter("media_packets_received_total", "RTP packets received.", n.counters.Received.Load)
	counter("media_packets_sent_total", "RTP packets sent.", n.counters.Sent.Load)
	counter("media_packets_stranger_total", "Datagrams from sources that no description named.", n.counters.Strangers.Load)
	counter("media_packets_dropped_total", "RTP packets dropped: late, on hold, above the rate, malformed.", func() uint64 {
		return n.counters.Dropped.Load() + n.counters.Limited.Load() + n.counters.Malformed.Load()
	})
	counter("media_write_errors_total", "Packets that the system would not send.", n.counters.WriteErrors.Load)
	counter("media_ports_exhausted_total", "Calls refused because no port pair was free.", n.counters.PortsExhausted.Load)
	counter("media_one_way_total", "Legs whose peer was silent for 5 s or more while the other side spoke.", n.counters.OneWay.Load)
	counter("records_written_total", "Call records written.", func() uint64 { return n.records.Stats().Written })
	counter("records_dropped_total", "Call records lost because the disk was too slow or failed.", func() uint64 { return n.records.Stats().Dropped })
	return sip.NewMetrics(r)
}

// stop ends the parts in the order of the calls' way: no new calls, the calls
// that are up until ctx is done, then media, records, list.
func (n *node) stop(ctx context.Context) error {
	var errs []error
	if n.server != nil {
		n.server.Shutdown(ctx)
	}
	if n.plane != nil {
		n.plane.Shutdown()
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if n.web != nil {
		errs = append(errs, n.web.stop(closing))
	}
	if n.records != nil {
		errs = append(errs, n.records.Close(closing))
	}
	n.end()
	n.wait.Wait()
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}
