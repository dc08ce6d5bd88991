package sdp

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the relayed descriptions of testdata/sdp anew")

const corpus = "../../testdata/sdp"

var ours = netip.MustParseAddr("192.0.2.200")

// narrowband is the filter that the corpus is relayed with.
func narrowband(c Codec) bool {
	return slices.Contains([]string{PCMU, PCMA, TelephoneEvent, "AMR"}, c.Name)
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(corpus, name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
}

func parse(t testing.TB, body []byte) *Session {
	t.Helper()
	s, err := Parse(body)
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	return s
}

// ports gives each line a port of ours.
func ports(s *Session) []int {
	list := make([]int, len(s.Media()))
	for i := range list {
		list[i] = 20000 + 2*i
	}
	return list
}

// TestCorpus holds what Relay makes of each description: all codecs (NAME.relayed) and narrowband only
// (NAME.narrowband). Run with -rewrite after a deliberate change and read the difference.
func TestCorpus(t *testing.T) {
	names, err := filepath.Glob(corpus + "/*.sdp")
	if err != nil || len(names) < 15 {
		t.Fatalf("%d descriptions, %v", len(names), err)
	}
	for _, path := range names {
		name := strings.TrimSuffix(filepath.Base(path), ".sdp")
		for suffix, keep := range map[string]func(Codec) bool{".relayed": nil, ".narrowband": narrowband} {
			t.Run(name+suffix, func(t *testing.T) {
				s := parse(t, read(t, name))
				got, err := NewLocal(7, ours).Relay(s, ports(s), keep)
				if err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join(corpus, name+suffix)
				if *rewrite {
					if err := os.WriteFile(golden, bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if want := bytes.ReplaceAll(want, []byte("\n"), []byte("\r\n")); !bytes.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// TestRelayKeepsWhatWasAgreed: what the next reader sees of each line is what was said, but for address and port.
func TestRelayKeepsWhatWasAgreed(t *testing.T) {
	names, _ := filepath.Glob(corpus + "/*.sdp")
	for _, path := range names {
		s := parse(t, read(t, strings.TrimSuffix(filepath.Base(path), ".sdp")))
		for _, keep := range []func(Codec) bool{nil, narrowband} {
			body, err := NewLocal(7, ours).Relay(s, ports(s), keep)
			if err != nil {
				t.Fatal(err)
			}
			checkRelayed(t, s, parse(t, body), ports(s), keep)
		}
	}
}

func checkRelayed(t *testing.T, in, out *Session, ports []int, keep func(Codec) bool) {
	t.Helper()
	was, is := in.Media(), out.Media()
	if len(was) != len(is) {
		t.Fatalf("%d m-lines became %d", len(was), len(is))
	}
	for i := range was {
		want := slices.Clone(was[i].Codecs)
		usable := was[i].Relayable() && ports[i] != 0
		if keep != nil && was[i].RTP() {
			want = slices.DeleteFunc(want, func(c Codec) bool { return !keep(c) })
			usable = usable && slices.ContainsFunc(want, Codec.Audio)
		}
		if is[i].Kind != was[i].Kind || is[i].Proto != was[i].Proto || is[i].Rejected == usable {
			t.Errorf("line %d: %+v became %+v", i, was[i], is[i])
		}
		if !usable {
			continue
		}
		if fmt.Sprint(is[i].Codecs) != fmt.Sprint(want) || is[i].Direction != was[i].Direction ||
			is[i].PTime != was[i].PTime || is[i].MaxPTime != was[i].MaxPTime {
			t.Errorf("line %d: %+v became %+v", i, was[i], is[i])
		}
		if is[i].Address != ours || is[i].Port != ports[i] || is[i].RTP() && is[i].RTCP != netip.AddrPortFrom(ours, uint16(ports[i]+1)) {
			t.Errorf("line %d: not ours: %v %d %v", i, is[i].Address, is[i].Port, is[i].RTCP)
		}
	}
}

// TestNothingLeadsAroundUs: no address, port or key of the other side is left.
func TestNothingLeadsAroundUs(t *testing.T) {
	for _, name := range []string{"browser", "softphone-ice", "srtp", "capabilities", "phone"} {
		s := parse(t, read(t, name))
		body, err := NewLocal(7, ours).Relay(s, ports(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range []string{"192.168.", "203.0.113.", "127.0.0.1", "host.example", "candidate", "ice-", "inline:",
			"fingerprint", "setup:", "BUNDLE", "rtcp-mux", "cname", "a=rtcp:", "192.0.2.1\r"} {
			if bytes.Contains(body, []byte(trace)) {
				t.Errorf("%s: %q is left in\n%s", name, trace, body)
			}
		}
	}
}

func TestLineEndsAndMissingLastOne(t *testing.T) {
	crlf := read(t, "audio-video")
	lf := bytes.ReplaceAll(crlf, []byte("\r\n"), []byte("\n"))
	want, _ := NewLocal(7, ours).Relay(parse(t, crlf), []int{20000, 0, 0}, nil)
	for _, body := range [][]byte{lf, bytes.TrimRight(lf, "\n"), append(slices.Clone(crlf), "\r\n"...)} {
		if got, _ := NewLocal(7, ours).Relay(parse(t, body), []int{20000, 0, 0}, nil); !bytes.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	names, _ := filepath.Glob(corpus + "/*.sdp")
	for _, path := range names {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, uint16(20000), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, port uint16, filtered bool) {
		s, err := Parse(body)
		if err != nil {
			if s != nil || !strings.HasPrefix(err.Error(), "sdp: ") {
				t.Fatalf("%v, %v", s, err)
			}
			return
		}
		list := make([]int, len(s.Media()))
		for i := range list {
			list[i] = int(port) &^ 1
		}
		var keep func(Codec) bool
		if filtered {
			keep = narrowband
		}
		l := NewLocal(7, ours)
		out, err := l.Relay(s, list, keep)
		if err != nil {
			return // too long
		}
		again := parse(t, out)
		checkRelayed(t, s, again, list, keep)
		second, err := NewLocal(7, ours).Relay(again, list, nil)
		if err != nil || !bytes.Equal(second, out) {
			t.Fatalf("relayed twice: %v\n%s\nbecame\n%s", err, out, second)
		}
		if fmt.Sprint(l.Said().Media()) != fmt.Sprint(again.Media()) {
			t.Fatalf("said %+v, wrote %+v", l.Said().Media(), again.Media())
		}
		if demand, unmet := s.UnmetPrecondition(); unmet && !bytes.Contains(body, []byte(demand)) {
			t.Fatalf("%q is not demanded in\n%s", demand, body)
		}
		answer, err := NewLocal(8, ours).RelayAnswer(s, again, list, nil)
		if err != nil || kinds(parse(t, answer)) != kinds(again) {
			t.Fatalf("%v in an answer\n%s\nto\n%s", err, answer, body)
		}
		if _, audio, ok := s.Audio(); ok && port > 0 {
			if codec, dtmf, ok := Choose(audio, PCMU, PCMA); ok {
				answer, err := l.Answer(s, int(port), codec, dtmf, SendRecv)
				if err != nil {
					t.Fatal(err)
				}
				if len(parse(t, answer).Media()) != len(s.Media()) {
					t.Fatalf("offer\n%s\nanswer\n%s", body, answer)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	body := read(b, "phone")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRelay(b *testing.B) {
	s := parse(b, read(b, "phone"))
	l := NewLocal(7, ours)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Relay(s, []int{20000}, narrowband); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDescribe: a leg's first description, with what its reader sees of it.
func BenchmarkDescribe(b *testing.B) {
	s := parse(b, read(b, "phone"))
	b.ReportAllocs()
	for b.Loop() {
		l := NewLocal(7, ours)
		if _, err := l.Relay(s, []int{20000}, narrowband); err != nil || l.Said() == nil {
			b.Fatal(err)
		}
	}
}
