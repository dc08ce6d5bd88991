package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tonegate/internal/ear"
	"tonegate/internal/siptest"
	"tonegate/ledger"
)

// freeAddress finds a port of a loopback address that nobody uses for UDP and TCP.
func freeAddress(t *testing.T, host string) netip.AddrPort {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", host+":0")
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skip("this system has no " + host)
		}
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addr().(*net.TCPAddr).AddrPort()
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		l.Close()
		if err == nil {
			conn.Close()
			return at
		}
	}
	t.Fatalf("no port of %s is free for UDP and TCP", host)
	return netip.AddrPort{}
}

// demoAt is a demonstration on the addresses 127.0.net.1 to 127.0.net.3.
func demoAt(t *testing.T, network int) *demoCmd {
	t.Helper()
	at := func(host int) netip.AddrPort { return freeAddress(t, fmt.Sprintf("127.0.%d.%d", network, host)) }
	return &demoCmd{SIP: at(1), HTTP: at(1), Carrier: at(2), PBX: at(3), Out: filepath.Join(t.TempDir(), "demo")}
}

func runDemo(t *testing.T, c *demoCmd) (stdout string, err error) {
	t.Helper()
	var out, problems bytes.Buffer
	err = c.Run(&runContext{t.Context(), &out, &problems})
	if problems.Len() > 0 {
		t.Errorf("stderr: %s", &problems)
	}
	return out.String(), err
}

