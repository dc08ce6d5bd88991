package ear

import (
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"math/cmplx"
	"os"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"
)

// The picture, in pixels.
const (
	plotWidth, plotHeight = 1000, 400
	waveHeight            = 90
	marginLeft, marginTop = 80, 56
	marginRight           = 110
	marginBottom          = 62
	gap                   = 14 // between waveform and spectrogram
)

// The range of colours, in dBm0.
const darkest, brightest = -70.0, -5.0

var (
	waveArea = image.Rect(marginLeft, marginTop, marginLeft+plotWidth, marginTop+waveHeight)
	plotArea = image.Rect(marginLeft, waveArea.Max.Y+gap, marginLeft+plotWidth, waveArea.Max.Y+gap+plotHeight)
)

// Spectrogram draws a recording as PNG: above its waveform, below the level of every frequency (0 Hz to half the
// rate) over time, with axes in seconds and Hz and a scale in dBm0.
func Spectrogram(path string, pcm []int16, rate int, title string) error {
	if rate < 1000 || rate > 192000 || len(pcm) == 0 {
		return fmt.Errorf("drawing %s: %d samples at %d Hz", path, len(pcm), rate)
	}
	c, err := newCanvas(plotArea.Max.X+marginRight, plotArea.Max.Y+marginBottom)
	if err != nil {
		return fmt.Errorf("drawing %s: %w", path, err)
	}
	seconds := float64(len(pcm)) / float64(rate)
	c.text(title, marginLeft, 34, large, left)
	drawWave(c, pcm)
	drawLevels(c, pcm, rate)
	c.horizontalAxis(plotArea, seconds, "time (s)")
	c.verticalAxis(plotArea, 0, float64(rate)/2, "frequency (Hz)")
	c.colourBar(image.Rect(plotArea.Max.X+20, plotArea.Min.Y, plotArea.Max.X+36, plotArea.Max.Y), darkest, brightest, "dBm0")
	return c.write(path)
}

func (c *canvas) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, c.image); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Close()
}

// drawWave draws, column by column, from the lowest to the highest sample. It fills the height with the loudest.
func drawWave(c *canvas, pcm []int16) {
	draw.Draw(c.image, waveArea, image.NewUniform(panel), image.Point{}, draw.Src)
	loudest := 1.0
	for _, v := range pcm {
		loudest = max(loudest, math.Abs(float64(v)))
	}
	middle, half := (waveArea.Min.Y+waveArea.Max.Y)/2, float64(waveHeight/2-4)
	for x := range plotWidth {
		low, high := 0.0, 0.0
		for _, v := range column(pcm, x) {
			low, high = min(low, float64(v)), max(high, float64(v))
		}
		from, to := middle-int(high/loudest*half), middle-int(low/loudest*half)
		for y := from; y <= to; y++ {
			c.image.Set(waveArea.Min.X+x, y, ink)
		}
	}
	c.box(waveArea)
	c.text("waveform", waveArea.Min.X-8, middle+4, small, right)
}

// column is the part of a recording under one column of pixels, at least one sample.
func column(pcm []int16, x int) []int16 {
	from := x * len(pcm) / plotWidth
	return pcm[from:max(from+1, (x+1)*len(pcm)/plotWidth)]
}

// drawLevels draws for every column the loudest of the windows of 32 ms in it, so that nothing is skipped however
// long the recording is (up to 64 windows a column).
func drawLevels(c *canvas, pcm []int16, rate int) {
	size := int((32 * time.Millisecond).Seconds() * float64(rate))
	s := newSpectrum(size)
	each := min(64, 1+2*len(pcm)/plotWidth/size)
	for x := range plotWidth {
		clear(s.loudest)
		for i := range each {
			centre := (float64(x) + (float64(i)+0.5)/float64(each)) / plotWidth * float64(len(pcm))
			s.add(pcm, int(centre)-size/2)
		}
		for y := range plotHeight {
			level := dBm0(s.at((float64(plotHeight-1-y) + 0.5) / plotHeight))
			c.image.Set(plotArea.Min.X+x, plotArea.Min.Y+y, heat((level-darkest)/(brightest-darkest)))
		}
	}
	c.box(plotArea)
}

// A spectrum keeps for every frequency the loudest of the windows added to it.
type spectrum struct {
	fft     *fourier.FFT
	size    int
	samples []float64 // four times the size, zeros behind: a finer grid of frequencies
	bins    []complex128
	loudest []float64 // mean squares
}

func newSpectrum(size int) *spectrum {
	padded := 4 * size
	return &spectrum{
		fft: fourier.NewFFT(padded), size: size,
		samples: make([]float64, padded), loudest: make([]float64, padded/2+1),
	}
}

func (s *spectrum) add(pcm []int16, from int) {
	window := make([]int16, s.size) // silence beyond the ends
	for i := range window {
		if at := from + i; at >= 0 && at < len(pcm) {
			window[i] = pcm[at]
		}
	}
	copy(s.samples, hann(window))
	s.bins = s.fft.Coefficients(s.bins, s.samples)
	for i, bin := range s.bins {
		amplitude := 2 * cmplx.Abs(bin) / float64(s.size)
		s.loudest[i] = max(s.loudest[i], amplitude*amplitude/2)
	}
}

// at is the mean square at a share of half the rate.
func (s *spectrum) at(share float64) float64 {
	position := share * float64(len(s.loudest)-1)
	i := min(int(position), len(s.loudest)-2)
	part := position - float64(i)
	return s.loudest[i]*(1-part) + s.loudest[i+1]*part
}
