package config

import (
	"fmt"
	"slices"
	"strings"
)

// checkReferences finds names of trunks and assets that the file does not hold.
func (d *document) checkReferences(c *Config) {
	trunks := make([]string, len(c.Trunks))
	for i, t := range c.Trunks {
		trunks[i] = t.Name
	}
	assets := make([]string, len(c.Notices.Assets))
	for i, a := range c.Notices.Assets {
		assets[i] = a.Name
	}
	for i, r := range c.Routes {
		key := fmt.Sprintf("routes[%d].", i)
		d.refer("trunk", trunks, key+"from", r.From)
		d.refer("trunk", trunks, key+"to", r.To...)
	}
	for i, r := range c.Notices.Rules {
		key := fmt.Sprintf("notices.rules[%d].", i)
		d.refer("trunk", trunks, key+"when.from_trunk", r.When.FromTrunk...)
		d.refer("trunk", trunks, key+"when.to_trunk", r.When.ToTrunk...)
		d.refer("asset", assets, key+"before.caller", r.Before.Caller)
		d.refer("asset", assets, key+"before.callee", r.Before.Callee)
		d.refer("asset", assets, key+"answer.caller", r.Answer.Caller)
		d.refer("asset", assets, key+"answer.callee", r.Answer.Callee)
	}
	d.refer("asset", assets, "stoplist.refuse.announce", c.Stoplist.Refuse.Announce)
}

// refer checks the names at key, which is a list when there are several. An empty name was absent or bad.
func (d *document) refer(what string, known []string, key string, names ...string) {
	for i, name := range names {
		if name == "" || slices.Contains(known, name) {
			continue
		}
		at := key
		if item := fmt.Sprintf("%s[%d]", key, i); d.positions[item] != (position{}) {
			at = item
		}
		allowed := "none is defined"
		if len(known) > 0 {
			allowed = "allowed: " + strings.Join(known, ", ")
		}
		d.problem(d.positions[at], at, "no %s is named %s%s; %s", what, quote(name), suggest(name, known), allowed)
	}
}

// checkOrder finds routes and rules that can never be reached, because one above takes all.
func (d *document) checkOrder(c *Config) {
	all := map[string]int{}
	for i, r := range c.Routes {
		key := fmt.Sprintf("routes[%d]", i)
		if above, taken := all[r.From]; taken {
			d.problem(d.positions[key], key, "never reached: the route on line %d takes every call from %s; put it above", above, r.From)
		} else if _, some := d.positions[key+".called"]; !some && r.From != "" {
			all[r.From] = d.positions[key].line
		}
	}
	everything := 0
	for i, r := range c.Notices.Rules {
		key := fmt.Sprintf("notices.rules[%d]", i)
		if everything > 0 {
			d.problem(d.positions[key], key, "never reached: the rule on line %d takes every call; put it above", everything)
		} else if empty, ok := d.positions[key+".when"]; ok && r.When.Any() && !d.hasProblem(key+".when") {
			everything = empty.line
		}
	}
}

func (d *document) hasProblem(key string) bool {
	return slices.ContainsFunc(d.problems, func(p *Problem) bool { return strings.HasPrefix(p.Key, key) })
}
