package number

import "testing"

func TestParseRange(t *testing.T) {
	for in, want := range map[string][2]string{
		"+81312340000-+81312349999":   {"+81312340000", "+81312349999"},
		"03-1234-0000 - 03-1234-9999": {"+81312340000", "+81312349999"},
		"0312340000-0312349999":       {"+81312340000", "+81312349999"},
		"03-1234-5678":                {"+81312345678", "+81312345678"},
		"05012340000-050-1234-0999":   {"+815012340000", "+815012340999"},
		"+442079460000-+442079460999": {"+442079460000", "+442079460999"},
		"110":                         {"110", "110"},
	} {
		r, err := ParseRange(in)
		if err != nil || r.First.E164() != want[0] || r.Last.E164() != want[1] {
			t.Errorf("%q: %s to %s, %v", in, r.First.E164(), r.Last.E164(), err)
		}
	}
	for _, in := range []string{
		"", "-", "0312349999-0312340000", "0312340000-09012345678", "0312340000-", "-0312340000",
		"0312340000-12", "+12125550123-+442079460000", "+1212555012-+12125550123", "anonymous-anonymous", "anonymous",
	} {
		if r, err := ParseRange(in); err == nil {
			t.Errorf("%q: read as %s to %s", in, r.First.E164(), r.Last.E164())
		}
	}
}

func TestRangeContains(t *testing.T) {
	r, err := ParseRange("0312340000-0312340999")
	if err != nil {
		t.Fatal(err)
	}
	if r.Size() != 1000 {
		t.Errorf("size %d", r.Size())
	}
	for in, want := range map[string]bool{
		"0312340000": true, "0312340999": true, "0312340500": true, "0312341000": false, "0312339999": false,
		"+442079460000": false, "110": false, "anonymous": false,
	} {
		if got := r.Contains(must(t, in)); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
	if (Range{}).Contains(Number{}) || (Range{}).Size() != 0 {
		t.Error("the zero range contains something")
	}
}

func TestSetContains(t *testing.T) {
	s, err := ParseSet([]string{"free", "withheld", "0312340100-0312340300", "0312340000-0312340200", "05012345678", "110"})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]bool{
		"0120123456": true, "anonymous": true, "0312340000": true, "0312340200": true, "0312340300": true, "0312340301": false,
		"05012345678": true, "05012345679": false, "110": true, "119": false, "+442079460000": false,
	} {
		if got := s.Contains(must(t, in)); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
	if (Set{}).Contains(must(t, "0312345678")) || (Set{}).Contains(Number{}) || !(Set{}).Empty() || s.Empty() {
		t.Error("the zero set contains something, or this one nothing")
	}
	if _, err := ParseSet([]string{"fixed", "fxied"}); err == nil {
		t.Error("a misspelt class was accepted")
	}
}

func TestSetOverlaps(t *testing.T) {
	s, err := ParseSet([]string{"free", "0312340100-0312340200"})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]bool{
		"0312340000-0312340099": false, "0312340000-0312340100": true, "0312340150": true, "0312340200-0312340300": true,
		"0312340201-0312340300": false, "0312340000-0312349999": true, "0120123456": true,
	} {
		r, err := ParseRange(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Overlaps(r); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
}
