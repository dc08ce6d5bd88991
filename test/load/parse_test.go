package main

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	tests := map[string]struct {
		text  string
		group int
		ticks int64
	}{
		"children that were waited for count": {"12 (sipp) S 1 10 10 0 -1 4 0 0 0 0 100 20 3 4 20 0 1", 10, 127},
		"a name with parentheses and blanks":  {"12 (a) R 9 (b) S 1 10 10 0 -1 4 0 0 0 0 1 2 0 0 20 0 1", 10, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			group, ticks, err := parseStat([]byte(tt.text))
			if err != nil || group != tt.group || ticks != tt.ticks {
				t.Errorf("group %d, ticks %d, %v; want %d, %d", group, ticks, err, tt.group, tt.ticks)
			}
		})
	}
	for _, bad := range []string{"", "12 (a) S 1 10", "12 (a) S 1 x 10 0 -1 4 0 0 0 0 1 2 0 0 20", "12 (a) S 1 10 10 0 -1 4 0 0 0 0 1 y 0 0 20"} {
		if _, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParsePSS(t *testing.T) {
	if n, err := parsePSS([]byte("Rss:   100 kB\nPss:                12 kB\nPss_Anon: 3 kB\n")); err != nil || n != 12<<10 {
		t.Errorf("%d, %v", n, err)
	}
	for _, bad := range []string{"", "Rss: 1 kB\n", "Pss: many kB\n"} {
		if _, err := parsePSS([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestCostOfOurselves measures a process group with a child in it.
func TestCostOfOurselves(t *testing.T) {
	p, err := start(t.TempDir(), "shell", -1, "sh", "-c", "sleep 20 & wait")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	c, err := costOf([]*process{p})
	if err != nil || c.pss <= 0 {
		t.Errorf("%+v, %v", c, err)
	}
	p.stop()
	if _, err := costOf([]*process{p}); err == nil {
		t.Error("a process that has ended was measured")
	}
}

func TestAllowedProcessors(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "0-1": {0, 1}, "3,7": {3, 7}, "2,4-7": {2, 4}, "0-63": {0, 1}} {
		got, err := allowed("Name:\tx\nCpus_allowed_list:\t" + list + "\nMems_allowed:\t1\n")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", list, got, err, want)
		}
	}
	for _, bad := range []string{"", "Cpus_allowed_list:\tx\n", "Cpus_allowed_list:\t0-\n"} {
		if _, err := allowed(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestOurSocketIsInTheTable(t *testing.T) {
	conn, err := open("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !bound(conn.LocalAddr().String()) {
		t.Errorf("%v is not bound", conn.LocalAddr())
	}
	conn.Close()
	if bound(conn.LocalAddr().String()) {
		t.Errorf("%v is still bound", conn.LocalAddr())
	}
}

func TestParseUDP(t *testing.T) {
	const line = "11: 0102007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 77 2 0000000000000000 5"
	addr, drops, err := parseUDP(line)
	if err != nil || drops != 5 || addr != netip.MustParseAddrPort("127.0.2.1:5060") {
		t.Errorf("%v, %d, %v", addr, drops, err)
	}
	for _, bad := range []string{"", "11: 0102:13C4 a b c d e f g h i j 5", "11: 0102007F:xyz a b c d e f g h i j 5"} {
		if _, _, err := parseUDP(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestLastStat(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stat")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const head = "Time;SuccessfulCall(C);FailedCall(C);Retransmissions(C);\n"
	write(head + "a;1;0;0;\nb;41;2;3;\n")
	stat, err := lastStat(file)
	if err != nil || stat["SuccessfulCall(C)"] != 41 || stat["FailedCall(C)"] != 2 || stat["Retransmissions(C)"] != 3 {
		t.Errorf("%v, %v", stat, err)
	}
	for _, bad := range []string{"", head, head + "b;41\n", "Time;Calls;\nb;2;\n"} {
		write(bad)
		if stat, err := lastStat(file); err == nil {
			t.Errorf("%q was read: %v", bad, stat)
		}
	}
}

func TestParseTimes(t *testing.T) {
	early, answer, err := parseTimes("Date_ms;response_time_ms;rtd_name\n1.5;4.000;early\n2.5;1112;answer\n3;8;early\n")
	if err != nil || !slices.Equal(early, []time.Duration{4 * time.Millisecond, 8 * time.Millisecond}) ||
		!slices.Equal(answer, []time.Duration{1112 * time.Millisecond}) {
		t.Errorf("%v, %v, %v", early, answer, err)
	}
	for _, bad := range []string{"h\n1;2\n", "h\n1;x;early\n"} {
		if _, _, err := parseTimes(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParseCall(t *testing.T) {
	l, err := parseCall("30030 127.0.2.4:10022")
	if err != nil || l.socket != 3 || l.to != netip.MustParseAddrPort("127.0.2.4:10022") {
		t.Errorf("%v, %v", l, err)
	}
	for _, bad := range []string{"", "30030", "29990 127.0.2.4:10022", "30080 127.0.2.4:10022", "30030 127.0.2.4"} {
		if _, err := parseCall(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestOptionsAreBounded(t *testing.T) {
	good := options{peer: "auto", rate: 100, seconds: 20, rounds: 2, calls: 200, window: 10}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	bad := map[string]func(*options){
		"rate":       func(o *options) { o.rate = 5001 },
		"seconds":    func(o *options) { o.seconds = 0 },
		"rounds":     func(o *options) { o.rounds = -1 },
		"relay":      func(o *options) { o.calls = 5001 },
		"window":     func(o *options) { o.window = 61 },
		"peer":       func(o *options) { o.peer = "other" },
		"call count": func(o *options) { o.rate, o.seconds = 1000, 101 },
	}
	for name, spoil := range bad {
		o := good
		spoil(&o)
		if o.check() == nil {
			t.Errorf("%s: %+v was accepted", name, o)
		}
	}
}

// TestConfiguration has the server itself check the configuration that it is measured with.
func TestConfiguration(t *testing.T) {
	file, err := fill(t.TempDir(), "tonegate.yaml", tonegateConfig)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "tonegate/cmd/tonegate", "check", "-c", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
