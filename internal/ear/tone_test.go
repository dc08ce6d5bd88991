package ear

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestFindToneHearsItThroughWhateverSurroundsIt(t *testing.T) {
	heard := tone(t, spec, "-16dBm0")
	for name, tc := range map[string]struct {
		pcm   []int16
		start time.Duration
		level float64
	}{
		"alone":                       {heard, 0, -16},
		"mu-law twice":                {throughUlaw(heard), 0, -16},
		"A-law after mu-law":          {throughAlaw(heard), 0, -16},
		"soft":                        {tone(t, spec, "-36dBm0"), 0, -36},
		"loud":                        {tone(t, spec, "-1dBm0"), 0, -1},
		"after silence":               {slices.Concat(quietness(333*ms), heard), 333 * ms, -16},
		"after ringback":              {slices.Concat(ringback(time.Second), quietness(50*ms), heard), 1050 * ms, -16},
		"between voices":              {slices.Concat(Voice(3, time.Second, rate), heard, Voice(7, time.Second, rate)), time.Second, -16},
		"directly after a voice":      {slices.Concat(Voice(3, 100*ms, rate), heard), 100 * ms, -16},
		"over line noise 22 dB below": {mix(heard, noise(1, time.Second, 200)), 0, -16},
		"after an incomplete one":     {slices.Concat(heard[:200*8], quietness(700*ms), heard), 900 * ms, -16},
		"cut in the last silence":     {heard[:520*8], 0, -16},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FindTone(tc.pcm, rate, spec)
			if err != nil || !got.Whole || len(got.Bursts) != 2 {
				t.Fatalf("%+v: %v", got, err)
			}
			if off := (got.Start - tc.start).Abs(); off > 6*ms {
				t.Errorf("start %v, want %v", got.Start, tc.start)
			}
			if off := (got.Length - 500*ms).Abs(); off > 8*ms {
				t.Errorf("length %v, want 500ms", got.Length)
			}
			if off := math.Abs(got.LeveldBm0 - tc.level); off > 0.4 {
				t.Errorf("level %.2f dBm0, want %g", got.LeveldBm0, tc.level)
			}
		})
	}
}

func TestFindToneHearsManyCadencesAtAnyMoment(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for _, cadence := range []string{
		spec, "1020/500", "950/330,1400/330,1800/330,0/1000", "400+416/1000,0/300,400+416/500",
		"0/250,300/60,0/40,3000/60", "350+900+1700+2500/150,0/90,700/150", "600/20,0/30,600/20,0/200",
	} {
		for range 10 {
			before := time.Duration(random.IntN(700)) * 125 * time.Microsecond
			pcm := throughUlaw(slices.Concat(quietness(before), tone(t, cadence, "-20dBm0")))
			if got, err := FindTone(pcm, rate, cadence); err != nil || !got.Whole {
				t.Errorf("%s after %v: %+v: %v", cadence, before, got, err)
			}
		}
	}
}

func TestFindToneAtOtherSampleRates(t *testing.T) {
	for _, rate := range []int{8000, 11025, 16000, 44100, 48000} {
		burst := sines(200*ms, rate, 2000, 600, 1000)
		pause := make([]int16, rate/10)
		got, err := FindTone(slices.Concat(pause, burst, pause, burst, pause), rate, spec)
		if err != nil || (got.Start-100*ms).Abs() > 6*ms || (got.Length-500*ms).Abs() > 8*ms {
			t.Errorf("%d Hz: %+v: %v", rate, got, err)
		}
	}
}

