package announce

import (
	"strings"
	"testing"
	"time"
)

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

var (
	licensed = Licence{Holder: "Example Telecom", Number: "L-1", From: date(2026, 4, 1), Until: date(2027, 3, 31)}
	may      = time.Date(2026, 5, 1, 12, 0, 0, 0, jst)
)

func standard(t *testing.T) Spec {
	t.Helper()
	raw, err := readBytes("../testdata/assets/chime.wav")
	if err != nil {
		t.Fatal(err)
	}
	own := licensed
	return Spec{File: "../testdata/assets/chime.wav", SHA256: hashOf(raw), Standard: "jusa", Licence: &own}
}

func TestStandardWithEverythingInOrder(t *testing.T) {
	s := standard(t)
	s.SHA256 = strings.ToUpper(s.SHA256)
	a, err := Load("notice", s, may)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Licence(); *got != licensed || got == s.Licence || len(a.Warnings()) != 0 {
		t.Errorf("%+v, warnings %q", got, a.Warnings())
	}
	a.Licence().Holder = "someone else"
	s.Licence.Holder = "someone else"
	if a.Licence().Holder != licensed.Holder {
		t.Error("an asset's licence was changed from outside")
	}
}

func TestStandardSaysExactlyWhatIsMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*Spec)
		now   time.Time
		want  []string
	}{
		"synth":            {func(s *Spec) { s.File, s.Synth = "", "600/100" }, may, []string{"never synthesised", "file:"}},
		"no hash":          {func(s *Spec) { s.SHA256 = "" }, may, []string{"missing sha256 (of the licensed file): copy"}},
		"no licence":       {func(s *Spec) { s.Licence = nil }, may, []string{"missing licence.holder, licence.number, licence.from, licence.until"}},
		"nothing":          {func(s *Spec) { s.Licence, s.SHA256 = nil, "" }, may, []string{"missing sha256", "licence.until", "remove standard"}},
		"no holder":        {func(s *Spec) { s.Licence.Holder = " " }, may, []string{"missing licence.holder:"}},
		"no number":        {func(s *Spec) { s.Licence.Number = "" }, may, []string{"missing licence.number:"}},
		"no from":          {func(s *Spec) { s.Licence.From = time.Time{} }, may, []string{"missing licence.from:"}},
		"no until":         {func(s *Spec) { s.Licence.Until = time.Time{} }, may, []string{"missing licence.until:"}},
		"other hash":       {func(s *Spec) { s.SHA256 = strings.Repeat("ab", 32) }, may, []string{"sha256 of ../testdata/assets/chime.wav is", "not the sound that was approved"}},
		"hash of 63":       {func(s *Spec) { s.SHA256 = s.SHA256[1:] }, may, []string{"not 64 hexadecimal digits"}},
		"not yet":          {nil, time.Date(2026, 3, 31, 23, 59, 59, 0, jst), []string{"begins on 2026-04-01"}},
		"over":             {nil, time.Date(2027, 4, 1, 0, 0, 0, 0, jst), []string{"ended on 2027-03-31", "renew"}},
		"ends before":      {func(s *Spec) { s.Licence.Until = date(2025, 1, 1) }, may, []string{"before it begins"}},
		"unknown standard": {func(s *Spec) { s.Standard = "JUSA" }, may, []string{`standard "JUSA" is unknown`}},
	} {
		s := standard(t)
		if tc.spoil != nil {
			tc.spoil(&s)
		}
		_, err := Load("notice", s, tc.now)
		for _, want := range append(tc.want, `asset "notice": `) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

func TestLicenceDatesAreDaysInJapan(t *testing.T) {
	newYork := time.FixedZone("EST", -5*60*60)
	for _, zone := range []*time.Location{time.UTC, jst, newYork} { // however the date was read
		l := licensed
		l.From = time.Date(2026, 4, 1, 0, 0, 0, 0, zone)
		l.Until = time.Date(2027, 3, 31, 0, 0, 0, 0, zone)
		for at, current := range map[string]bool{
			"2026-03-31T14:59:59Z": false, "2026-03-31T15:00:00Z": true,
			"2027-03-31T14:59:59Z": true, "2027-03-31T15:00:00Z": false,
		} {
			now, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Check(now); (err == nil) != current {
				t.Errorf("dates in %v, now %s: %v", zone, at, err)
			}
		}
	}
}

func TestLicenceNearItsEndIsAWarning(t *testing.T) {
	for at, warned := range map[time.Time]bool{
		time.Date(2027, 3, 1, 23, 59, 59, 0, jst): false,
		time.Date(2027, 3, 2, 0, 0, 0, 0, jst):    true, // 30 days before 1 April
		time.Date(2027, 3, 31, 23, 0, 0, 0, jst):  true,
	} {
		a, err := Load("notice", standard(t), at)
		if err != nil {
			t.Fatal(err)
		}
		w := a.Warnings()
		if (len(w) == 1) != warned || warned && !strings.Contains(w[0], "L-1 of Example Telecom ends on 2027-03-31") {
			t.Errorf("%v: %q", at, w)
		}
	}
	s := standard(t)
	s.Standard = ""
	a, err := Load("voice", s, date(2028, 1, 1))
	if err != nil || len(a.Warnings()) != 1 || !strings.Contains(a.Warnings()[0], "ended on") {
		t.Errorf("without a standard an ended licence is a warning: %v", err)
	}
}
