package siptest

import (
	"fmt"
	"slices"
	"time"

	"github.com/zaf/g711"
)

const (
	longestTape  = 1 << 24        // samples: 35 minutes
	believable   = 5 * sampleRate // samples by which a timestamp may differ from the arrival before it is a new start
	sequenceJump = 3000           // MAX_DROPOUT of RFC 3550 appendix A.1
	sampleTime   = time.Second / sampleRate
)

// Report is what can be said about the packets that arrived.
type Report struct {
	Packets    int
	Lost       int // sequence numbers missing within each stretch of one SSRC
	Duplicates int
	Late       int // packets that others had overtaken
	SSRCs      int // stretches of one SSRC: 1 for a stream without a change
	Jumps      int // sequence numbers that leap too far to be a loss
	Timestamps int // neighbours in sequence whose timestamps do not differ by the samples between them, without a marker
	Markers    int
	Strange    int // datagrams that are not RTP
	Unrecorded int // packets beyond those that are kept
	First      time.Time
	Last       time.Time
	LongestGap time.Duration // between two arrivals
}

// String is one line for logs and failures.
func (r Report) String() string {
	return fmt.Sprintf("packets %d lost %d duplicates %d late %d ssrcs %d jumps %d timestamps %d markers %d strange %d unrecorded %d longest gap %v",
		r.Packets, r.Lost, r.Duplicates, r.Late, r.SSRCs, r.Jumps, r.Timestamps, r.Markers, r.Strange, r.Unrecorded, r.LongestGap)
}

// Report sums up what arrived so far.
func (v *Voice) Report() Report {
	packets := v.Packets()
	v.mu.Lock()
	r := Report{Packets: len(packets), Strange: v.strange, Unrecorded: v.missed}
	v.mu.Unlock()
	for i, p := range packets {
		if i == 0 {
			r.First = p.At
		} else {
			r.LongestGap = max(r.LongestGap, p.At.Sub(packets[i-1].At))
		}
		r.Last = p.At
		if p.Marker {
			r.Markers++
		}
	}
	for len(packets) > 0 {
		end := slices.IndexFunc(packets, func(p Heard) bool { return p.SSRC != packets[0].SSRC })
		if end < 0 {
			end = len(packets)
		}
		r.SSRCs++
		r.stretch(packets[:end])
		packets = packets[end:]
	}
	return r
}

// stretch adds packets of one SSRC. Sequence numbers are extended to 64 bits, and counted anew after a jump.
func (r *Report) stretch(packets []Heard) {
	seen := map[int64]Heard{}
	highest := int64(packets[0].Sequence)
	count := func() {
		numbers := make([]int64, 0, len(seen))
		for n := range seen {
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		r.Lost += int(numbers[len(numbers)-1]-numbers[0]) + 1 - len(numbers)
		for i := 1; i < len(numbers); i++ {
			a, b := seen[numbers[i-1]], seen[numbers[i]]
			if numbers[i] == numbers[i-1]+1 && !b.Marker && sameClock(a, b) && b.Timestamp-a.Timestamp != uint32(len(a.Data)) {
				r.Timestamps++
			}
		}
	}
	for i, p := range packets {
		step := int64(int16(p.Sequence - uint16(highest)))
		if i > 0 && (step > sequenceJump || step < -sequenceJump) {
			r.Jumps++
			count()
			clear(seen)
			highest, step = int64(p.Sequence), 0
		}
		n := highest + step
		_, known := seen[n]
		switch {
		case known:
			r.Duplicates++
			continue
		case n < highest:
			r.Late++
		}
		highest = max(highest, n)
		seen[n] = p
	}
	count()
}

// sameClock holds for G.711, where an octet is a sample. Telephone events keep one timestamp for long.
func sameClock(a, b Heard) bool { return decoder(a.Payload) != nil && decoder(b.Payload) != nil }

func decoder(payload uint8) func(uint8) int16 {
	switch payload {
	case PCMU.Payload:
		return g711.DecodeUlawFrame
	case PCMA.Payload:
		return g711.DecodeAlawFrame
	}
	return nil
}

// PCM is what the ear heard, at 8 kHz from the first audio packet on: each packet stands where its timestamp
// puts it, gaps are silence. A new SSRC, or a timestamp that is more than five seconds off, begins where its
// arrival puts it.
func (v *Voice) PCM() []int16 {
	var tape []int16
	var anchor struct {
		ssrc      uint32
		timestamp uint32
		position  int
	}
	var start time.Time
	for _, p := range v.Packets() {
		decode := decoder(p.Payload)
		if decode == nil {
			continue
		}
		if start.IsZero() {
			start = p.At
			anchor.ssrc, anchor.timestamp = p.SSRC, p.Timestamp
		}
		arrived := int(p.At.Sub(start) / sampleTime)
		position := anchor.position + int(int32(p.Timestamp-anchor.timestamp))
		if off := position - arrived; p.SSRC != anchor.ssrc || off > believable || off < -believable {
			anchor.ssrc, anchor.timestamp, anchor.position = p.SSRC, p.Timestamp, arrived
			position = arrived
		}
		end := position + len(p.Data)
		if position < 0 || end > longestTape {
			continue
		}
		if end > len(tape) {
			tape = append(tape, make([]int16, end-len(tape))...)
		}
		for i, octet := range p.Data {
			tape[position+i] = decode(octet)
		}
	}
	return tape
}
