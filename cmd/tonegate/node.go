package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
	listen   []sip.Listen
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
	n = &node{log: log, listen: values.listen, end: end}
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
	n.plane = media.New(media.Options{Ports: [2]int{int(c.Media.Ports.First), int(c.Media.Ports.Last)}, Timeout: c.Media.Timeout, Quarantine: c.Media.Rest,
		Log: log, Counters: &n.counters, Silent: func(l media.Leg) { n.server.Silent(l) }})
	if err = n.tryPorts(c); err != nil {
		return n, err
	}
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
	n.wait.Go(func() { n.watchList(run) })
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
	if n.server.Draining() {
		return errors.New("shutting down: no new calls are taken")
	}
	return nil
}

// tryPorts takes a port pair on every media address, so that an address of
// another machine is an error at the start and not at every call.
func (n *node) tryPorts(c *config.Config) error {
	keys := map[netip.Addr]string{c.Media.Address: "media.address"}
	for _, t := range c.Trunks {
		if _, ok := keys[t.MediaAddress]; !ok {
			keys[t.MediaAddress] = "trunks." + t.Name + ".media_address"
		}
	}
	for address, key := range keys {
		leg, _, err := n.plane.Open(address)
		if err != nil {
			return c.At(key, fmt.Errorf("no media port can be opened on %s: %w; name an address of this machine", address, err))
		}
		n.plane.Close(leg)
	}
	return nil
}

// watchList says in the log when the stop list cannot be followed, and when it can again.
func (n *node) watchList(ctx context.Context) {
	tick := time.NewTicker(store.Poll)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := ""
		if err := n.follower.Status().Err; err != nil {
			now = err.Error()
		}
		if now == said {
			continue
		}
		if said = now; now != "" {
			n.log.Error("the stop list cannot be followed; the last one stays in force", "error", now, "revision", n.list.Load().Revision())
		} else {
			n.log.Info("the stop list is followed again", "revision", n.list.Load().Revision())
		}
	}
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
