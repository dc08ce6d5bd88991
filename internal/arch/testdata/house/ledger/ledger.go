package ledger

import (
	"database/sql"
	"time"

	"house/internal/siptest"
)

var Append = func() { time.Sleep(siptest.Patience); sql.Drivers() }
