package siptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
)

func TestLadderDrawsLossAndRepetition(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		lost := false
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if !lost && strings.HasPrefix(string(p.Data), "SIP/2.0 200") {
				lost = true
				return simnet.Drop
			}
			return simnet.Pass
		})
		w.alice.Request("OPTIONS", InviteOptions{To: "bob", Headers: []string{"Reason: SIP;cause=200", "Call-ID: secret"}}).Expect(200)
		drawn := w.ladder.String()
		for i, want := range []string{
			"   time   alice                            bob",
			"  0.000     |----------- OPTIONS ---------->|",
			"            |                               |  OPTIONS sip:bob@10.0.0.2:5060",
			"            |                               |  Call-ID call-1  CSeq 1 OPTIONS  From tag-1  To -  Via branch-1",
			"            |                               |  Reason: SIP;cause=200",
			"  0.000     |x---------- 200 OK ------------|",
		} {
			if got := strings.Split(drawn, "\n")[i]; got != want {
				t.Errorf("line %d\n got %q\nwant %q", i, got, want)
			}
		}
		for _, want := range []string{"  0.500     |------- OPTIONS (again) ------>|\n", "  0.505     |<------ 200 OK (again) --------|\n"} {
			if !strings.Contains(drawn, want) {
				t.Errorf("%q is missing", want)
			}
		}
		if strings.Contains(drawn, "secret") {
			t.Error("an identifier is drawn as it is")
		}
		if t.Failed() {
			t.Log("\n" + drawn)
		}
	})
}

func TestLadderWithThreeHosts(t *testing.T) {
	l := NewLadder()
	l.Host("alice", hostAlice)
	l.HostPort("gate", hostPortOf("10.0.0.9:5060"))
	at := time.Now()
	message := func(id string) []byte {
		return []byte("BYE sip:x-1234@h SIP/2.0\r\nCall-ID: " + id + "\r\nCSeq: 1 BYE\r\nRoute: <sip:" + id + ";lr>\r\n\r\n")
	}
	l.Replace("x-1234", "contact")
	l.record(at, hostPortOf("10.0.0.1:5060"), hostPortOf("10.0.0.9:5060"), message("one"), false)
	l.record(at.Add(time.Second), hostPortOf("10.0.0.9:5060"), hostPortOf("10.0.0.2:5060"), message("two"), false)
	l.record(at, hostPortOf("10.0.0.9:5060"), hostPortOf("10.0.0.2:5060"), []byte{0x80, 0, 0, 1}, false) // media
	want := strings.Join([]string{
		"   time   alice                           gate                        10.0.0.2:5060",
		"  0.000     |------------- BYE ------------>|                               |",
		"            |                               |                               |  BYE sip:contact@h",
		"            |                               |                               |  Call-ID call-1  CSeq 1 BYE  From -  To -",
		"            |                               |                               |  Route: <sip:call-1;lr>",
		"  1.000     |                               |------------- BYE ------------>|",
		"            |                               |                               |  BYE sip:contact@h",
		"            |                               |                               |  Call-ID call-2  CSeq 1 BYE  From -  To -",
		"            |                               |                               |  Route: <sip:call-2;lr>",
		"",
	}, "\n")
	if got := l.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLadderIsBounded(t *testing.T) {
	l := NewLadder()
	for i := range maxRungs + 5 {
		data := fmt.Appendf(nil, "BYE sip:a SIP/2.0\r\nCSeq: %d BYE\r\n\r\n", i)
		l.record(time.Time{}, hostPortOf("10.0.0.1:1"), hostPortOf("10.0.0.2:1"), data, false)
	}
	if drawn := l.String(); !strings.HasSuffix(drawn, "and 5 more\n") {
		t.Errorf("ends in %q", drawn[len(drawn)-40:])
	}
}

// goldenTB fails without ending the test.
type goldenTB struct {
	testing.TB
	failed string
}

func (g *goldenTB) Helper() {}

func (g *goldenTB) Fatalf(format string, args ...any) {
	g.failed = fmt.Sprintf(format, args...)
}

func TestGoldenComparesAndKeepsTheStory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	l := NewLadder()
	l.record(time.Time{}, hostPortOf("10.0.0.1:1"), hostPortOf("10.0.0.2:1"), []byte("BYE sip:a SIP/2.0\r\n\r\n"), false)
	path := filepath.Join(dir, "testdata", "ladders", "x.txt")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"# story\n# of two lines\n" + l.String():        "",
		l.String():                                      "",
		strings.Replace(l.String(), "BYE", "ACK", 1):    "ladder x differs in line 2",
		strings.TrimSuffix(l.String(), "\n") + "more\n": "ladder x differs in line",
		"": "ladder x differs in line 1",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		tb := &goldenTB{TB: t}
		l.compare(tb, "x", false)
		if want == "" && tb.failed != "" || !strings.HasPrefix(tb.failed, want) {
			t.Errorf("%q: %q, want %q", text, tb.failed, want)
		}
	}
	if err := os.WriteFile(path, []byte("# story\nold\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l.compare(t, "x", true)
	if got, err := os.ReadFile(path); err != nil || string(got) != "# story\n"+l.String() {
		t.Errorf("rewritten: %q, %v", got, err)
	}
}
