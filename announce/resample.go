package announce

import "math"

const (
	zeros = 48  // zero crossings of the kernel on each side of its centre
	fine  = 512 // table entries between two crossings; linear interpolation errs by less than -100 dB
	beta  = 9.0 // Kaiser window: stop band below -90 dB

	// cutoff is the edge of the pass band as a share of the lower half rate: flat to 3450 Hz at 8 kHz, which covers
	// the telephone band, and nothing folds back from beyond 3950 Hz.
	cutoff = 0.925
)

// kernel is the right half of a sinc under a Kaiser window.
var kernel = func() (k [zeros*fine + 2]float64) {
	for i := range k {
		x := float64(i) / fine
		if x >= zeros {
			break
		}
		k[i] = sinc(x) * bessel0(beta*math.Sqrt(1-(x/zeros)*(x/zeros))) / bessel0(beta)
	}
	return k
}()

// resample converts between sample rates by band-limited interpolation: each output sample is the input under a
// sinc centred on its moment, wide enough to remove what the lower rate cannot carry.
func resample(in []float64, from, to int) []float64 {
	if from == to {
		return in
	}
	step := float64(from) / float64(to)
	scale := cutoff * min(1, 1/step) // crossings per input sample
	reach := zeros / scale           // input samples on each side
	out := make([]float64, int(math.Round(float64(len(in))/step)))
	for i := range out {
		centre := float64(i) * step
		first := max(0, int(math.Ceil(centre-reach)))
		last := min(len(in)-1, int(math.Floor(centre+reach)))
		var sum float64
		for j := first; j <= last; j++ {
			at := math.Abs(float64(j)-centre) * scale * fine
			n := int(at)
			sum += in[j] * (kernel[n] + (kernel[n+1]-kernel[n])*(at-float64(n)))
		}
		out[i] = sum * scale
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of the first kind and order 0, by its power series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}
