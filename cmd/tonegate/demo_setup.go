package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"tonegate/announce"
	"tonegate/config"
)

// The sample configuration travels in the binary, so that the demonstration runs in any directory.
//
//go:generate cp ../../tonegate.yaml demo/tonegate.yaml
var (
	//go:embed demo/tonegate.yaml
	sampleConfig []byte
	//go:embed demo/stoplist.csv
	sampleList []byte
)

// The trunks that the calls come from and go to, and the asset that they hear.
const (
	carrier   = "carrier"
	pbx       = "pbx"
	toneAsset = "test-tone"
)

var storeLine = regexp.MustCompile(`(?m)^store:.*$`)

// read loads the configuration, with its own data below out and the addresses of the flags.
func (c *demoCmd) read(out string) (*config.Config, error) {
	name, text := c.Config, sampleConfig
	if name == "" {
		name = "tonegate.yaml (built in)"
	} else {
		var err error
		if text, err = os.ReadFile(name); err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
	}
	store := "store: sqlite:" + filepath.Join(out, "data", "tonegate.db")
	if storeLine.Match(text) {
		text = storeLine.ReplaceAllLiteral(text, []byte(store))
	} else {
		text = append(slices.Clone(text), "\n"+store+"\n"...)
	}
	cfg, err := config.Parse(name, text)
	if err != nil {
		return nil, err
	}
	cfg.Records.Directory = filepath.Join(out, "data", "records")
	c.move(cfg)
	for _, trunk := range []string{carrier, pbx} {
		if i := trunkOf(cfg, trunk); i < 0 || cfg.Trunks[i].Peers[0].Network != "udp" {
			return nil, fmt.Errorf("%s: the demonstration calls between two trunks, %s and %s, with a udp peer each", name, carrier, pbx)
		}
	}
	return cfg, nil
}

// move puts the addresses of the flags in the place of the configuration's.
func (c *demoCmd) move(cfg *config.Config) {
	if c.SIP.IsValid() {
		cfg.Media.Address = c.SIP.Addr()
		for i := range cfg.Listen.SIP {
			cfg.Listen.SIP[i].Host, cfg.Listen.SIP[i].Port = c.SIP.Addr(), c.SIP.Port()
		}
		for i := range cfg.Trunks {
			cfg.Trunks[i].MediaAddress = c.SIP.Addr()
		}
	}
	if c.HTTP.IsValid() {
		cfg.Listen.HTTP = c.HTTP
	}
	for name, at := range map[string]netip.AddrPort{carrier: c.Carrier, pbx: c.PBX} {
		if i := trunkOf(cfg, name); i >= 0 && at.IsValid() {
			cfg.Trunks[i].Peers = []config.Peer{{Address: config.Address{Network: "udp", Host: at.Addr(), Port: at.Port()}}}
			cfg.Trunks[i].Accept = []netip.Prefix{netip.PrefixFrom(at.Addr(), at.Addr().BitLen())}
		}
	}
}

func trunkOf(cfg *config.Config, name string) int {
	return slices.IndexFunc(cfg.Trunks, func(t config.Trunk) bool { return t.Name == name })
}

// notice is the tone that the calls must hear.
type notice struct {
	spec    string // as announce.ParseCadence reads it
	length  time.Duration
	packets int // of 20 ms
}

func noticeOf(cfg *config.Config) (notice, error) {
	for _, a := range cfg.Notices.Assets {
		cadence, err := announce.ParseCadence(a.Synth)
		if a.Name != toneAsset || a.Synth == "" || err != nil {
			continue
		}
		n := notice{spec: a.Synth}
		for _, e := range cadence {
			n.length += e.Length
		}
		n.packets = int((n.length + frameTime - 1) / frameTime)
		return n, nil
	}
	return notice{}, fmt.Errorf("the configuration has no synthesised asset %s for the demonstration to listen for", toneAsset)
}

// load puts the sample list in force, by the steps of tonegate list import.
func (d *demo) load() error {
	file := filepath.Join(d.out, "stoplist.csv")
	if err := os.WriteFile(file, sampleList, 0o644); err != nil {
		return err
	}
	command := importCmd{Source: carrier, Full: true, JSON: true, File: file}
	options, err := command.options()
	if err != nil {
		return err
	}
	var summary bytes.Buffer
	quiet := &runContext{Ctx: d.Ctx, Stdout: &summary, Stderr: d.log}
	listing, err := command.read(quiet, options)
	if err != nil {
		return fmt.Errorf("the sample list: %w", err)
	}
	plan, err := command.compare(quiet, d.node.store, d.config, listing)
	if err != nil {
		return err
	}
	if err := command.finish(quiet, d.node.store, listing, plan); err != nil {
		return fmt.Errorf("the sample list: %w: %s", err, summary.Bytes())
	}
	if err := json.Unmarshal(summary.Bytes(), &d.loaded); err != nil {
		return err
	}
	d.node.follower.Hint()
	return eventually(d.Ctx, "the sample list is in force", func() bool { return d.node.list.Load().Revision() == d.loaded.Revision })
}

// advise says what to do about an address that is taken, or not of this machine.
func (c *demoCmd) advise(cfg *config.Config, err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr == nil {
		return err
	}
	at, parseErr := netip.ParseAddrPort(op.Addr.String())
	if parseErr != nil {
		return err
	}
	flag := "--sip"
	for name, address := range map[string]netip.AddrPort{"--http": cfg.Listen.HTTP,
		"--carrier": cfg.Trunks[trunkOf(cfg, carrier)].Peers[0].AddrPort(), "--pbx": cfg.Trunks[trunkOf(cfg, pbx)].Peers[0].AddrPort()} {
		if at == address {
			flag = name
		}
	}
	other := fmt.Sprintf("%s %s", flag, netip.AddrPortFrom(at.Addr(), at.Port()+10))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s %s is in use by another program (sudo ss -lntup 'sport = :%d' shows which).\n"+
			"End it, or choose another address: tonegate demo %s, or make run DEMO=\"%[4]s\"", op.Net, at, at.Port(), other)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine.\n"+
			"Choose another: tonegate demo %s ADDRESS:PORT, or (127.0.0.2 on macOS) add it: sudo ifconfig lo0 alias %[1]s", at.Addr(), flag)
	}
	return err
}
