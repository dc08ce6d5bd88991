package ear

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

var (
	paper = color.RGBA{255, 255, 255, 255}
	panel = color.RGBA{245, 246, 248, 255}
	ink   = color.RGBA{40, 44, 52, 255}
)

// A canvas is a picture with text in two sizes.
type canvas struct {
	image *image.RGBA
	faces [2]font.Face
}

const (
	small = iota
	large
)

type align int

const (
	left align = iota
	centre
	right
)

func newCanvas(width, height int) (*canvas, error) {
	c := &canvas{image: image.NewRGBA(image.Rect(0, 0, width, height))}
	draw.Draw(c.image, c.image.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	face, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	for size, points := range [...]float64{small: 13, large: 19} {
		c.faces[size], err = opentype.NewFace(face, &opentype.FaceOptions{Size: points, DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// text writes on the baseline y, beginning, centred or ending at x.
func (c *canvas) text(s string, x, y, size int, a align) {
	c.textOn(c.image, s, x, y, size, a)
}

func (c *canvas) textOn(on draw.Image, s string, x, y, size int, a align) {
	d := font.Drawer{Dst: on, Src: image.NewUniform(ink), Face: c.faces[size]}
	d.Dot = fixed.P(x-int(a)*d.MeasureString(s).Ceil()/2, y)
	d.DrawString(s)
}

// sideways writes upwards, centred on a point.
func (c *canvas) sideways(s string, x, y int) {
	const long, high = 200, 18
	flat := image.NewRGBA(image.Rect(0, 0, long, high))
	draw.Draw(flat, flat.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	c.textOn(flat, s, long/2, 13, small, centre)
	for i := range long {
		for j := range high {
			c.image.Set(x-high/2+j, y+long/2-1-i, flat.At(i, j))
		}
	}
}

func (c *canvas) box(r image.Rectangle) {
	r = r.Inset(-1)
	for x := r.Min.X; x < r.Max.X; x++ {
		c.image.Set(x, r.Min.Y, ink)
		c.image.Set(x, r.Max.Y-1, ink)
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		c.image.Set(r.Min.X, y, ink)
		c.image.Set(r.Max.X-1, y, ink)
	}
}

const tickLength = 5

func (c *canvas) horizontalAxis(area image.Rectangle, to float64, label string) {
	for _, value := range ticks(0, to, 12) {
		x := area.Min.X + int(value/to*float64(area.Dx()-1))
		for i := range tickLength {
			c.image.Set(x, area.Max.Y+i, ink)
		}
		c.text(number(value), x, area.Max.Y+20, small, centre)
	}
	c.text(label, (area.Min.X+area.Max.X)/2, area.Max.Y+44, small, centre)
}

func (c *canvas) verticalAxis(area image.Rectangle, from, to float64, label string) {
	for _, value := range ticks(from, to, 10) {
		y := area.Max.Y - 1 - int((value-from)/(to-from)*float64(area.Dy()-1))
		for i := range tickLength {
			c.image.Set(area.Min.X-1-i, y, ink)
		}
		c.text(number(value), area.Min.X-9, y+4, small, right)
	}
	c.sideways(label, area.Min.X-60, (area.Min.Y+area.Max.Y)/2)
}

func (c *canvas) colourBar(area image.Rectangle, from, to float64, unit string) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		shade := heat(float64(area.Max.Y-1-y) / float64(area.Dy()-1))
		for x := area.Min.X; x < area.Max.X; x++ {
			c.image.Set(x, y, shade)
		}
	}
	c.box(area)
	for _, value := range ticks(from, to, 8) {
		y := area.Max.Y - 1 - int((value-from)/(to-from)*float64(area.Dy()-1))
		for i := range tickLength {
			c.image.Set(area.Max.X+i, y, ink)
		}
		c.text(number(value), area.Max.X+9, y+4, small, left)
	}
	c.text(unit, area.Min.X, area.Min.Y-8, small, left)
}

// ticks are round values, 1, 2 or 5 times a power of ten apart, at most about the wished number of them.
func ticks(from, to float64, wished int) []float64 {
	rough := (to - from) / float64(wished)
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if factor*step >= rough {
			step *= factor
			break
		}
	}
	var values []float64
	for i := math.Ceil(from / step); i*step <= to*(1+1e-9); i++ {
		values = append(values, i*step)
	}
	return values
}

func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// heat is a colour between black and pale yellow, brighter for more, also for the colour-blind.
func heat(share float64) color.RGBA {
	stops := [...][3]float64{{0, 0, 4}, {40, 11, 84}, {101, 21, 110}, {159, 42, 99}, {212, 72, 66}, {245, 125, 21}, {250, 193, 39}, {252, 255, 164}}
	position := min(max(share, 0), 1) * float64(len(stops)-1)
	i := min(int(position), len(stops)-2)
	part := position - float64(i)
	mix := func(k int) uint8 { return uint8(stops[i][k]*(1-part) + stops[i+1][k]*part) }
	return color.RGBA{mix(0), mix(1), mix(2), 255}
}
