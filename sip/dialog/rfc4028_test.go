package dialog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tonegate/sip/wire"
)

// RFC 4028 s7.2: "If the UA seeks to continue with the session beyond the session expiration, it MUST generate a
// refresh before the session expiration. It is RECOMMENDED that this refresh be sent once half the session interval
// has elapsed."
// s10: "Similarly, if the side not performing refreshes does not receive a session refresh request before the session
// expiration, it SHOULD send a BYE to terminate the session, slightly before the session expiration. The minimum of
// 32 seconds and one third of the session interval is RECOMMENDED."
func TestRFC4028S10Times(t *testing.T) {
	start := time.Unix(0, 0)
	var s Session
	s.Start(300*time.Second, true, start)
	if got := s.Due().Sub(start); got != 150*time.Second {
		t.Errorf("refresh after %s, want 150s", got)
	}
	if refresh, over := s.Expire(s.Due()); !refresh || over {
		t.Error("no refresh at half the interval")
	}
	if got := s.Due().Sub(start); got != 300*time.Second {
		t.Errorf("without a refresh over after %s, want 300s", got)
	}
	s.Retry(3*time.Second, start.Add(150*time.Second))
	if got := s.Due().Sub(start); got != 153*time.Second {
		t.Errorf("again after %s, want 153s", got)
	}
	if _, over := s.Expire(start.Add(300 * time.Second)); !over || s.Running() || !s.Due().IsZero() {
		t.Error("not over at the end")
	}
	for interval, want := range map[time.Duration]time.Duration{300 * time.Second: 268 * time.Second, 90 * time.Second: 60 * time.Second} {
		s.Start(interval, false, start)
		if got := s.Due().Sub(start); got != want {
			t.Errorf("%s by the peer: given up after %s, want %s", interval, got, want)
		}
		if refresh, over := s.Expire(s.Due()); refresh || !over {
			t.Error("not over")
		}
	}
}

// RFC 4028 s9: "The UAS MUST set the value of the refresher parameter in the Session-Expires header field in the 2xx
// response."
// And: "The UAS response MAY reduce its value but MUST NOT set it to a duration lower than the value in the Min-SE
// header field in the request, if it is present; otherwise the UAS MAY reduce its value but MUST NOT set it to a
// duration lower than 90 seconds."
func TestRFC4028S9Negotiation(t *testing.T) {
	s := func(n int) time.Duration { return time.Duration(n) * time.Second }
	for _, c := range []struct {
		name      string
		asked     string
		supported bool
		minSE     time.Duration
		want      time.Duration
		value     string
		tooBrief  bool
	}{
		{"nobody asks", "", true, 0, 0, "", false},
		{"the peer asks, and refreshes", "300", true, 0, 0, "300;refresher=uac", false},
		{"the peer wants us to refresh", "300;refresher=uas", true, 0, 0, "300;refresher=uas", false},
		{"too brief", "60", true, 0, 0, "", true},
		{"a proxy asks for a peer without timers", "1800", false, 0, 0, "1800;refresher=uas", false},
		{"ours is shorter", "1800", true, 0, s(300), "300;refresher=uac", false},
		{"ours is shorter than the path allows", "1800", true, s(600), s(300), "600;refresher=uac", false},
		{"we ask", "", true, 0, s(300), "300;refresher=uas", false},
		{"we ask a peer without timers", "", false, 0, s(300), "300;refresher=uas", false},
		{"a peer's refresher without timers cannot be", "1800;refresher=uac", false, 0, 0, "1800;refresher=uas", false},
	} {
		asked, ok := ParseSessionExpires(c.asked)
		value, tooBrief := Negotiate(asked, ok, c.supported, c.minSE, c.want)
		text := ""
		if value.Interval > 0 {
			text = value.String()
		}
		if text != c.value || tooBrief != c.tooBrief {
			t.Errorf("%s: %q %v, want %q %v", c.name, text, tooBrief, c.value, c.tooBrief)
		}
	}
}

func TestSessionExpiresValues(t *testing.T) {
	for text, want := range map[string]string{
		"300": "300", " 1800 ; Refresher = UAS ": "1800;refresher=uas", "90;x=1;refresher=uac;y": "90;refresher=uac", "300;refresher=me": "300",
	} {
		if got, ok := ParseSessionExpires(text); !ok || got.String() != want {
			t.Errorf("%q: %q %v, want %q", text, got, ok, want)
		}
	}
	for _, bad := range []string{"", "0", "-1", "x", "99999999999", ";refresher=uac"} {
		if got, ok := ParseSessionExpires(bad); ok {
			t.Errorf("%q was read as %s", bad, got)
		}
	}
}

