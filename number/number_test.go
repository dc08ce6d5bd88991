package number

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unsafe"
)

func must(t testing.TB, s string) Number {
	t.Helper()
	n, err := Parse(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return n
}

func TestNationalAndKey(t *testing.T) {
	for _, tc := range []struct {
		in, national string
		key          uint64
	}{
		{"+81312345678", "0312345678", 81312345678},
		{"02001234567890", "02001234567890", 812001234567890},
		{"+12125550123", "01012125550123", 12125550123},
		{"110", "110", 0},
		{"104", "104", 0},
		{"anonymous", "", 0},
	} {
		n := must(t, tc.in)
		if n.National() != tc.national || n.Key() != tc.key {
			t.Errorf("%q: %q %d, want %q %d", tc.in, n.National(), n.Key(), tc.national, tc.key)
		}
		if tc.national != "" && must(t, n.National()) != n {
			t.Errorf("%q: national form %q reads as another number", tc.in, n.National())
		}
	}
}

func TestZeroNumberIsUnreadable(t *testing.T) {
	var n Number
	if n.Class() != Unreadable || n.E164() != "" || n.National() != "" || n.Key() != 0 || n.String() != "unreadable" || n.Emergency() {
		t.Errorf("zero number: %v %q %q %d", n.Class(), n.E164(), n.National(), n.Key())
	}
	if unsafe.Sizeof(n) > 16 {
		t.Errorf("a Number takes %d bytes", unsafe.Sizeof(n))
	}
}

func TestEveryFormattingRedacts(t *testing.T) {
	n := must(t, "0312345678")
	r := Range{n, must(t, "0312345679")}
	text, err := json.Marshal(map[string]any{"n": n, "p": &n, "r": r})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("call", "n", n, "r", r)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("call", "n", n, "r", r)
	all := fmt.Sprintf("%v %s %d %x %q %+v %#v %v %v %#v", n, n, n, n, n, n, n, []Number{n}, struct{ N Number }{n}, r) + string(text) + logged.String()
	for _, leak := range []string{"5678", "5679", fmt.Sprint(n.v), fmt.Sprintf("%x", n.v)} {
		if strings.Contains(all, leak) {
			t.Errorf("%q leaks in %s", leak, all)
		}
	}
	if n.String() != "+8131234****" {
		t.Errorf("redacted as %q", n)
	}
}

func TestClassNames(t *testing.T) {
	for c := range Class(classes) {
		if got, err := ParseClass(c.String()); err != nil || got != c {
			t.Errorf("class %d: %q reads as %d, %v", c, c, got, err)
		}
	}
	if _, err := ParseClass("landline"); err == nil {
		t.Error("an unknown class was accepted")
	}
	if s := Class(99).String(); s != "class(99)" {
		t.Errorf("class 99 is %q", s)
	}
}

func TestFromKey(t *testing.T) {
	for _, s := range []string{"0312345678", "02001234567890", "+12125550123", "0120123456", "+6834000"} {
		n := must(t, s)
		if back, err := FromKey(n.Key()); err != nil || back != n {
			t.Errorf("%s: key %d gives %s, %v", s, n.Key(), back.E164(), err)
		}
	}
	for _, key := range []uint64{0, 110, 81110, 810312345678, 813123456789, 1234567890123456, 1<<64 - 1} {
		if n, err := FromKey(key); err == nil || n != (Number{}) {
			t.Errorf("key %d: read as %s with key %d", key, n.E164(), n.Key())
		}
	}
}
