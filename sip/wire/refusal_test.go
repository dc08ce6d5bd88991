package wire

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// refusals has a datagram for every Problem that Parse can give. Status 0 is silence; unanswerable has a status for
// the log, and nobody who would know the answer for his own.
var refusals = []struct {
	name, text   string
	status       int
	reason       string
	unanswerable bool
}{
	{"over 64 KiB", lines(invite) + strings.Repeat("x", maxMessage), 513, "Message Too Large", false},
	{"over 200 lines", with("Supported", strings.Repeat("X: 1\n", 201)+"Y: 1"), 513, "Message Too Large", false},
	{"a field over 8 KiB", with("Supported", "X: "+strings.Repeat("x", maxField)), 513, "Message Too Large", false},
	{"a body over 16 KiB", strings.Replace(with("Content-Length", "Content-Length: 16385"), "v=0\r\n", strings.Repeat("x", maxBody+1), 1), 413, "Request Entity Too Large", false},
	{"no empty line", strings.TrimSuffix(lines(invite), "\r\nv=0\r\n"), 400, "Header not ended by an empty line", false},
	{"bare LF", invite, 400, "Header not ended by an empty line", false},
	{"one bare LF", strings.Replace(lines(invite), "timer\r\n", "timer\n", 1), 400, "Line not ended by CR LF", false},
	{"one bare CR", strings.Replace(lines(invite), "timer\r\n", "ti\rmer\r\n", 1), 400, "Line not ended by CR LF", false},
	{"a CR and a LF that are apart", strings.Replace(lines(invite), "timer\r\n", "ti\rmer\n", 1), 400, "Line not ended by CR LF", false},
	{"a bare LF behind the start line", strings.Replace(lines(invite), "SIP/2.0\r\n", "SIP/2.0\n", 1), 400, "Line not ended by CR LF", false},
	{"NUL", with("P-Asserted", "X: \x00"), 400, "NUL in the header", false},
	{"NUL in what must come back", with("From", "From: <sip:a@b>;tag=\x00"), 400, "NUL in the header", true},
	{"one word", "INVITE\r\n\r\n", 0, "Bad request line", false},
	{"no method", with("INVITE", "IN/VITE sip:a@b SIP/2.0"), 0, "Bad request line", false},
	{"two words", with("INVITE", "INVITE sip:a@b"), 400, "Bad request line", false},
	{"four words", with("INVITE", "INVITE sip:a@b SIP/2.0 x"), 400, "Bad request line", false},
	{"status of four digits", "SIP/2.0 2000 OK\r\n\r\n", 0, "Bad status line", false},
	{"status 99", "SIP/2.0 099 OK\r\n\r\n", 0, "Bad status code", false},
	{"another protocol", with("INVITE", "INVITE sip:a@b HTTP/1.1"), 400, "Bad SIP version", false},
	{"another version", with("INVITE", "INVITE sip:a@b SIP/3.0"), 505, "Version Not Supported", false},
	{"field name with a space", with("Supported", "Sup ported: x"), 400, "Bad header field name", false},
	{"no colon", with("Supported", "Supported"), 400, "Bad header field name", false},
	{"Via", with("Via: SIP/2.0/UDP 192.0.2.9", "Via: SIP/2.0/UDP"), 400, "Bad Via", false},
	{"101 parameters", with("Via: SIP/2.0/UDP 192.0.2.9", "Via: SIP/2.0/UDP a"+strings.Repeat(";a", maxParams+1)), 400, "Bad Via", false},
	{"no Via", with("Via", ""), 400, "Missing Via", true},
	{"From", with("From", "From: <sip:a@b"), 400, "Bad From", false},
	{"two From", with("From", "From: <sip:a@b>\nf: <sip:a@b>"), 400, "Duplicate From", false},
	{"no From", with("From", ""), 400, "Missing From", false},
	{"To", with("To", "To: \"A <sip:a@b>"), 400, "Bad To", false},
	{"two To", with("To", "To: <sip:a@b>\nt: <sip:a@b>"), 400, "Duplicate To", false},
	{"no To", with("To", ""), 400, "Missing To", false},
	{"Call-ID", with("Call-ID", "Call-ID: a b"), 400, "Bad Call-ID", false},
	{"empty Call-ID", with("Call-ID", "Call-ID:"), 400, "Bad Call-ID", false},
	{"two Call-IDs", with("Call-ID", "Call-ID: a\ni: b"), 400, "Duplicate Call-ID", false},
	{"no Call-ID", with("Call-ID", ""), 400, "Missing Call-ID", false},
	{"CSeq without method", with("CSeq", "CSeq: 1"), 400, "Bad CSeq", false},
	{"CSeq of 2^31", with("CSeq", "CSeq: 2147483648 INVITE"), 400, "Bad CSeq", false},
	{"CSeq of no method", with("CSeq", "CSeq: 1 IN/VITE"), 400, "Bad CSeq", false},
	{"CSeq of another method", with("CSeq", "CSeq: 1 BYE"), 400, "CSeq method does not match", false},
	{"two CSeqs", with("CSeq", "CSeq: 1 INVITE\nCSeq: 2 INVITE"), 400, "Duplicate CSeq", false},
	{"no CSeq", with("CSeq", ""), 400, "Missing CSeq", true},
	{"Max-Forwards", with("Max-Forwards", "Max-Forwards: 256"), 400, "Bad Max-Forwards", false},
	{"two Max-Forwards", with("Max-Forwards", "Max-Forwards: 7\nMax-Forwards: 8"), 400, "Duplicate Max-Forwards", false},
	{"no hop left", with("Max-Forwards", "Max-Forwards: 0"), 483, "Too Many Hops", false},
	{"Contact", with("Contact", "Contact: <>"), 400, "Bad Contact", false},
	{"a Contact with 101 parameters", with("Contact", "Contact: <sip:a@b>"+strings.Repeat(";a", maxParams+1)), 400, "Bad Contact", false},
	{"101 Contacts", with("Contact", "Contact: sip:a@b"+strings.Repeat(", sip:a@b", maxList)), 400, "Bad Contact", false},
	{"Route", with("Contact", "Route: sip:a@b"), 400, "Bad Route", false},
	{"Record-Route", with("Contact", "Record-Route: <sip:a@b;>"), 400, "Bad Record-Route", false},
	{"Require", with("Contact", "Require: a b"), 400, "Bad Require", false},
	{"Supported", with("Supported", "Supported: \"a\""), 400, "Bad Supported", false},
	{"101 options", with("Supported", "Supported: a"+strings.Repeat(",a", maxList)), 400, "Bad Supported", false},
	{"two Content-Types", with("Content-Type", "Content-Type: a/b\nc: a/b"), 400, "Duplicate Content-Type", false},
	{"Content-Length", with("Content-Length", "Content-Length: five"), 400, "Bad Content-Length", false},
	{"two Content-Lengths", with("Content-Length", "Content-Length: 5\nl: 5"), 400, "Duplicate Content-Length", false},
	{"body cut off", with("Content-Length", "Content-Length: 6"), 400, "Body shorter than Content-Length", false},
	{"Request-URI", with("INVITE", "INVITE sip:a@b@c SIP/2.0"), 400, "Bad Request-URI", false},
	{"Request-URI over 1 KiB", with("INVITE", "INVITE sip:"+strings.Repeat("a", maxURI)+"@b SIP/2.0"), 414, "Request-URI Too Long", false},
	{"another scheme", with("INVITE", "INVITE http://a SIP/2.0"), 416, "Unsupported URI Scheme", false},
	{"response with two Vias", strings.Replace(lines(invite), "INVITE sip:+81312340002@127.0.0.1:5060;user=phone SIP/2.0", "SIP/2.0 200 OK", 1), 0, "More than one Via", false},
	{"ACK with a fault", strings.ReplaceAll(with("From", ""), "INVITE", "ACK"), 0, "Missing From", false},
	{"response with a fault", strings.Replace(with("From", ""), "INVITE sip:+81312340002@127.0.0.1:5060;user=phone SIP/2.0", "SIP/2.0 200 OK", 1), 0, "Missing From", false},
}

