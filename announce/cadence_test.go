package announce

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestCadenceHasOneCanonicalText(t *testing.T) {
	for text, want := range map[string]string{
		"600+1000/200,0/100,600+1000/200,0/500": "600+1000/200,0/100,600+1000/200,0/500",
		"1000+600/200":                          "600+1000/200",
		"0600.50/0010":                          "600.5/10",
		"600/100,600/100,0/5,0/5":               "600/200,0/10",
		"0/1,20/10,3400/59989":                  "0/1,20/10,3400/59989",
		"1+2/3":                                 "",
	} {
		c, err := ParseCadence(text)
		if want == "" {
			if err == nil {
				t.Errorf("%s: accepted as %s", text, c)
			}
			continue
		}
		if err != nil || c.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, c, err, want)
		}
	}
}

func TestCadenceErrorsNameThePosition(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  `character 1: "" has no /milliseconds`,
		"600":                               `character 1: "600" has no /milliseconds`,
		"600/200,":                          `character 9: "" has no /milliseconds`,
		"600/":                              `character 5: "" is not a number of milliseconds`,
		"600/x":                             `character 5: "x" is not a number of milliseconds`,
		"600/-5":                            `character 5: "-5" is not a number`,
		"600/0":                             `character 5: "0" is not a number of milliseconds from 1`,
		"600/99999999999999999999":          `character 5: "99999999999999999999" is not`,
		"600/200/3":                         `character 5: "200/3"`,
		"600/9":                             `character 5: "9" is too short for a tone: 10 ms`,
		"600+x/200":                         `character 5: "x" is not a frequency`,
		"600+/200":                          `character 5: "" is not a frequency`,
		"1e3/200":                           `character 1: "1e3" is not a frequency`,
		"+600/200":                          `character 1: "" is not a frequency`,
		"600 /200":                          `character 1: "600 " is not a frequency`,
		"NaN/200":                           `character 1: "NaN" is not a frequency`,
		"1.2.3/200":                         `character 1: "1.2.3" is not a frequency`,
		"600+0/200":                         `character 5: "0" is silence`,
		"600/200,19.9/200":                  `character 9: "19.9" is outside 20 to 3400 Hz`,
		"3400.1/200":                        `character 1: "3400.1" is outside`,
		"600+700+600/200":                   `character 9: "600" is there twice`,
		"1000+600+1000.0/200":               `character 10: "1000.0" is there twice`,
		"600/60001":                         `"60001" is not a number of milliseconds from 1 to 60000`,
		"600/60000,0/1":                     `character 11: "0/1" makes the sound longer than 1m0s`,
		"21+22+23+24+25+26+27+28+29/200":    `character 25: "29" is one too many`,
		strings.Repeat("0/1,", 600) + "0/1": "601 elements",
		strings.Repeat("9", 1000):           "...",
	} {
		if c, err := ParseCadence(text); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 120 {
			t.Errorf("%.40q: %v, %v; want %s", text, c, err, want)
		}
	}
}

func FuzzParseCadence(f *testing.F) {
	f.Add("600+1000/200,0/100,600+1000/200,0/500")
	f.Add("0/1,20.5/10,20.5/10,3400/59979")
	f.Add("600/,0+0/1")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCadence(text)
		if err != nil {
			return
		}
		again, err := ParseCadence(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%q is %q is %q: %v", text, c, again, err)
		}
		pcm, err := c.render(-16)
		if err == nil && (len(pcm) > int(longest.Seconds())*Rate || amplitude(pcm) > peak) {
			t.Errorf("%q: %d samples up to %g", text, len(pcm), amplitude(pcm))
		}
	})
}

func TestSynthHasTheLevelItIsGiven(t *testing.T) {
	for _, text := range []string{"1000/1000", "600+1000/1000", "500+700+900+1100/1000"} {
		for _, level := range []float64{-40, -16, -10, -4} {
			c, err := ParseCadence(text)
			if err != nil {
				t.Fatal(err)
			}
			pcm, err := c.render(level)
			if err != nil {
				t.Errorf("%s at %g: %v", text, level, err)
				continue
			}
			if got := dBm0(power(pcm[100 : len(pcm)-100])); math.Abs(got-level) > 0.05 {
				t.Errorf("%s at %g dBm0 has %.3f", text, level, got)
			}
		}
	}
}

func TestSynthNeverClips(t *testing.T) {
	for text, want := range map[string]string{
		"600/100":                 "", // a sine at 0 dBm0 is 3 dB below the limit
		"600+1000/100":            "",
		"600+1000+1400/100":       "lower it to -1.7dBm0",
		"100+200+300+400/100,0/5": "lower it to -3.0dBm0",
	} {
		_, err := synthesise(text, "0dBm0")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if _, after, ok := strings.Cut(want, "lower it to "); ok {
			if _, err := synthesise(text, after); err != nil {
				t.Errorf("%s: the advice does not help: %v", text, err)
			}
		}
	}
}

func TestSynthBeginsAndEndsWithoutAClick(t *testing.T) {
	c, err := ParseCadence("2875/100")
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := c.render(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 { // 5 ms
		limit := 0.7 * (1 - math.Cos(math.Pi*(float64(i)+1)/40)) / 2
		for _, v := range []float64{pcm[i], pcm[len(pcm)-1-i]} {
			if math.Abs(v) > limit {
				t.Errorf("%g at %d samples from the edge, the ramp allows %g", v, i, limit)
			}
		}
	}
}

func TestSynthHashIsOfTheSound(t *testing.T) {
	hash := func(text, level string) string {
		a, err := Load("x", Spec{Synth: text, Level: level}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return a.Hash()
	}
	if hash("600+1000/200", "") != hash("1000.0+600/100,600+1000/100", "-16.0dBm0") {
		t.Error("two spellings of one sound differ")
	}
	if hash("600/200", "0dBm0") != hash("600/200", "-0dBm0") {
		t.Error("minus zero differs from zero")
	}
	if hash("600/200", "-16dBm0") == hash("600/200", "-17dBm0") || hash("600/200", "") == hash("601/200", "") {
		t.Error("two sounds have one hash")
	}
}
