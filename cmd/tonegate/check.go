package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tonegate/config"
)

// checkCmd reads a configuration and says all that is wrong with it, before anything is started.
type checkCmd struct {
	Config string `short:"c" default:"tonegate.yaml" placeholder:"FILE" help:"Configuration file (${default})."`
}

func (c *checkCmd) Run(ctx *runContext) error {
	cfg, err := config.Load(c.Config)
	if err == nil { // what only the parts can judge: numbers, sounds, licences
		_, err = read(cfg, time.Now())
	}
	if problems := (config.Problems)(nil); errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Fprintln(ctx.Stderr, p)
		}
		return exitError{Code: 1, Err: fmt.Errorf("%s: %s", c.Config, count(len(problems), "problem"))}
	}
	if err != nil {
		return exitError{Code: 1, Err: err}
	}
	_, err = fmt.Fprintf(ctx.Stdout, "%s: ok: %s\n", c.Config, summary(cfg))
	return err
}

// summary counts what the file sets up, on one line.
func summary(c *config.Config) string {
	return strings.Join([]string{
		count(len(c.Trunks), "trunk"),
		count(len(c.Routes), "route"),
		count(len(c.Notices.Rules), "notice rule"),
		count(len(c.Notices.Assets), "asset"),
		"media ports for " + count(c.Media.Ports.Calls(), "call"),
	}, ", ")
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