func TestFindToneRejectsWhatIsNotTheTone(t *testing.T) {
	heard := tone(t, spec, "-16dBm0")
	pair := func(d, pause time.Duration, hz ...float64) []int16 {
		b := sines(d, rate, 2500, hz...)
		return slices.Concat(b, quietness(pause), b, quietness(500*ms))
	}
	for name, pcm := range map[string][]int16{
		"nothing":                       nil,
		"silence":                       quietness(2 * time.Second),
		"speech":                        Voice(2, 5*time.Second, rate),
		"ringback":                      ringback(3 * time.Second),
		"ringback in the tone's rhythm": slices.Concat(ringback(200*ms), quietness(100*ms), ringback(200*ms)),
		"DTMF in the tone's rhythm":     pair(200*ms, 100*ms, 697, 1209),
		"DTMF 8, close to 941 and 1000": pair(200*ms, 100*ms, 941, 1336),
		"continuous":                    sines(2*time.Second, rate, 2500, 600, 1000),
		"missing second burst":          erase(heard, 300*ms, 200*ms),
		"missing first burst":           erase(heard, 0, 200*ms),
		"a burst too many":              slices.Concat(heard[:300*8], heard),
		"cut in the second burst":       heard[:450*8],
		"one frequency missing":         pair(200*ms, 100*ms, 600),
		"the other missing":             pair(200*ms, 100*ms, 1000),
		"one frequency more":            pair(200*ms, 100*ms, 600, 1000, 1500),
		"3 % sharp":                     pair(200*ms, 100*ms, 618, 1030),
		"3 % flat":                      pair(200*ms, 100*ms, 582, 970),
		"first frequency 3 % sharp":     pair(200*ms, 100*ms, 618, 1000),
		"second frequency 3 % flat":     pair(200*ms, 100*ms, 600, 970),
		"bursts too short":              pair(170*ms, 130*ms, 600, 1000),
		"bursts too long":               pair(230*ms, 70*ms, 600, 1000),
		"pause too short":               pair(200*ms, 70*ms, 600, 1000),
		"pause too long":                pair(200*ms, 130*ms, 600, 1000),
		"voice in the pause":            mix(heard, slices.Concat(quietness(200*ms), Voice(1, 90*ms, rate))),
		"voice over it":                 mix(heard, Voice(1, time.Second, rate)),
		"inaudible":                     pairQuiet(heard),
		"second burst much softer":      slices.Concat(heard[:300*8], tone(t, spec, "-25dBm0")[300*8:]),
		"noise 6 dB below":              mix(heard, noise(3, time.Second, 1900)),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := FindTone(pcm, rate, spec); err == nil || got.Whole {
				t.Errorf("taken for the tone: %+v", got)
			}
		})
	}
}

func pairQuiet(pcm []int16) []int16 {
	out := slices.Clone(pcm)
	for i := range out {
		out[i] /= 64
	}
	return out
}

func TestFindToneRejectsAHoleOf20msAnywhereInABurst(t *testing.T) {
	heard := tone(t, spec, "-16dBm0")
	for at := 2 * ms; at <= 178*ms; at += 2 * ms {
		for _, burst := range []time.Duration{0, 300 * ms} {
			if got, err := FindTone(erase(heard, burst+at, 20*ms), rate, spec); err == nil {
				t.Fatalf("hole at %v: %+v", burst+at, got)
			}
		}
	}
}

func TestFindToneTellsWhatIsMissing(t *testing.T) {
	heard := tone(t, spec, "-16dBm0")
	got, err := FindTone(erase(heard, 300*ms, 200*ms), rate, spec)
	if err == nil || !strings.Contains(err.Error(), "element 3: no burst begins at 30") || len(got.Bursts) != 1 {
		t.Errorf("%+v: %v", got, err)
	}
	if _, err := FindTone(heard, rate, "600/x"); err == nil || !strings.Contains(err.Error(), "character 5") {
		t.Error(err)
	}
	if _, err := FindTone(heard, rate, "0/100"); err == nil {
		t.Error("silence was found")
	}
	if _, err := FindTone(heard, 4000, spec); err == nil {
		t.Error("4000 Hz was accepted")
	}
}

func TestFindToneNeverTakesNoiseForATone(t *testing.T) {
	cadences := []string{spec, "1020/20,0/20", "600/10", "350+900+1700+2500+600+1000+3000+200/40,0/30"}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 2))
		pcm := noise(seed, 3*time.Second, math.Pow(10, 1+3*random.Float64()))
		if seed%3 == 1 { // in bursts with the tone's rhythm
			for at := 0; at+4000 <= len(pcm); at += 8000 {
				clear(pcm[at+1600 : at+2400])
				clear(pcm[at+4000 : min(at+8000, len(pcm))])
			}
		}
		if seed%3 == 2 { // band-limited, so that it is tonal
			for i := 2; i < len(pcm); i++ {
				pcm[i] = toInt16(0.1*float64(pcm[i]) + 1.4*float64(pcm[i-1]) - 0.85*float64(pcm[i-2]))
			}
		}
		for _, cadence := range cadences {
			if got, err := FindTone(pcm, rate, cadence); err == nil {
				t.Errorf("seed %d, %s: %+v", seed, cadence, got)
			}
		}
	}
}

func TestFindToneNeverTakesAVoiceForATone(t *testing.T) {
	for seed := range Speakers {
		for _, cadence := range []string{spec, fmt.Sprintf("%.1f/20,0/20", 3*pitch(seed))} {
			if got, err := FindTone(Voice(seed, 4*time.Second, rate), rate, cadence); err == nil {
				t.Errorf("speaker %d, %s: %+v", seed, cadence, got)
			}
		}
	}
}

func BenchmarkFindTone(b *testing.B) {
	pcm := slices.Concat(Voice(1, 5*time.Second, rate), tone(b, spec, ""), Voice(2, 5*time.Second, rate))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := FindTone(pcm, rate, spec); err != nil {
			b.Fatal(err)
		}
	}
}