// RFC 4028 s9: "The UAS MUST NOT increase the value of the Session-Expires header field." One under 90 s of a caller
// without timers is the exception (erratum 1687): it cannot be refused with 422.
func TestRFC4028S9TheIntervalNeverGrows(t *testing.T) {
	for _, asked := range []time.Duration{90, 100, 600, 1800} {
		for _, minSE := range []time.Duration{0, 90, 200, 600, 3600} {
			for _, want := range []time.Duration{0, 30, 90, 300, 7200} {
				for _, supported := range []bool{false, true} {
					value, _ := Negotiate(SessionExpires{Interval: asked * time.Second}, true, supported, minSE*time.Second, want*time.Second)
					floor := max(min(minSE, asked), 90) * time.Second
					if value.Interval > asked*time.Second || value.Interval < floor {
						t.Errorf("asked %d s, Min-SE %d s, we want %d s: %s, not %s to %d s", asked, minSE, want, value, floor, asked)
					}
				}
			}
		}
	}
}

// RFC 4028 s9, table 2: "However, as the table indicates, the UAS cannot override the UAC's choice of refresher, if it
// made one." A peer without timers cannot refresh.
func TestRFC4028S9Table2(t *testing.T) {
	for _, c := range []struct {
		supported bool
		asked     Refresher
		want      []Refresher
	}{
		{false, Unsaid, []Refresher{ByUAS}},
		{true, Unsaid, []Refresher{ByUAS, ByUAC}},
		{true, ByUAC, []Refresher{ByUAC}},
		{true, ByUAS, []Refresher{ByUAS}},
	} {
		for _, want := range []time.Duration{0, 300 * time.Second} {
			got, _ := Negotiate(SessionExpires{1800 * time.Second, c.asked}, true, c.supported, 0, want)
			if !slices.Contains(c.want, got.Refresher) {
				t.Errorf("supported %v, asked %q: %q", c.supported, c.asked, got.Refresher)
			}
		}
	}
}

// RFC 4028 s9: "If the incoming request contains a Supported header field with a value 'timer' but does not contain a
// Session-Expires header, it means that the UAS is indicating support for timers but is not requesting one. The UAS may
// request a session timer in the 2XX response by including a Session-Expires header field. The value MUST NOT be set to
// a duration lower than the value in the Min-SE header field in the request, if it is present."
func TestRFC4028S9WeAskForATimer(t *testing.T) {
	for minSE, want := range map[time.Duration]time.Duration{0: 300 * time.Second, 200 * time.Second: 300 * time.Second, 600 * time.Second: 600 * time.Second} {
		if got, tooBrief := Negotiate(SessionExpires{}, false, true, minSE, 300*time.Second); got.Interval != want || tooBrief {
			t.Errorf("Min-SE %s: %s %v, want %s", minSE, got, tooBrief, want)
		}
	}
}

// RFC 4028 s10: "Note that only a 2xx response to a session refresh request extends the session expiration."
func TestRFC4028S10ARefreshThatFailedExtendsNothing(t *testing.T) {
	start := time.Unix(0, 0)
	var s Session
	s.Start(300*time.Second, true, start)
	s.Expire(s.Due())
	for _, after := range []time.Duration{3 * time.Second, 400 * time.Second} {
		s.Retry(after, start.Add(160*time.Second))
		if _, over := s.Expire(start.Add(299 * time.Second)); over {
			t.Fatal("over before its time")
		}
	}
	if got := s.Due().Sub(start); got != 300*time.Second {
		t.Errorf("over after %s, want 300s", got)
	}
	if _, over := s.Expire(start.Add(300 * time.Second)); !over {
		t.Error("not over at the end")
	}
}

// RFC 4028 s7.1: "A UAC that supports the session timer extension defined here MUST include a Supported header field in
// each request (except ACK), listing the option tag 'timer' [2]."
func TestRFC4028S7_1SupportedInEachRequest(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag", ""))
	for _, m := range []wire.Method{wire.BYE, wire.INFO, wire.PRACK, wire.OPTIONS} {
		wants(t, bytesOf(t, d.Request(m, "UDP", "192.0.2.1:5060", "z9hG4bKb")), "Supported: timer")
	}
	if ack := bytesOf(t, d.Ack(1, "UDP", "192.0.2.1:5060", "z9hG4bKk")); strings.Contains(ack, "Supported") {
		t.Errorf("in\n%s", ack)
	}
}
