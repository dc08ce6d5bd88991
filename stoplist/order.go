package stoplist

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"tonegate/number"
)

//tonegate:pure

// Revision counts the change sets of the log from 1 without a gap; 0 is the empty list.
type Revision uint64

// Order is why a number is stopped. Several orders may stop one number; lifting one leaves the others.
type Order struct {
	ID        string // from the other fields but Revision, see Identified
	Reason    string
	Reference string // the authority's
	Source    string // the carrier that told us; its lists touch only its own orders
	Holder    string // of the contract
	From      time.Time
	Until     time.Time // in force while From <= now < Until; a zero time is no bound
	Revision  Revision  // that brought the order in
}

// InForce reports whether now lies in the order's window.
func (o Order) InForce(now time.Time) bool {
	return !now.Before(o.From) && (o.Until.IsZero() || now.Before(o.Until))
}

// Identified returns the order with whole seconds and its ID: equal orders have equal IDs.
func (o Order) Identified() Order {
	o.From, o.Until = seconds(o.From), seconds(o.Until)
	h := sha256.New()
	var size [8]byte
	for _, field := range []string{o.Reason, o.Reference, o.Source, o.Holder} {
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		h.Write(size[:])
		h.Write([]byte(field))
	}
	for _, at := range []time.Time{o.From, o.Until} {
		binary.BigEndian.PutUint64(size[:], uint64(at.Unix()))
		h.Write(size[:])
	}
	o.ID = hex.EncodeToString(h.Sum(nil)[:16])
	return o
}

func seconds(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Second)
}

// Entry is one number, or one range, and the orders on exactly it.
type Entry struct {
	Numbers number.Range
	Orders  []Order
}
