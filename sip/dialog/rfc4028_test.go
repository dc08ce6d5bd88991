package dialog

import (
	"testing"
	"time"
)

// s10: the refresher refreshes at half the interval and gives up at its end;
// the other side gives up min(32 s, a third) before.
func TestSessionTimes(t *testing.T) {
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

// s9: what a UAS makes of a request.
func TestSessionNegotiation(t *testing.T) {
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
