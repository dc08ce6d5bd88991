//tonegate:pure

package ledger

import . "time"
import "time"

func stamp() Time { time.Sleep(Second); return time.Now() }
