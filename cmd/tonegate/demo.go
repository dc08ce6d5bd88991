package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"tonegate/config"
	"tonegate/internal/ear"
	"tonegate/internal/siptest"
)

// demoCmd starts the server that serve starts, calls through it with two scripted telephones, and believes only
// what they heard.
type demoCmd struct {
	Config  string         `short:"c" placeholder:"FILE" help:"Configuration with the trunks carrier and pbx; the built-in sample if none."`
	SIP     netip.AddrPort `name:"sip" placeholder:"ADDRESS" help:"Listen here instead; so the next three."`
	HTTP    netip.AddrPort `name:"http" placeholder:"ADDRESS" help:"Metrics."`
	Carrier netip.AddrPort `placeholder:"ADDRESS" help:"The telephone on the carrier's side."`
	PBX     netip.AddrPort `name:"pbx" placeholder:"ADDRESS" help:"The telephone on the PBX's side."`

	Out string `kong:"-"` // for everything that is written; its content is deleted first
}

// demo is what the demonstration is made of while it runs.
type demo struct {
	*runContext
	screen screen
	config *config.Config
	out    string
	tone   notice
	log    *os.File
	node   *node
	sides  map[string]*side // by trunk
	ladder *siptest.Ladder
	script *script
	speech [2][]int16 // of the caller and the callee
	loaded importJSON
}

func (c *demoCmd) Run(ctx *runContext) error {
	began := time.Now()
	d := &demo{runContext: ctx, screen: newScreen(ctx.Stdout), out: c.Out, sides: map[string]*side{},
		ladder: siptest.NewLadder(), script: &script{ctx: ctx.Ctx},
		speech: [2][]int16{ear.Voice(callerVoice, speech, earRate), ear.Voice(calleeVoice, speech, earRate)}}
	if d.out == "" {
		d.out = filepath.Join("out", "demo")
	}
	defer d.end()
	if err := d.start(c); err != nil {
		return err
	}
	d.screen.opening(d, time.Since(began))

	var outcomes []*outcome
	for i := range demoCalls {
		o := d.place(i+1, &demoCalls[i])
		if err := ctx.Ctx.Err(); err != nil {
			return fmt.Errorf("call %d: interrupted", o.number)
		}
		o.judge(d.tone)
		outcomes = append(outcomes, o)
	}
	books := d.checkBooks(outcomes)
	if err := d.save(outcomes); err != nil {
		return err
	}
	d.screen.table(outcomes)
	if faults := d.screen.verdict(d, outcomes, books, time.Since(began)); faults > 0 {
		return exitError{Code: 1}
	}
	if terminal(ctx.Stdout) {
		return d.stay()
	}
	return nil
}

// start opens the telephones first: two demonstrations cannot delete each other's files.
func (d *demo) start(c *demoCmd) (err error) {
	if d.config, err = c.read(d.out); err != nil {
		return err
	}
	if d.tone, err = noticeOf(d.config); err != nil {
		return err
	}
	d.ladder.Host("tonegate", d.config.Listen.SIP[0].Host)
	for _, name := range []string{carrier, pbx} {
		if d.sides[name], err = d.open(name); err != nil {
			return c.advise(d.config, err)
		}
	}
	if err = os.RemoveAll(d.out); err != nil {
		return err
	}
	if err = os.MkdirAll(d.out, 0o755); err != nil {
		return err
	}
	if d.log, err = os.Create(filepath.Join(d.out, "tonegate.log")); err != nil {
		return err
	}
	if d.node, err = startNode(d.Ctx, d.config, newLog(d.config, d.log)); err != nil {
		d.node = nil // it has stopped itself
		return c.advise(d.config, err)
	}
	return d.load()
}

// end stops what start started, in reverse.
func (d *demo) end() {
	for _, s := range d.sides {
		if s != nil {
			_ = s.phone.Close() // its socket is all that it has
		}
	}
	if d.node != nil {
		stopping, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := d.node.stop(stopping); err != nil {
			fmt.Fprintln(d.Stderr, "tonegate: stopping:", err)
		}
	}
	if d.log != nil {
		_ = d.log.Close()
	}
}
