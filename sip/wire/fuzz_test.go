package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func seeds(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/torture*/*.dat")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(lines(invite)))
	for _, s := range samples {
		f.Add([]byte(s.text))
	}
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("SIP/2.0 200 sip\r\n\r\n"))
	f.Add([]byte("OPTIONS sip:[::1]:5060;a=b?x=y SIP/2.0\r\nl:\r\n 0\r\n\r\n"))
}

// FuzzParse takes any datagram in, both ways, and when it is refused, out again.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if Keepalive(data) {
			return
		}
		buffer := bytes.Clone(data)
		m, p := Parse(buffer, UDP, source)
		if !bytes.Equal(buffer, data) {
			t.Fatal("datagram changed")
		}
		for i := range buffer {
			buffer[i] = 'x' // the next datagram is read into the same buffer
		}
		if difference := twoWays(m, p, data); difference != "" {
			t.Fatal(difference)
		}
		if p == nil {
			checkMessage(t, m, data)
			return
		}
		reply := Refuse(m, p, "")
		if reply == nil {
			return
		}
		if len(reply) > 2*len(data)+200 {
			t.Fatalf("%d octets answer %d", len(reply), len(data))
		}
		if data := bytes.TrimLeft(data, "\r\n"); bytes.HasPrefix(data, []byte("ACK ")) || bytes.HasPrefix(data, []byte("SIP/")) {
			t.Fatalf("answered %q", data)
		}
		if a, p := Parse(reply, UDP, source); a.Status < 200 || p != nil && len(a.Values("Via")) == 0 {
			t.Fatalf("our answer: %v\n%q", p, reply)
		}
	})
}

// checkMessage holds what Read gave against the datagram it came from.
func checkMessage(t *testing.T, m *Message, data []byte) {
	if len(m.Via) == 0 || m.CallID == "" || len(m.Body) > len(data) {
		t.Fatalf("accepted: %+v", m)
	}
	for f := range m.Fields() {
		if breaksLine(f.Value) || !isToken(f.Name) {
			t.Fatalf("field %q %q", f.Name, f.Value)
		}
	}
	if !m.IsRequest() {
		return
	}
	raw, _, _ := strings.Cut(strings.TrimLeft(string(data), "\r\n"), "\r\n")
	want, err := ParseURI(strings.Split(raw, " ")[1])
	if err != nil || want.Host != m.RequestURI.Host || want.User != m.RequestURI.User || want.Port != m.RequestURI.Port {
		t.Fatalf("Request-URI %q read as %+v (%v)", raw, m.RequestURI, err)
	}
	out, err := NewResponse(m, 200, "", "ourtag").RecordRoute().Bytes()
	if err != nil {
		t.Fatalf("no response to an accepted request: %v", err)
	}
	res, p := Parse(out, UDP, source)
	if len(m.Via) > 1 && p != nil && p.Reason == "More than one Via" {
		return // right for one who is not the last
	}
	if p != nil {
		t.Fatalf("our response: %v\n%q", p, out)
	}
	if res.CallID != m.CallID || res.CSeq != m.CSeq || res.Method != m.Method || res.From != m.From ||
		res.Via[0].Branch != m.Via[0].Branch || res.To.URI != m.To.URI || len(res.RecordRoute) != len(m.RecordRoute) {
		t.Fatalf("request %+v\nanswered %+v", m, res)
	}
}

func FuzzParseURI(f *testing.F) {
	for _, tt := range uris {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		if !u.Equal(u) {
			t.Fatalf("%q does not equal itself", s)
		}
		u.Subscriber()
		text := u.String()
		again, err := ParseURI(text)
		u.Headers = ""
		if err != nil || again != u {
			t.Fatalf("%q -> %+v -> %q -> %+v, %v", s, u, text, again, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, tt := range addresses {
		f.Add(tt.text)
	}
	f.Add(`<sip:a@b>;x="a,b", "q\"" <tel:+81312340001>`)
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParseAddressList(s)
		if err != nil {
			return
		}
		if len(list) > maxList {
			t.Fatal(len(list))
		}
		for _, a := range list {
			text := a.String()
			again, err := ParseAddress(text)
			if err != nil {
				t.Fatalf("%q -> %q: %v", s, text, err)
			}
			u := a.URI
			u.Headers = ""
			if again.Tag != a.Tag || again.URI != u || again.Display != a.Display || again.Params != a.Params {
				t.Fatalf("%q -> %+v -> %q -> %+v", s, a, text, again)
			}
		}
	})
}