func TestEveryRefusalHasItsAnswer(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			m, p := receive(t, tt.text)
			if p == nil || p.Status != tt.status || p.Reason != tt.reason {
				t.Fatalf("%v, want %d %s", p, tt.status, tt.reason)
			}
			out := Refuse(m, p, "")
			if silent := tt.status == 0 || tt.unanswerable; (out == nil) != silent {
				t.Fatalf("answer %q", out)
			}
			if out == nil {
				return
			}
			if again, q := receive(t, tt.text); string(Refuse(again, q, "")) != string(out) {
				t.Fatal("the repetition has another answer")
			}
			a, _ := Parse(out, UDP, source) // what was broken comes back broken
			if a.Status != tt.status || a.Reason != tt.reason || len(a.Values("Via")) == 0 || a.Value("CSeq") == "" {
				t.Fatalf("answer %q", out)
			}
		})
	}
}

// Read alone can give these, and they have tests of their own.
var ofStreams = map[string]bool{
	"not a SIP message":                      true, // TestReadOfAMessageMadeByHand
	"Content-Length does not match the body": true, // TestReadOfAMessageMadeByHand
	"Control character in the header":        true, // TestReadWithoutCheck
}

// Every reason in the source of this package must be in the table above, and every reason in the table in the source.
func TestEveryReasonIsTested(t *testing.T) {
	used := map[string]bool{}
	for _, reason := range reasons(t) {
		if ofStreams[reason] {
			continue
		}
		found := false
		for _, tt := range refusals {
			if tt.reason == reason || strings.HasSuffix(reason, " ") && strings.HasPrefix(tt.reason, reason) {
				used[tt.reason], found = true, true
			}
		}
		if !found {
			t.Errorf("no datagram is refused for %q", reason)
		}
	}
	for _, tt := range refusals {
		if !used[tt.reason] {
			t.Errorf("%s: %q is not in the source", tt.name, tt.reason)
		}
	}
}

