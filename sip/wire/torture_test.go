package wire

import (
	"os"
	"path/filepath"
	"testing"
)

// What becomes of each message of RFC 4475: 0 accepted, a status, or drop.
const drop = -1

// The answer to these repeats what was broken, as it was.
var brokenEcho = map[string]bool{
	"badinv01": true, "quotbal": true, "badaspec": true, "baddn": true, "insuf": true, "scalar02": true,
	"badvers": true, "multi01": true,
}

// Nothing is copied that holds a NUL, so To cannot be, and there is no answer.
var unanswered = map[string]bool{"intmeth": true}

var torture = []struct {
	name   string
	status int
	why    string
}{
	// s3.1.1 valid messages
	{"wsinv", 0, "white space and folding anywhere the grammar allows"},
	{"intmeth", 400, "legal, but it holds a NUL, which we neither keep nor relay"},
	{"esc01", 0, "escapes stay as written"},
	{"escnull", 0, "%00 stays as written"},
	{"esc02", 0, "% means nothing in a method or a field name"},
	{"lwsdisp", 0, "no space between display name and <"},
	{"longreq", 0, "long, but within every limit"},
	{"dblreq", 0, "what follows Content-Length octets is not ours"},
	{"semiuri", 0, "a semicolon in the user part"},
	{"transports", 0, "a Via may name any transport"},
	{"mpart01", 0, "a binary body"},
	{"unreason", 0, "a reason phrase in UTF-8"},
	{"noreason", 0, "an empty reason phrase"},
	// s3.1.2 invalid messages
	{"badinv01", 400, "empty parameters and elements in Via"},
	{"clerr", 400, "body shorter than Content-Length"},
	{"ncl", 400, "negative Content-Length"},
	{"scalar02", 400, "CSeq number out of range"},
	{"scalarlg", drop, "a response with a CSeq out of range"},
	{"quotbal", 400, "quote that does not end in To"},
	{"ltgtruri", 400, "angle brackets around the Request-URI"},
	{"lwsruri", 400, "white space in the Request-URI"},
	{"lwsstart", 400, "two spaces in the request line"},
	{"trws", 400, "spaces after the SIP version"},
	{"escruri", 0, "headers in the Request-URI are dropped"},
	{"baddate", 0, "Date is not used"},
	{"regbadct", 400, "question mark outside angle brackets"},
	{"badaspec", 400, "spaces inside angle brackets"},
	{"baddn", 400, "comma in a display name without quotes"},
	{"badvers", 505, "SIP/7.0"},
	{"mismatch01", 400, "CSeq method of a known request"},
	{"mismatch02", 400, "CSeq method of an unknown request"},
	{"bigcode", drop, "status code out of range"},
	// s3.2 transaction layer
	{"badbranch", 0, "the cookie alone is no branch: matched as RFC 2543"},
	// s3.3 application layer
	{"insuf", 400, "no From, To, Call-ID"},
	{"unkscm", 416, "unknown scheme"},
	{"novelsc", 416, "known scheme, not ours"},
	{"unksm2", 0, "To and Contact are not used to route; the server refuses REGISTER"},
	{"bext01", 0, "Require is for the server: 420"},
	{"invut", 0, "the body's type is for the server: 415"},
	{"regaut01", 0, "credentials are for the server"},
	{"multi01", 400, "CSeq, Call-ID, To, From, Max-Forwards given twice"},
	{"mcl01", 400, "two Content-Lengths"},
	{"bcast", drop, "a response with two Vias is another's"},
	{"zeromf", 483, "Max-Forwards 0"},
	{"cparam01", 0, "unknown Contact parameter"},
	{"cparam02", 0, "unknown URI parameter"},
	{"regescrt", 0, "headers in a Contact are not used"},
	{"sdp01", 0, "what answer is acceptable is for the server: 406, 488"},
	// s3.4 backward compatibility
	{"inv2543", 0, "no branch, no From tag, no Max-Forwards, no Content-Length"},
}

func TestTorture(t *testing.T) {
	files, err := filepath.Glob("../../testdata/torture/*.dat")
	if err != nil || len(files) != len(torture) {
		t.Fatalf("%d files for %d verdicts (%v)", len(files), len(torture), err)
	}
	for _, tt := range torture {
		t.Run(tt.name, func(t *testing.T) {
			data, err := os.ReadFile("../../testdata/torture/" + tt.name + ".dat")
			if err != nil {
				t.Fatal(err)
			}
			m, p := receive(t, string(data))
			got := 0
			switch {
			case p != nil && p.Status == 0:
				got = drop
			case p != nil:
				got = p.Status
			}
			if got != tt.status {
				t.Fatalf("verdict %d (%v), want %d: %s", got, p, tt.status, tt.why)
			}
			if p == nil {
				return
			}
			reply := Refuse(m, p, "tag1")
			if got == drop || unanswered[tt.name] {
				if reply != nil {
					t.Fatalf("answered with %q", reply)
				}
				return
			}
			if reply == nil {
				t.Fatal("no answer formed")
			}
			if brokenEcho[tt.name] {
				return
			}
			if a, p := receive(t, string(reply)); p != nil || a.Status != tt.status || a.To.Tag == "" {
				t.Fatalf("answer %q: %v", reply, p)
			}
		})
	}
}
