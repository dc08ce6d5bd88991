package main

import (
	"context"
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
	<-ctx.Ctx.Done()
	n.log.Info("no new calls any more", "calls", n.server.Calls(), "drain", c.Drain.String())
	drain, cancel := context.WithTimeout(context.Background(), c.Drain)
	defer cancel()
	return n.stop(drain)
}
