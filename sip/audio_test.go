package sip

import (
	"testing"
	"time"

	"github.com/zaf/g711"

	"tonegate/internal/siptest"
)

// speech is half a second in which no 20 ms frame is like another.
func speech(frames int, seed int) []int16 {
	pcm := make([]int16, frames*160)
	for i := range pcm {
		pcm[i] = int16((i/160*37+i%160*150+seed)%20000 - 10000)
	}
	return pcm
}

// frames are the payloads of speech as it leaves a phone.
func frames(pcm []int16) [][]byte {
	var all [][]byte
	for len(pcm) > 0 {
		frame := make([]byte, 160)
		for i, v := range pcm[:160] {
			frame[i] = g711.EncodeUlawFrame(v)
		}
		all = append(all, frame)
		pcm = pcm[160:]
	}
	return all
}

// endsWith fails unless the last packets heard are these payloads, octet for octet.
func (w *world) endsWith(v *siptest.Voice, want [][]byte) {
	w.t.Helper()
	heard := v.Packets()
	if len(heard) < len(want) {
		w.t.Fatalf("%d packets heard, %d said", len(heard), len(want))
	}
	for i, p := range heard[len(heard)-len(want):] {
		if string(p.Data) != string(want[i]) {
			w.t.Fatalf("frame %d is not what was said", i)
		}
	}
}

func (w *world) oneStream(v *siptest.Voice, packets int) {
	w.t.Helper()
	if r := v.Report(); r.Packets != packets || r.SSRCs != min(1, packets) || r.Lost+r.Jumps+r.Timestamps+r.Late+r.Duplicates+r.Strange != 0 {
		w.t.Errorf("want %d packets of one stream: %v", packets, r)
	}
}

func TestVoiceAfterTheTone(t *testing.T) {
	for _, c := range []struct {
		name   string
		invite siptest.InviteOptions
		change func(*setup)
		a, b   int // packets of the tone that each hears
		record string
	}{
		{"forwarded", forwarded, nil, 50, 50, "completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole"},
		{"forwarded, tone to the caller only", forwarded, onlyBefore, 50, 0, "completed caller_hung_up 200, before caller 50 whole"},
		{"plain", plain, nil, 50, 50, "completed caller_hung_up 200, answer callee 50 whole, answer caller 50 whole"},
		{"no tone", plain, toneless, 0, 0, "completed caller_hung_up 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, c.change, func(w *world) {
				a, b := w.connect(c.invite)
				time.Sleep(1500 * time.Millisecond)
				w.oneStream(w.carrierVoice, c.a)
				w.oneStream(w.pbxVoice, c.b)
				said := [2][]int16{speech(100, 1), speech(100, 2)}
				w.carrierVoice.Say(said[0])
				w.pbxVoice.Say(said[1])
				w.pbxVoice.Wait()
				time.Sleep(100 * time.Millisecond)
				w.oneStream(w.carrierVoice, c.a+100)
				w.oneStream(w.pbxVoice, c.b+100)
				w.endsWith(w.carrierVoice, frames(said[1]))
				w.endsWith(w.pbxVoice, frames(said[0]))
				hangUp(a, b)
				w.carrierVoice.Say(said[0])
				w.carrierVoice.Wait()
				w.oneStream(w.pbxVoice, c.b+100) // and nothing after the end
				w.want(c.record)
			})
		})
	}
}

// Whatever B says while the tone plays must not mix into it, and the tone is
// the asset's own frames.
func TestNobodySpeaksIntoTheTone(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.carrierVoice.Loop(speech(10, 3))
		w.pbxVoice.Loop(speech(10, 4))
		a := w.carrier.Invite(forwarded)
		b := w.pbx.Accept()
		b.Answer()
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		time.Sleep(900 * time.Millisecond)
		tone, _ := tones().Asset("tone")
		encoded, _ := tone.Frames("PCMU", 20*time.Millisecond)
		heardA, heardB := w.carrierVoice.Packets(), w.pbxVoice.Packets()
		if len(heardA) != 50 || len(heardB) < 40 {
			t.Fatalf("A heard %d packets, B %d", len(heardA), len(heardB))
		}
		for i, p := range heardA {
			if string(p.Data) != string(encoded.Frames[i]) {
				t.Fatalf("A's packet %d is not the tone's", i)
			}
		}
		for i, p := range heardB {
			if string(p.Data) != string(encoded.Frames[i]) {
				t.Fatalf("B's packet %d is not the tone's", i)
			}
		}
		time.Sleep(time.Second)
		if r := w.carrierVoice.Report(); r.Packets < 90 || r.SSRCs != 1 || r.Jumps+r.Lost+r.Timestamps != 0 {
			t.Errorf("%v", r)
		}
		hangUp(a, b)
		w.want("completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole")
	})
}
