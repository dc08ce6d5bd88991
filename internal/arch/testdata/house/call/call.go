package call

import (
	"log/slog"
	"net"
	"sync"
	clock "time"

	"house/ledger"
	"house/number"
)

var mu sync.Mutex

func Step(done chan int) {
	started := clock.Now()
	slog.Info("step", "at", started, "number", number.Late, "ledger", ledger.Append)
	go net.Dial("udp", "127.0.0.1:5060")
	select {
	case <-done:
	case <-clock.After(clock.Second):
	}
}
