package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// defaults is the one place that says what a key means when it is left out. A key without a value here is
// either required, or its absence is its meaning: no called numbers is any number.
func defaults() *Config {
	return &Config{
		Listen:  Listen{HTTP: netip.MustParseAddrPort("127.0.0.1:8080")},
		Media:   Media{Ports: PortRange{20000, 29999}, Timeout: time.Minute, Rest: 30 * time.Second},
		Store:   Store{Engine: SQLite, Source: Secret{"data/tonegate.db"}},
		Notices: Notices{OnFailure: Continue},
		Stoplist: Stoplist{
			Refuse:     Refuse{Code: 404, Cause: 1},
			LiveCalls:  End,
			Unreadable: Allow,
			Approval:   Approval{Added: 1000, Lifted: 100},
		},
		Limits:  Limits{Calls: 5000, InvitesPerSecond: 1000},
		Records: Records{Keep: 180 * 24 * time.Hour, Directory: "data/records"},
		Log:     Log{Level: slog.LevelInfo, Format: JSON},
	}
}

// defaultTrunk is what a trunk starts from; its MediaAddress follows media.address when it names none.
func defaultTrunk(name string) Trunk {
	return Trunk{
		Name:     name,
		Reliable: Supported,
		Refer:    ReferRefuse, Redirect: RedirectRefuse, EarlyMedia: EarlyMediaOff,
		Large:   UDP,
		Profile: Profile{Called: "request-uri", Caller: PAI, Diversion: []string{"diversion", "history-info"}},
	}
}

const (
	defaultLevel     = "-16dBm0" // of a synthesised asset
	defaultMode      = Early
	defaultOtherwise = Reject
)
