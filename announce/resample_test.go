package announce

import (
	"math"
	"testing"
)

func sine(hz float64, rate, n int, amplitude float64) []float64 {
	pcm := make([]float64, n)
	for i := range pcm {
		pcm[i] = amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
	}
	return pcm
}

// middle leaves out the ends, where a sine that begins at once is not band-limited.
func middle(pcm []float64) []float64 { return pcm[len(pcm)/4 : len(pcm)*3/4] }

func TestResampleKeepsTheTelephoneBand(t *testing.T) {
	for _, rate := range []int{8001, 11025, 16000, 44100, 48000, 192000} {
		for _, hz := range []float64{50, 300, 1000, 2500, 3400} {
			got := resample(sine(hz, rate, rate/5, 0.5), rate, Rate)
			if len(got) != Rate/5 {
				t.Errorf("200 ms at %d Hz are %d samples", rate, len(got))
			}
			want := sine(hz, Rate, Rate/5, 0.5)
			var off, all float64
			for i, v := range middle(got) {
				w := middle(want)[i]
				off += (v - w) * (v - w)
				all += w * w
			}
			if ratio := 10 * math.Log10(all/off); ratio < 60 {
				t.Errorf("%g Hz from %d Hz: %.0f dB of %g dB", hz, rate, ratio, 60.0)
			}
		}
	}
}

func TestResampleFoldsNothingBack(t *testing.T) {
	for _, rate := range []int{11025, 16000, 44100, 48000, 192000} {
		for hz := 4000.0; hz < float64(rate)/2-100; hz *= 1.07 {
			out := resample(sine(hz, rate, rate/10, 1), rate, Rate)
			if got := dBm0(power(middle(out))); got > -75 {
				t.Errorf("%g Hz from %d Hz leaves %.0f dBm0", hz, rate, got)
			}
		}
	}
}

func TestResampleUpwards(t *testing.T) {
	out := resample(sine(1000, 4000, 4000, 0.5), 4000, Rate)
	if got := dBm0(power(middle(out))); len(out) != Rate || math.Abs(got-(-6.02+fullScale)) > 0.01 {
		t.Errorf("%d samples at %.2f dBm0", len(out), got)
	}
}

func TestResampleOfAlmostNothing(t *testing.T) {
	for n := range 5 {
		for _, rate := range []int{4000, 7999, 192000} {
			resample(make([]float64, n), rate, Rate) // must not panic
		}
	}
}

func BenchmarkResample(b *testing.B) {
	in := sine(1000, 48000, 48000, 0.5)
	b.ReportAllocs()
	for b.Loop() {
		resample(in, 48000, Rate)
	}
}