// reasons finds what bad, badLength and Problem literals are given; "Bad " for "Bad " + name.
func reasons(t *testing.T) (found []string) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr) {
		if sum, ok := e.(*ast.BinaryExpr); ok {
			e = sum.X
		}
		if text, ok := e.(*ast.BasicLit); ok && text.Kind == token.STRING {
			s, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, s)
		}
	}
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "bad" || f.Name == "badLength") {
				add(n.Args[0])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Reason" {
				add(n.Value)
			}
		}
		return true
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, look)
	}
	if len(found) < 20 {
		t.Fatalf("only %q: this test would check nothing", found)
	}
	return found
}

// hostile are nearly 64 KiB each of what takes longest to read, or to refuse.
var hostile = []struct{ name, text string }{
	{"header lines", filled("X: 1\r\n", "")},
	{"empty header lines", filled(":\r\n", "")},
	{"one line", filled("x", "X: ")},
	{"folded lines", filled("\r\n x", "X: ")},
	{"folded empty lines", filled("\r\n ", "X: ")},
	{"folds without a start", filled(" x\r\n", "")},
	{"bare LFs", filled("X: 1\n", "")},
	{"CR LFs in front", strings.Repeat("\r\n", 32000) + lines(invite)},
	{"no header at all", strings.Repeat("\r\n", 32767)},
	{"spaces", strings.Repeat(" ", 65000)},
	{"no line end", strings.Repeat("INVITE", 10000)},
	{"request line", "INVITE sip:" + strings.Repeat("a", 65000) + " SIP/2.0\r\n\r\n"},
	{"Vias", filled("Via: SIP/2.0/UDP a;branch=z9hG4bKa\r\n", "")},
	{"parameters", eight("Via: SIP/2.0/UDP a", ";a")},
	{"parameters with values", eight("Contact: <sip:a@b>", ";a=b")},
	{"quoted parameters", eight("Contact: <sip:a@b>", ";a=\";\"")},
	{"parameters in spaces", eight("Contact: <sip:a@b>", " ; a = b")},
	{"one quoted parameter", eight("Contact: <sip:a@b>;a=\"", `\;`)},
	{"commas", eight("Contact: ", ",")},
	{"Contacts", eight("Contact: *", ",sip:a@b")},
	{"Routes", eight("Route: <sip:a>", ",<sip:a>")},
	{"Record-Routes in brackets", eight("Record-Route: <sip:a>", ",<<<<<<")},
	{"options", eight("Supported: a", ",a")},
	{"empty options", eight("Require: a", ",")},
	{"open quotes", eight("Contact: ", `"<`)},
	{"open brackets", eight("Contact: ", "<,")},
	{"URI parameters", eight("Contact: <sip:a@b", ";a")},
	{"escapes", eight("Contact: <sip:", "%41")},
	{"Call-ID", eight("Call-ID: ", "x")},
	{"digits", eight("CSeq: ", "1")},
	{"body", strings.Replace(lines(invite), "v=0\r\n", strings.Repeat("\r\n", 32000), 1)},
}

// filled is an INVITE that grows to nearly 64 KiB of something, behind all that an answer needs.
func filled(something, start string) string {
	const before = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nCSeq: 1 INVITE\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n"
	text := before + start
	return text + strings.Repeat(something, (maxMessage-len(text)-100)/len(something)) + "\r\nCall-ID: x\r\n\r\n"
}

// eight is an INVITE with as many lines of nearly 8 KiB as there may be.
func eight(start, something string) string {
	line := start + strings.Repeat(something, (maxField-len(start)-10)/len(something)) + "\r\n"
	return filled(line, "")
}

// What a datagram costs is a small multiple of its length: text is copied once and answered with once, and nothing
// that a sender repeats has a place of its own beyond the bounds of header lines and lists.
func TestHostileDatagramsCostBoundedMemory(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			data := []byte(tt.text)
			if len(data) > maxMessage || len(data) < 55000 {
				t.Fatalf("%d octets are not the worst case", len(data))
			}
			run := func() (*Message, []byte) {
				m, p := Parse(data, UDP, source)
				return m, Refuse(m, p, "")
			}
			m, reply := run()
			if len(reply) > len(data)+500 || len(m.fields) > maxLines+1 || len(m.Via)+len(m.Contact)+len(m.Route)+len(m.RecordRoute)+len(m.Supported) > 5*maxList {
				t.Fatalf("%d octets of answer, %d fields", len(reply), len(m.fields))
			}
			if n := testing.AllocsPerRun(10, func() { run() }); n > 50 {
				t.Errorf("%v allocations", n)
			}
			const runs = 10
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range runs {
				run()
			}
			runtime.ReadMemStats(&after)
			if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > uint64(3*len(data)) {
				t.Errorf("%d octets allocated for %d", n, len(data))
			}
		})
	}
}

func BenchmarkHostile(b *testing.B) {
	for _, tt := range hostile {
		b.Run(tt.name, func(b *testing.B) {
			data := []byte(tt.text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				m, p := Parse(data, UDP, source)
				Refuse(m, p, "")
			}
		})
	}
}