func TestDemo(t *testing.T) {
	t.Parallel()
	c := demoAt(t, 1)
	out, err := runDemo(t, c)
	if err != nil || strings.Count(out, "ok\n") != len(demoCalls) || !strings.Contains(out, "双方の耳に届いた音") || !strings.Contains(out, "All as it should be") {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.ContainsAny(out, "\x1b\r") {
		t.Errorf("colours or a moving line, though this is no terminal:\n%q", out)
	}
	for _, name := range []string{"1-forwarded-caller", "1-forwarded-callee", "2-our-number-caller", "2-our-number-callee"} {
		pcm, rate, err := ear.ReadWAV(filepath.Join(c.Out, name+".wav"))
		if err != nil || rate != earRate {
			t.Fatalf("%s at %d Hz: %v", name, rate, err)
		}
		if _, err := ear.FindTone(pcm, rate, "600+1000/200,0/100,600+1000/200,0/500"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		picture, err := os.Open(filepath.Join(c.Out, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if size, err := png.DecodeConfig(picture); err != nil || size.Width < 800 {
			t.Errorf("%s.png: %v %v", name, size, err)
		}
		picture.Close()
	}
	if chain, err := ledger.Verify(filepath.Join(c.Out, "data", "records")); err != nil || chain.Records != len(demoCalls) {
		t.Errorf("records: %+v, %v", chain, err)
	}
	for _, name := range []string{"tonegate.log", "ladder.txt", "4-emergency-caller.wav", "5-given-up-caller.png"} {
		if info, err := os.Stat(filepath.Join(c.Out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDemoMissesATone plays a configuration whose callee hears no tone at answer.
func TestDemoMissesATone(t *testing.T) {
	t.Parallel()
	c := demoAt(t, 2)
	c.Config = filepath.Join(t.TempDir(), "silent.yaml")
	text := bytes.Replace(sampleConfig, []byte("answer: {caller: test-tone, callee: test-tone}"), []byte("answer: {caller: test-tone}"), 1)
	if bytes.Equal(text, sampleConfig) {
		t.Fatal("the sample has another rule now")
	}
	if err := os.WriteFile(c.Config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runDemo(t, c)
	var exit exitError
	if !errors.As(err, &exit) || exit.Code != 1 {
		t.Errorf("error %v, want exit status 1", err)
	}
	if !strings.Contains(out, "WRONG  call 2: the callee: tone") || strings.Count(out, "ok\n") != len(demoCalls)-1 {
		t.Errorf("%s", out)
	}
}

func TestDemoSaysWhichAddressIsTaken(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--sip", "--http", "--carrier", "--pbx"} {
		c := demoAt(t, 3)
		at := map[string]netip.AddrPort{"--sip": c.SIP, "--http": c.HTTP, "--carrier": c.Carrier, "--pbx": c.PBX}[flag]
		var taken interface{ Close() error }
		var err error
		if flag == "--http" {
			taken, err = net.Listen("tcp", at.String())
		} else {
			taken, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = runDemo(t, c)
		taken.Close()
		if err == nil || !strings.Contains(err.Error(), at.String()+" is in use") || !strings.Contains(err.Error(), "tonegate demo "+flag+" ") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestDemoIsInterrupted(t *testing.T) {
	t.Parallel()
	c := demoAt(t, 4)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var out, problems bytes.Buffer
	began := time.Now()
	err := c.Run(&runContext{ctx, &out, &problems})
	if err == nil || time.Since(began) > 8*time.Second {
		t.Errorf("after %v: %v\n%s", time.Since(began), err, &out)
	}
}

func TestBuiltInConfigurationIsTheSample(t *testing.T) {
	sample, err := os.ReadFile("../../tonegate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sample, sampleConfig) {
		t.Error("demo/tonegate.yaml is not tonegate.yaml: go generate ./cmd/tonegate")
	}
}

// perfect is a forwarded call as it should be.
func perfect() (*outcome, notice) {
	n := notice{length: time.Second, packets: 50}
	hears := func(voice string) heard {
		return heard{tone: ear.Tone{Bursts: make([]ear.Burst, 2), Whole: true}, packets: 50, voice: voice, report: siptest.Report{Packets: 115, SSRCs: 1}}
	}
	return &outcome{scenario: &demoCalls[0], number: 1, final: 200, heard: [2]heard{hears("callee"), hears("caller")}}, n
}

func TestJudgeHearsWhatIsWrong(t *testing.T) {
	for _, tc := range []struct {
		name, fault string
		spoil       func(o *outcome)
	}{
		{"nothing", "", func(*outcome) {}},
		{"no tone", "the callee: not heard", func(o *outcome) { o.heard[1].missing = errors.New("not heard") }},
		{"a packet short", "in 49 packets, not 50", func(o *outcome) { o.heard[0].packets = 49 }},
		{"a late tone", "something else for 40ms", func(o *outcome) { o.heard[0].tone.Start = 40 * time.Millisecond }},
		{"one way", "the voice of nobody, not callee", func(o *outcome) { o.heard[0].voice = nobody }},
		{"own voice", "the voice of callee, not caller", func(o *outcome) { o.heard[1].voice = "callee" }},
		{"loss", "broken stream", func(o *outcome) { o.heard[1].report.Lost = 1 }},
		{"two sources", "broken stream", func(o *outcome) { o.heard[1].report.SSRCs = 2 }},
		{"refused", "final response 404, not 200", func(o *outcome) { o.final = 404 }},
		{"toned emergency", "the caller heard a tone", func(o *outcome) { o.scenario = &demoCalls[3] }},
		{"stopped, yet rang", "arrived at the callee's telephone", func(o *outcome) { o.scenario, o.final = &demoCalls[2], 404 }},
		{"tone not cut", "did not hear the tone cut off", func(o *outcome) { o.scenario, o.untouched = &demoCalls[4], true }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, n := perfect()
			tc.spoil(o)
			o.judge(n)
			faults := strings.Join(o.faults, "; ")
			if !strings.Contains(faults, tc.fault) || tc.fault == "" && faults != "" {
				t.Errorf("faults %q, want %q", faults, tc.fault)
			}
		})
	}
}

func TestRecordIsHeldAgainstTheEar(t *testing.T) {
	when := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, fault string
		spoil       func(r *bookRecord)
	}{
		{"nothing", "", func(*bookRecord) {}},
		{"result", "result busy, not completed", func(r *bookRecord) { r.Result = "busy" }},
		{"forwarded", "forwarded false", func(r *bookRecord) { r.Forwarded = false }},
		{"time", "says answered", func(r *bookRecord) { r.Answered = when.Add(time.Second) }},
		{"no proof", "the callee do not agree", func(r *bookRecord) { r.Notices = r.Notices[:1] }},
		{"incomplete", "complete for the caller false, not true", func(r *bookRecord) { r.Notices[0].Complete = false }},
		{"packets", "the callee 51, not 50", func(r *bookRecord) { r.Notices[1].Packets = 51 }},
		{"another address", "sent to for the callee", func(r *bookRecord) { r.Notices[1].SentTo = "192.0.2.1:4000" }},
		{"first packet", "first packet for the caller", func(r *bookRecord) { r.Notices[0].First = time.Time{} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, _ := perfect()
			o.invited, o.answered, o.ended = when, when, when
			at := netip.MustParseAddrPort("127.0.0.2:4000")
			r := &bookRecord{Result: o.result, Reason: o.reason, Status: 200, Forwarded: true, Invited: when, Answered: when, Ended: when}
			for i, who := range parties {
				o.heard[i].at, o.heard[i].report.First = at, when
				r.Notices = append(r.Notices, bookNotice{Phase: o.hears[i].tone, Leg: who, SentTo: at.String(), First: when, Packets: 50, Complete: true})
			}
			tc.spoil(r)
			o.judgeRecord(r)
			faults := strings.Join(o.faults, "; ")
			if !strings.Contains(faults, tc.fault) || tc.fault == "" && faults != "" {
				t.Errorf("faults %q, want %q", faults, tc.fault)
			}
		})
	}
}
