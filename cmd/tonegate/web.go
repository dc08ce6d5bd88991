package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// web is the HTTP side of a node: /metrics, /healthz (the process lives) and
// /readyz (calls are taken).
type web struct {
	server *http.Server
	done   chan struct{}
}

func startWeb(at netip.AddrPort, gather prometheus.Gatherer, ready func() error, log *slog.Logger) (*web, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gather, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("listening on http %s: %w", at, err)
	}
	v := &web{done: make(chan struct{}), server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}}
	go func() {
		defer close(v.done)
		if err := v.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("http stopped", "error", err)
		}
	}()
	return v, nil
}

func (v *web) stop(ctx context.Context) error {
	err := v.server.Shutdown(ctx)
	if err != nil {
		err = v.server.Close()
	}
	<-v.done
	return err
}
