package number

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// national draws one complete national number of any class that has E.164 digits.
func national(r *rand.Rand) string {
	d := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	c := string(byte('1' + r.IntN(9)))
	switch r.IntN(9) {
	case 0:
		return "03" + c + d(7)
	case 1:
		return "0120" + d(6)
	case 2:
		return "0800" + d(7)
	case 3:
		return "0570" + d(6)
	case 4:
		return "050" + c + d(7)
	case 5:
		return "0" + string("6789"[r.IntN(4)]) + "0" + c + d(7)
	case 6:
		return "0600" + d(7)
	case 7:
		return "0200" + d(10)
	}
	return "0" + string(byte('1'+r.IntN(9))) + string(byte('2'+r.IntN(8))) + c + d(6)
}

// spell writes a national number in one of the ways it is written or dialled.
func spell(r *rand.Rand, n string) string {
	nsn := n[1:]
	var s string
	switch r.IntN(9) {
	case 0:
		s = n
	case 1:
		s = "+81" + nsn
	case 2:
		s = "+81(0)" + nsn
	case 3:
		s = "+81" + n
	case 4:
		s = "01081" + nsn
	case 5:
		s = "0081" + nsn
	case 6:
		s = "0033" + n
	case 7:
		s = "0033010" + "81" + nsn
	case 8:
		s = "009120" + n
	}
	if s[0] != '+' {
		s = []string{"", "184", "186", "122", "184122"}[r.IntN(5)] + s
	}
	if r.IntN(2) == 0 { // separators between digits
		var b strings.Builder
		for i, c := range s {
			if i > 0 && r.IntN(3) == 0 {
				b.WriteString([]string{"-", " ", ".", "－", "ー", "\u3000", "−", "\u200e"}[r.IntN(8)])
			}
			if c >= '0' && c <= '9' && r.IntN(4) == 0 {
				c += '０' - '0'
			}
			b.WriteRune(c)
		}
		s = b.String()
	}
	switch r.IntN(5) {
	case 0:
		return "tel:" + s
	case 1:
		return "sip:" + strings.Replace(s, "+", "%2B", 1) + "@192.0.2.1:5060;user=phone"
	case 2:
		return "sip:" + s + ";npdi;rn=+81398765432@example.jp"
	case 3:
		return s + ";isub=99"
	}
	return s
}

func TestOneNumberOneAnswer(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		n := national(r)
		want := "+81" + n[1:]
		s := spell(r, n)
		got, err := Parse(s)
		if err != nil || got.E164() != want {
			t.Fatalf("%q: %q, %v; want %s", s, got.E164(), err, want)
		}
		if got.National() != n || fmt.Sprint(got.Key()) != want[1:] {
			t.Fatalf("%q: national %q, key %d", s, got.National(), got.Key())
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	for _, s := range []string{
		"+81312345678", "0312345678", "sip:+81312345678@example.jp;user=phone", "tel:0312345678;isub=1;phone-context=+81",
		"anonymous", "1840312345678", "０３－１２３４－５６７８", "alice", "312345678",
	} {
		if a := testing.AllocsPerRun(100, func() { _, _ = Parse(s) }); a != 0 {
			t.Errorf("%q: %v allocations", s, a)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"+81312345678", "18400330312345678", "sip:%2B81312345678;npdi;rn=+8139@h", "tel:110;phone-context=+81", "０３ー１２３４ー５６７８",
		"anonymous", "009120", "002", "+81", "0081", ";", "%", "\xe3\x80", "184", "8.13E+10", "0312340000-0312349999",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, _, err := ParseDialled(s)
		if err != nil {
			if n != (Number{}) {
				t.Fatalf("%q: %v beside the error %v", s, n, err)
			}
		} else if n.Class() == Unreadable {
			t.Fatalf("%q: unreadable without an error", s)
		}
		if e := n.E164(); e != "" {
			again, err := Parse(e)
			if err != nil || again != n {
				t.Fatalf("%q: %s reads back as %s, %v", s, e, again.E164(), err)
			}
			if back, err := Parse(n.National()); err != nil || back != n {
				t.Fatalf("%q: %s reads back as %s, %v", s, n.National(), back.E164(), err)
			}
			if len(e) > 16 {
				t.Fatalf("%q: %s is longer than E.164", s, e)
			}
		}
		if n.Emergency() && n.Key() != 0 {
			t.Fatalf("%q: emergency with key %d", s, n.Key())
		}
		if r, err := ParseRange(s); err == nil && (!r.Contains(r.First) || !r.Contains(r.Last) || r.Size() == 0) {
			t.Fatalf("%q: range does not contain its ends", s)
		}
		_ = n.String()
	})
}

func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct{ name, in string }{
		{"e164", "+81312345678"}, {"mobile", "+819012345678"}, {"national", "0312345678"}, {"hyphens", "+81-3-1234-5678"},
		{"sip", "sip:+819012345678@ims.example.jp;user=phone"}, {"npdi", "+81312345678;npdi;rn=+81398765432"},
		{"184", "1840312345678"}, {"00", "0081312345678"}, {"tel", "tel:+81-3-1234-5678"}, {"anonymous", "anonymous"},
		{"wide", "０３－１２３４－５６７８"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Parse(bb.in)
			}
		})
	}
}
