package announce

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// StandardJUSA marks an asset as the association's standard identification tone (協会標準識別音). Only examined and
// licensed members may use it: tonegate neither contains nor synthesises it, and asks for the licence.
const StandardJUSA = "jusa"

// jst is the zone in which a licence's dates begin and end.
var jst = time.FixedZone("JST", 9*60*60)

// renewal is how long before its end a licence is worth a warning.
const renewal = 30 * 24 * time.Hour

// A Licence is the permission to use a sound. Of the two times only the calendar date as written counts: from the
// first moment of From to the last of Until, both in Japan.
type Licence struct {
	Holder, Number string
	From, Until    time.Time
}

func (l Licence) begins() time.Time { return midnight(l.From) }

// End is the first moment at which the licence is over.
func (l Licence) End() time.Time { return midnight(l.Until).AddDate(0, 0, 1) }

func midnight(date time.Time) time.Time {
	y, m, d := date.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, jst)
}

// Check is nil while the licence is complete and current at now; else it says what is missing and what to do. A
// node that runs for long asks again: a licence ends at midnight in Japan.
func (l Licence) Check(now time.Time) error {
	if missing := l.missing(); len(missing) > 0 {
		return incomplete(missing)
	}
	switch {
	case l.End().Before(l.begins()):
		return fmt.Errorf("licence %s ends on %s before it begins on %s: correct licence.from and licence.until",
			l.Number, l.Until.Format(time.DateOnly), l.From.Format(time.DateOnly))
	case now.Before(l.begins()):
		return fmt.Errorf("licence %s of %s begins on %s (Japan), which is still to come: use the asset from then on, or enter the licence in force",
			l.Number, l.Holder, l.From.Format(time.DateOnly))
	case !now.Before(l.End()):
		return fmt.Errorf("licence %s of %s ended on %s (Japan): renew it and enter the new number and dates",
			l.Number, l.Holder, l.Until.Format(time.DateOnly))
	}
	return nil
}

func (l Licence) missing() []string {
	var missing []string
	for _, field := range []struct {
		name   string
		absent bool
	}{
		{"licence.holder", strings.TrimSpace(l.Holder) == ""},
		{"licence.number", strings.TrimSpace(l.Number) == ""},
		{"licence.from", l.From.IsZero()},
		{"licence.until", l.Until.IsZero()},
	} {
		if field.absent {
			missing = append(missing, field.name)
		}
	}
	return missing
}

func incomplete(missing []string) error {
	return fmt.Errorf("missing %s: copy them from the licence that was granted", strings.Join(missing, ", "))
}

func (l Licence) warnings(now time.Time) []string {
	if l.Until.IsZero() || now.Before(l.End().Add(-renewal)) {
		return nil
	}
	if !now.Before(l.End()) { // reached only without a standard, which would have refused the asset
		return []string{fmt.Sprintf("licence %s of %s ended on %s", l.Number, l.Holder, l.Until.Format(time.DateOnly))}
	}
	return []string{fmt.Sprintf("licence %s of %s ends on %s (Japan): renew it, or the asset will be refused from the next day",
		l.Number, l.Holder, l.Until.Format(time.DateOnly))}
}

// checkStandard refuses an asset that claims the association's standard without being able to show the right to it.
func (s Spec) checkStandard(now time.Time) error {
	if s.Synth != "" {
		return errors.New("standard: jusa with synth: the association's tone is never synthesised; " +
			"name the licensed file with file: and sha256:, or remove standard")
	}
	var licence Licence
	if s.Licence != nil {
		licence = *s.Licence
	}
	missing := licence.missing()
	if s.SHA256 == "" {
		missing = append([]string{"sha256 (of the licensed file)"}, missing...)
	}
	if len(missing) > 0 {
		return fmt.Errorf("standard: jusa: %w; without a licence remove standard and use another sound", incomplete(missing))
	}
	if err := licence.Check(now); err != nil {
		return fmt.Errorf("standard: jusa: %w", err)
	}
	return nil
}
