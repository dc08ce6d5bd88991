package main

import (
	"errors"
	"fmt"
	"time"

	"tonegate/announce"
	"tonegate/call"
	"tonegate/config"
	"tonegate/number"
	"tonegate/sip"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

// settings are the values that the parts of a node receive; no part but this
// command knows the configuration file.
type settings struct {
	policy call.Policy
	trunks []sip.Trunk
	listen []sip.Listen
	assets *announce.Library
}

// read turns the configuration into values. Every mistake that only the
// receiving part can see is an error at its line of the file.
func read(c *config.Config, now time.Time) (settings, error) {
	r := reader{config: c}
	s := settings{policy: r.policy(), trunks: r.trunks(), listen: r.listen(), assets: r.library(now)}
	if len(r.problems) > 0 {
		return s, r.problems
	}
	return s, nil
}

type reader struct {
	config   *config.Config
	problems config.Problems
}

func (r *reader) problem(path string, err error) {
	var p *config.Problem
	if errors.As(r.config.At(path, err), &p) {
		r.problems = append(r.problems, p)
	}
}

func (r *reader) set(path string, items []string) number.Set {
	for i, item := range items {
		if _, err := number.ParseSet([]string{item}); err != nil {
			r.problem(fmt.Sprintf("%s[%d]", path, i), err)
		}
	}
	s, _ := number.ParseSet(items) // every item was judged at its own line
	return s
}

func (r *reader) policy() call.Policy {
	c := r.config
	p := call.Policy{
		Trunks: map[string]call.Trunk{},
		Refuse: call.Refusal{Status: c.Stoplist.Refuse.Code, Cause: c.Stoplist.Refuse.Cause, Announce: c.Stoplist.Refuse.Announce},
	}
	peers := map[string]int{}
	for _, t := range c.Trunks {
		far, _ := call.ParseKind(string(t.Leg))
		p.Trunks[t.Name] = call.Trunk{
			Far:       far,
			Presents:  r.set("trunks."+t.Name+".presentation.numbers", t.Presentation.Numbers),
			Unchecked: t.Presentation.Unchecked != "",
			Withhold:  t.Presentation.Otherwise == config.Withhold,
		}
		peers[t.Name] = len(t.Peers)
	}
	for i, route := range c.Routes {
		v := call.Route{From: route.From}
		for _, to := range route.To {
			for peer := range peers[to] {
				v.To = append(v.To, call.Target{Trunk: to, Peer: peer})
			}
		}
		if len(route.Called) > 0 {
			called := r.set(fmt.Sprintf("routes[%d].called", i), route.Called)
			v.Called = &called
		}
		p.Routes = append(p.Routes, v)
	}
	for i, rule := range c.Notices.Rules {
		p.Rules = append(p.Rules, r.rule(fmt.Sprintf("notices.rules[%d]", i), rule))
	}
	if c.Notices.OnFailure == config.Release {
		p.OnFailure = call.Release
	}
	if c.Stoplist.Unreadable == config.Forbid {
		p.Unreadable = call.RefuseUnreadable
	}
	if c.Stoplist.LiveCalls == config.Keep {
		p.LiveCalls = call.KeepLiveCalls
	}
	return p
}

func (r *reader) rule(path string, rule config.Rule) call.Rule {
	w := rule.When
	v := call.Rule{
		None: rule.None,
		When: call.Condition{Emergency: w.Emergency, Forwarded: w.Forwarded, FromTrunk: w.FromTrunk, ToTrunk: w.ToTrunk},
		Slots: call.Slots{BeforeCaller: rule.Before.Caller, BeforeCallee: rule.Before.Callee, Overlap: rule.Before.Overlap,
			AnswerCaller: rule.Answer.Caller, AnswerCallee: rule.Answer.Callee},
	}
	if rule.Before.Mode == config.Answered {
		v.Mode = call.AnsweredBefore
	}
	for i, name := range w.Class {
		class, err := number.ParseClass(name)
		if err != nil {
			r.problem(fmt.Sprintf("%s.when.class[%d]", path, i), err)
		}
		v.When.Class = append(v.When.Class, class)
	}
	for _, leg := range w.FarLeg {
		far, _ := call.ParseKind(string(leg))
		v.When.FarLeg = append(v.When.FarLeg, far)
	}
	return v
}

var reliabilities = map[config.Reliable]sip.Reliability{
	config.Off: sip.ReliableOff, config.Supported: sip.ReliableSupported, config.Required: sip.ReliableRequired,
}

var networks = map[string]wire.Network{"udp": wire.UDP, "tcp": wire.TCP, "tls": wire.TLS}

func (r *reader) trunks() []sip.Trunk {
	var all []sip.Trunk
	for _, t := range r.config.Trunks {
		v := sip.Trunk{Name: t.Name, Accept: t.Accept, Media: t.MediaAddress, Timers: transaction.Standard,
			Reliable: reliabilities[t.Reliable], FromFirst: t.Profile.Caller == config.From,
			SessionTimer: t.SessionTimer, Refer: t.Refer == config.ReferAccept, Redirect: t.Redirect == config.RedirectFollow,
			EarlyMedia:   t.EarlyMedia == config.EarlyMediaSupported,
			LargeOverTCP: t.Large == config.TCP, Keepalive: t.Keepalive, Options: t.Options}
		for i, p := range t.Peers {
			v.Peers = append(v.Peers, sip.Peer{Network: networks[p.Network], Address: p.AddrPort(), Name: p.Name,
				Authorities: r.authorities(fmt.Sprintf("trunks.%s.peers[%d]", t.Name, i), p.CA)})
		}
		all = append(all, v)
	}
	return all
}

func (r *reader) listen() []sip.Listen {
	var all []sip.Listen
	for i, a := range r.config.Listen.SIP {
		key := fmt.Sprintf("listen.sip[%d]", i)
		v := sip.Listen{Network: networks[a.Network], Address: a.AddrPort(), Clients: r.authorities(key, a.ClientCA)}
		if v.Network == wire.TLS {
			cert, err := sip.LoadCertificate(a.Cert, a.Key)
			r.problem(key, err)
			v.Certificate = cert
		}
		all = append(all, v)
	}
	return all
}

// authorities reads a file of certificates; none when the setting names none.
func (r *reader) authorities(key, file string) *sip.Authorities {
	if file == "" {
		return nil
	}
	a, err := sip.LoadAuthorities(file)
	r.problem(key, err)
	return a
}

// tokyo is where licence days begin and end.
var tokyo = time.FixedZone("JST", 9*3600)

func (r *reader) library(now time.Time) *announce.Library {
	specs := map[string]announce.Spec{}
	for _, a := range r.config.Notices.Assets {
		spec := announce.Spec{Synth: a.Synth, File: a.File, Level: a.Level, Standard: a.Standard}
		if a.SHA256 != (config.Digest{}) {
			spec.SHA256 = a.SHA256.String()
		}
		if l := a.Licence; l.Holder != "" {
			spec.Licence = &announce.Licence{Holder: l.Holder, Number: l.Number, From: l.From.Start(tokyo), Until: l.Until.Start(tokyo)}
		}
		specs[a.Name] = spec
		if _, err := announce.Load(a.Name, spec, now); err != nil {
			r.problem("notices.assets."+a.Name, err)
			delete(specs, a.Name)
		}
	}
	lib, err := announce.NewLibrary(specs, now)
	if err != nil {
		r.problem("notices.assets", err)
	}
	return lib
}
