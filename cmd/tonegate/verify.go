package main

import (
	"fmt"

	"tonegate/config"
	"tonegate/ledger"
)

// verifyListCmd checks the stop list's log against its own hashes.
type verifyListCmd struct{ listConfig }

// Run reads the whole log; a row that was changed or taken out is an error.
func (c *verifyListCmd) Run(ctx *runContext) error {
	log, _, err := openStore(ctx.Ctx, c.Config)
	if err != nil {
		return err
	}
	defer log.Close()
	head, err := log.Verify(ctx.Ctx)
	if err != nil {
		return exitError{Code: 1, Err: err}
	}
	_, err = fmt.Fprintf(ctx.Stdout, "the list holds: %s, chain %x\n", count(int(head.Revision), "revision"), head.Chain)
	return err
}

// recordsCmd is about the call records.
type recordsCmd struct {
	Verify verifyRecordsCmd `cmd:"" help:"Check that no call record was changed, removed or moved."`
}

type verifyRecordsCmd struct {
	Config string `short:"c" default:"tonegate.yaml" placeholder:"FILE" help:"Configuration file (${default})."`
}

// Run reads every record and prints each place where the chain does not hold.
// It works beside a running server.
func (c *verifyRecordsCmd) Run(ctx *runContext) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return exitError{Code: 1, Err: err}
	}
	chain, err := ledger.Verify(cfg.Records.Directory)
	if err != nil {
		return exitError{Code: 1, Err: err}
	}
	_, err = fmt.Fprintf(ctx.Stdout, "the records hold: numbers %d to %d, last hash %s; note it elsewhere, for a missing end cannot be seen\n",
		chain.First, chain.Last, chain.Head)
	return err
}
