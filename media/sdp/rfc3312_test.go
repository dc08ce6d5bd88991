package sdp

import (
	"bytes"
	"strings"
	"testing"
)

// conditional is an audio line with the lines given.
func conditional(t testing.TB, lines ...string) *Session {
	t.Helper()
	s, err := Parse([]byte(start + "m=audio 20000 RTP/AVP 0\n" + strings.Join(lines, "\n") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The descriptions of RFC 3312 s13.1 (end to end) and s13.2 (segmented), in the order in which they are sent, and
// what lies between them.
func TestPreconditions(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		unmet string
	}{
		{"13.1 SDP1", []string{"a=curr:qos e2e none", "a=des:qos mandatory e2e sendrecv"}, "qos mandatory e2e sendrecv"},
		{"13.1 SDP2", []string{"a=curr:qos e2e none", "a=des:qos mandatory e2e sendrecv", "a=conf:qos e2e recv"}, "qos mandatory e2e sendrecv"},
		{"13.1 SDP3", []string{"a=curr:qos e2e send", "a=des:qos mandatory e2e sendrecv"}, "qos mandatory e2e sendrecv"},
		{"13.1 SDP4", []string{"a=curr:qos e2e sendrecv", "a=des:qos mandatory e2e sendrecv"}, ""},
		{"13.2 SDP1", []string{"a=curr:qos local none", "a=curr:qos remote none", "a=des:qos mandatory local sendrecv", "a=des:qos mandatory remote sendrecv"}, "qos mandatory local sendrecv"},
		{"13.2 SDP2", []string{"a=curr:qos local none", "a=curr:qos remote none", "a=des:qos mandatory local sendrecv", "a=des:qos mandatory remote sendrecv", "a=conf:qos remote sendrecv"}, "qos mandatory local sendrecv"},
		{"13.2 SDP3", []string{"a=curr:qos local sendrecv", "a=curr:qos remote none", "a=des:qos mandatory local sendrecv", "a=des:qos mandatory remote sendrecv"}, "qos mandatory remote sendrecv"},
		{"13.2 SDP4", []string{"a=curr:qos local sendrecv", "a=curr:qos remote sendrecv", "a=des:qos mandatory local sendrecv", "a=des:qos mandatory remote sendrecv"}, ""},

		{"none", nil, ""},
		{"optional", []string{"a=curr:qos local none", "a=des:qos optional local sendrecv", "a=des:qos none remote sendrecv"}, ""},
		{"told of a failure", []string{"a=curr:qos e2e none", "a=des:qos failure e2e sendrecv", "a=des:qos unknown e2e send"}, ""},
		{"one direction is asked for", []string{"a=curr:qos e2e send", "a=des:qos mandatory e2e send", "a=des:qos optional e2e recv"}, ""},
		{"a line for each direction", []string{"a=curr:qos e2e send", "a=curr:qos e2e recv", "a=des:qos mandatory e2e sendrecv"}, ""},
		{"the current state comes after", []string{"a=des:qos mandatory e2e recv", "a=curr:qos e2e recv"}, ""},
		{"no current state", []string{"a=des:qos mandatory e2e recv"}, "qos mandatory e2e recv"},
		{"segments are not the whole way", []string{"a=curr:qos local sendrecv", "a=curr:qos remote sendrecv", "a=des:qos mandatory e2e sendrecv"}, "qos mandatory e2e sendrecv"},
		{"of another type", []string{"a=curr:sec e2e sendrecv", "a=des:qos mandatory e2e send"}, "qos mandatory e2e send"},
		{"of a type that we do not know", []string{"a=curr:sec e2e none", "a=des:sec mandatory e2e sendrecv"}, "sec mandatory e2e sendrecv"},
		{"nothing is desired", []string{"a=des:qos mandatory e2e none"}, ""},
		{"in capitals", []string{"a=curr:QOS E2E SENDRECV", "a=des:qos Mandatory e2e sendrecv"}, ""},
		{"a demand that cannot be read", []string{"a=des:qos mandatory", "a=curr:qos e2e sendrecv"}, "qos mandatory"},
		{"a state that cannot be read", []string{"a=des:qos mandatory e2e send", "a=curr:qos e2e both"}, "qos mandatory e2e send"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, unmet := conditional(t, c.lines...).UnmetPrecondition(); got != c.unmet || unmet != (c.unmet != "") {
				t.Errorf("%q %v, want %q", got, unmet, c.unmet)
			}
		})
	}
}

// What a line demands that we refuse anyway does not keep the call from being made.
func TestPreconditionsOfTheLineInUse(t *testing.T) {
	demand := "a=curr:qos e2e none\na=des:qos mandatory e2e sendrecv\n"
	for _, c := range []struct {
		name, lines string
		unmet       bool
	}{
		{"video", "m=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 31\n" + demand, false},
		{"audio", "m=video 4002 RTP/AVP 31\nm=audio 4000 RTP/AVP 0\n" + demand, true},
		{"fax", "m=audio 0 RTP/AVP 0\n" + demand + "m=image 4002 udptl t38\n" + demand, true},
		{"rejected", "m=audio 0 RTP/AVP 0\n" + demand, false},
	} {
		if _, unmet := parse(t, []byte(start+c.lines)).UnmetPrecondition(); unmet != c.unmet {
			t.Errorf("%s: %v", c.name, unmet)
		}
	}
}

// Preconditions are about the other leg's network: they go, whatever their strength, and all else stays.
func TestPreconditionsAreNotRelayed(t *testing.T) {
	s := conditional(t, "a=curr:qos local none", "a=des:qos optional local sendrecv", "a=ptime:20", "a=conf:qos remote sendrecv", "a=sendrecv")
	body, err := NewLocal(7, ours).Relay(s, []int{20000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(body, []byte("qos")) || !bytes.Contains(body, []byte("a=ptime:20\r\na=sendrecv\r\n")) {
		t.Errorf("%s", body)
	}
	if _, unmet := parse(t, body).UnmetPrecondition(); unmet {
		t.Error("demands what it does not say")
	}
}

// The work on a description full of demands is bounded by its size.
func TestManyPreconditions(t *testing.T) {
	var lines []string
	for i := range 300 {
		lines = append(lines, "a=curr:x"+strings.Repeat("y", i%20)+" e2e sendrecv", "a=des:q none e2e send")
	}
	if got, unmet := conditional(t, append(lines, "a=des:z mandatory e2e send")...).UnmetPrecondition(); !unmet {
		t.Errorf("%q", got)
	}
}
