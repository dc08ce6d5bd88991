package ear

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/zaf/g711"
	"tonegate/announce"
)

const (
	rate = 8000
	spec = "600+1000/200,0/100,600+1000/200,0/500"
)

// tone is a cadence at a level, as the announce package renders it, through mu-law.
func tone(t testing.TB, cadence, level string) []int16 {
	t.Helper()
	asset, err := announce.Load("tone", announce.Spec{Synth: cadence, Level: level}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	frames, ok := asset.Frames("PCMU", 10*time.Millisecond)
	if !ok {
		t.Fatal("no PCMU frames")
	}
	var pcm []int16
	for _, b := range slices.Concat(frames.Frames...) {
		pcm = append(pcm, g711.DecodeUlawFrame(b))
	}
	return pcm[:asset.Duration()*rate/time.Second]
}

// sines adds sines of equal amplitude, without ramps, of any frequency.
func sines(d time.Duration, rate int, amplitude float64, hz ...float64) []int16 {
	pcm := make([]int16, int(d.Seconds()*float64(rate)))
	for i := range pcm {
		var v float64
		for _, f := range hz {
			v += amplitude * math.Sin(2*math.Pi*f*float64(i)/float64(rate))
		}
		pcm[i] = toInt16(v)
	}
	return pcm
}

func quietness(d time.Duration) []int16 { return make([]int16, d*rate/time.Second) }

func noise(seed uint64, d time.Duration, amplitude float64) []int16 {
	random := rand.New(rand.NewPCG(seed, 1))
	pcm := quietness(d)
	for i := range pcm {
		pcm[i] = toInt16(random.NormFloat64() * amplitude)
	}
	return pcm
}

func mix(a, b []int16) []int16 {
	out := slices.Clone(a)
	for i := range min(len(a), len(b)) {
		out[i] = toInt16(float64(a[i]) + float64(b[i]))
	}
	return out
}

func throughUlaw(pcm []int16) []int16 {
	out := slices.Clone(pcm)
	for i, v := range out {
		out[i] = g711.DecodeUlawFrame(g711.EncodeUlawFrame(v))
	}
	return out
}

func throughAlaw(pcm []int16) []int16 {
	out := slices.Clone(pcm)
	for i, v := range out {
		out[i] = g711.DecodeAlawFrame(g711.EncodeAlawFrame(v))
	}
	return out
}

// ringback is 400 Hz modulated by 16 Hz.
func ringback(d time.Duration) []int16 {
	pcm := quietness(d)
	for i := range pcm {
		t := float64(i) / rate
		pcm[i] = toInt16(3000 * (1 + 0.8*math.Sin(2*math.Pi*16*t)) * math.Sin(2*math.Pi*400*t))
	}
	return pcm
}

// erase silences a part.
func erase(pcm []int16, at, d time.Duration) []int16 {
	out := slices.Clone(pcm)
	clear(out[at*rate/time.Second : (at+d)*rate/time.Second])
	return out
}
