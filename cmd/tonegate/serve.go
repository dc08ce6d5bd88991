package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tonegate/config"
)

type serveCmd struct {
	Config string        `short:"c" default:"tonegate.yaml" placeholder:"FILE" help:"Configuration file (${default})."`
	Drain  time.Duration `default:"30s" help:"How long calls may go on after the first interrupt (${default})."`
}

// Run serves until the context ends, then lets the calls that are up go on
// for a while.
func (c *serveCmd) Run(ctx *runContext) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return exitError{Code: 1, Err: err}
	}
	n, err := startNode(ctx.Ctx, cfg, newLog(cfg, ctx.Stderr))
	if err != nil {
		return exitError{Code: 1, Err: err}
	}
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP) // or a reload out of habit would end every call
	defer signal.Stop(hangUps)
	for ctx.Ctx.Err() == nil {
		select {
		case <-hangUps:
			n.log.Warn("the configuration is not reloaded: restart to apply a change; a changed stop list needs no restart")
		case <-ctx.Ctx.Done():
		}
	}
	n.log.Info("no new calls any more", "calls", n.server.Calls(), "drain", c.Drain.String())
	drain, cancel := context.WithTimeout(context.Background(), c.Drain)
	defer cancel()
	return n.stop(drain)
}
