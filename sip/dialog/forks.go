package dialog

import (
	"bytes"

	"tonegate/sip/wire"
)

// maxForks bounds the dialogs of one INVITE; further forks are ignored until
// they answer, and ended then.
const maxForks = 16

// Forks are the dialogs that the responses to one INVITE of ours have made,
// a To-tag each (RFC 3261 s12.1.2, s13.2.2.4).
type Forks struct{ list []fork }

type fork struct {
	dialog Dialog
	ack    []byte // the ACK of its 2xx, to be repeated with each repetition of it
	early  string // its latest early description
	taken  Acknowledged
}

// Of is the dialog that a response belongs to, made by its first response
// with a To-tag; nil without a tag, or beyond the bound. A 2xx confirms it.
func (f *Forks) Of(invite *wire.Invite, localTag string, res *wire.Message) *Dialog {
	if res.To.Tag == "" {
		return nil
	}
	k := f.find(res.To.Tag)
	switch {
	case k == nil:
		if len(f.list) >= maxForks && res.Status < 200 {
			return nil
		}
		f.list = append(f.list, fork{dialog: NewUAC(invite, localTag, res)})
		k = &f.list[len(f.list)-1]
	case res.Status >= 200:
		k.dialog.confirm(res)
	}
	return &k.dialog
}

// Dialog is the dialog with a To-tag, nil when there is none.
func (f *Forks) Dialog(tag string) *Dialog {
	if k := f.find(tag); k != nil {
		return &k.dialog
	}
	return nil
}

// Early keeps a fork's description of a provisional response.
func (f *Forks) Early(tag, sdp string) {
	if k := f.find(tag); k != nil {
		k.early = sdp
	}
}

// EarlySDP is a fork's latest early description, "" when it sent none.
func (f *Forks) EarlySDP(tag string) string {
	if k := f.find(tag); k != nil {
		return k.early
	}
	return ""
}

// Over lets go of what only a call that is up has a use for.
func (f *Forks) Over() {
	for i := range f.list {
		k := &f.list[i]
		k.early, k.ack = "", bytes.Clone(k.ack) // a message as it was built has room to spare
	}
}

// Take judges a reliable provisional response of a fork by its RSeq.
func (f *Forks) Take(tag string, rseq uint32) bool {
	k := f.find(tag)
	return k != nil && k.taken.Take(rseq)
}

// Acked keeps the ACK of a fork's 2xx.
func (f *Forks) Acked(tag string, ack []byte) {
	if k := f.find(tag); k != nil {
		k.ack = ack
	}
}

// Ack is the ACK to repeat when a fork's 2xx is repeated; nil before Acked.
func (f *Forks) Ack(tag string) []byte {
	if k := f.find(tag); k != nil {
		return k.ack
	}
	return nil
}

func (f *Forks) find(tag string) *fork {
	for i := range f.list {
		if f.list[i].dialog.RemoteTag == tag {
			return &f.list[i]
		}
	}
	return nil
}
