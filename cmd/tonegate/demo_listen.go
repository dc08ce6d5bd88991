package main

import (
	"math"
	"net/netip"
	"time"

	"tonegate/internal/ear"
	"tonegate/internal/siptest"
)

const earRate = 8000 // samples a second, all that a telephone hears

// heard is what arrived at one ear, by what arrived alone.
type heard struct {
	at      netip.AddrPort
	report  siptest.Report
	pcm     []int16
	tone    ear.Tone
	missing error // why the tone is not whole, nil if it is
	packets int   // that carried the tone, whole or not
	voice   string
}

// nobody is who speaks where no voice is recognised.
const nobody = "nobody"

func listen(v *siptest.Voice, n notice) heard {
	h := heard{at: v.Addr(), report: v.Report(), pcm: v.PCM(), voice: nobody}
	h.tone, h.missing = ear.FindTone(h.pcm, earRate, n.spec)
	rest := h.pcm
	if len(h.tone.Bursts) > 0 {
		begin := h.samples(h.tone.Start)
		end := begin + int(n.length.Seconds()*earRate)
		rest = h.pcm[min(end, len(h.pcm)):]
		packets := v.Packets()
		for _, p := range packets {
			if at := int(int32(p.Timestamp - packets[0].Timestamp)); p.SSRC == packets[0].SSRC && at+len(p.Data) > begin && at < end {
				h.packets++
			}
		}
	}
	switch who, ok := ear.Recognise(rest, earRate); {
	case ok && who == callerVoice:
		h.voice = "caller"
	case ok && who == calleeVoice:
		h.voice = "callee"
	case ok:
		h.voice = "a stranger"
	}
	return h
}

// samples is a moment of the recording as a place in it, where the tone's first packet begins: an edge is known to
// the millisecond or two.
func (h *heard) samples(at time.Duration) int {
	const frame = int(earRate * frameTime / time.Second)
	return int(math.Round(at.Seconds()*earRate/float64(frame))) * frame
}

// cut reports a tone that began and did not end.
func (h *heard) cut() bool { return h.missing != nil && len(h.tone.Bursts) > 0 }

var parties = [2]string{"caller", "callee"}

// judge holds what was heard against what must be heard.
func (o *outcome) judge(n notice) {
	if o.final != o.status {
		o.fault("the caller got the final response %d, not %d", o.final, o.status)
	}
	if !o.isAnswered() && !o.untouched {
		o.fault("something arrived at the callee's telephone")
	}
	for i := range o.heard {
		o.judgeEar(i, n)
	}
}

func (o *outcome) judgeEar(i int, n notice) {
	h, want, who := &o.heard[i], o.hears[i], parties[i]
	switch {
	case want.cut && !h.cut():
		o.fault("the %s did not hear the tone cut off (%v)", who, h.missing)
	case want.cut, want.tone == "" && h.missing != nil:
	case want.tone == "":
		o.fault("the %s heard a tone", who)
	case h.missing != nil:
		o.fault("the %s: %v", who, h.missing)
	case h.packets != n.packets:
		o.fault("the %s heard the tone in %d packets, not %d", who, h.packets, n.packets)
	}
	if want.tone != "" && h.tone.Start > frameTime/2 {
		o.fault("the %s heard something else for %v before the tone", who, h.tone.Start)
	}
	voice := nobody
	if want.voice {
		voice = parties[1-i]
	}
	if h.voice != voice {
		o.fault("the %s heard the voice of %s, not %s", who, h.voice, voice)
	}
	if want == (sound{}) && h.report.Packets > 0 {
		o.fault("the %s heard %d packets, not silence", who, h.report.Packets)
	}
	if r := h.report; r.Lost+r.Duplicates+r.Late+r.Jumps+r.Timestamps+r.Strange > 0 || r.SSRCs > 1 {
		o.fault("the %s got a broken stream: %v", who, r)
	}
}

// since is the delay to the first packet, counted from the INVITE or from the callee's answer.
func (o *outcome) since(i int) (what string, delay time.Duration) {
	what, from := "INVITE", o.invited
	if o.hears[i].tone != before {
		what, from = "answer", o.answered
	}
	return what, o.heard[i].report.First.Sub(from)
}
