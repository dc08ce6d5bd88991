package config

import (
	"errors"
	"fmt"
	"time"
)

// duration is the kind of Go durations from low to high.
func duration(low, high time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		allowed: fmt.Sprintf("a duration from %s to %s, e.g. 60s, 5m or 4320h", short(low), short(high)),
		parse: func(s string) (time.Duration, error) {
			d, err := time.ParseDuration(s)
			if err != nil {
				return 0, errors.New("not a duration")
			}
			if d < low || d > high {
				return 0, errors.New("out of range")
			}
			return d, nil
		},
	}
}

// interval is the kind of durations from low to high between two events that may also never come.
func interval(low, high time.Duration) kind[time.Duration] {
	some := duration(low, high)
	return kind[time.Duration]{
		allowed: fmt.Sprintf("0 for never, or a duration from %s to %s, e.g. 30s", short(low), short(high)),
		parse: func(s string) (time.Duration, error) {
			if s == "0" || s == "0s" {
				return 0, nil
			}
			return some.parse(s)
		},
	}
}

// short writes 24h, not 24h0m0s.
func short(d time.Duration) string {
	if d >= time.Hour && d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return d.String()
}
