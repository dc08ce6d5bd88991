package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tonegate/internal/ear"
)

// screen is where the demonstration tells its story; in colour and with moving figures only for a person.
type screen struct {
	io.Writer
	live, colour bool
}

func newScreen(w io.Writer) screen {
	live := terminal(w) && os.Getenv("TERM") != "dumb"
	return screen{w, live, live && os.Getenv("NO_COLOR") == ""} // no-color.org
}

const (
	bold  = "1"
	faint = "2"
	red   = "1;31"
	green = "32"
)

func (s screen) paint(style, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (s screen) opening(d *demo, took time.Duration) {
	at := d.config.Listen.SIP[0]
	fmt.Fprintf(s, "%s\n%s\n\n", s.paint(bold, "tonegate: calls through a running server, judged by ear"),
		s.paint(bold, "実際に通話をつなぎ、双方の耳に届いた音で確かめます"))
	fmt.Fprintf(s, "  server     %s, embedded store, ready in %s\n", at, millis(took))
	fmt.Fprintf(s, "  stop list  %d numbers of stoplist.csv in force, revision %d\n", d.loaded.Added, d.loaded.Revision)
	fmt.Fprintf(s, "  tone       %s, a neutral test tone (Hz/ms, 0 is silence)\n\n", d.tone.spec)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// calling begins the progress line of a call.
func (s screen) calling(o *outcome) {
	if s.live {
		fmt.Fprint(s, s.progress(o, 0))
	}
}

func (s screen) progress(o *outcome, took time.Duration) string {
	return fmt.Sprintf("\r\x1b[K  %d %-31s calling ... %s", o.number, o.title, seconds(took))
}

// wait moves the progress line until the call is over.
func (s screen) wait(o *outcome, over <-chan struct{}) {
	began, tick := time.Now(), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			if s.live {
				fmt.Fprint(s, s.progress(o, time.Since(began)))
			}
		}
	}
}

// called ends it.
func (s screen) called(o *outcome) {
	line := fmt.Sprintf("  %d %-31s %-13s -> %-13s", o.number, o.title, o.caller, o.called)
	if s.live {
		line = "\r\x1b[K" + line
	}
	fmt.Fprintf(s, "%s %s\n", line, s.paint(faint, fmt.Sprintf("%7s", seconds(o.ended.Sub(o.invited)))))
}

const tableRow = "  %-12s  %-6s  %-8s  %-16s  %-7s  %8s  %-6s  "

const tableNote = `  first packet: after the caller's INVITE, or after the callee's answer
  callee rings: after the caller's INVITE: the delay that tonegate adds`

// table shows what each ear heard.
func (s screen) table(outcomes []*outcome) {
	fmt.Fprintf(s, "\n%s\n\n", s.paint(bold, "What each ear heard  双方の耳に届いた音"))
	for _, head := range [][]any{{"", "", "", "first packet", "callee", "packets", "then"}, {"call", "ear", "tone", "after", "rings", "lost", "hears"}} {
		fmt.Fprintln(s, s.paint(faint, strings.TrimRight(fmt.Sprintf(tableRow, head...), " ")))
	}
	for _, o := range outcomes {
		for i := range o.heard {
			fmt.Fprintln(s, s.row(o, i))
		}
	}
	fmt.Fprintf(s, "\n%s\n\n", s.paint(faint, tableNote))
}

// row is one ear of one call.
func (s screen) row(o *outcome, i int) string {
	h := &o.heard[i]
	tone, after, lost, voice := "none", "", "", h.voice
	switch {
	case h.missing == nil:
		tone = millis(time.Duration(h.packets) * frameTime)
	case h.cut():
		tone = fmt.Sprintf("%d cut", (time.Duration(h.packets) * frameTime).Milliseconds())
	case h.report.Packets == 0:
		tone = "silence"
	}
	if h.report.Packets > 0 {
		what, delay := o.since(i)
		after, lost = fmt.Sprintf("%s %9s", what, millis(delay)), fmt.Sprintf("%d of %d", h.report.Lost, h.report.Packets+h.report.Lost)
	} else if i == 0 && o.final >= 300 {
		after = fmt.Sprintf("%d    %9s", o.final, millis(o.finalAt.Sub(o.invited)))
	}
	if voice == nobody {
		voice = ""
	}
	if i > 0 {
		return strings.TrimRight(fmt.Sprintf(tableRow, "", parties[i], tone, after, "", lost, voice), " ")
	}
	rings, verdict := "never", s.paint(green, "ok")
	if !o.rang.IsZero() {
		rings = millis(o.rang.Sub(o.invited))
	}
	if len(o.faults) > 0 {
		verdict = s.paint(red, "WRONG")
	}
	return fmt.Sprintf(tableRow, fmt.Sprintf("%d %s", o.number, o.name), parties[i], tone, after, rings, lost, voice) + verdict
}

// millis has a decimal below 10 ms.
func millis(d time.Duration) string {
	ms := float64(d.Microseconds()) / 1000
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// verdict sums up, and returns how much was wrong.
func (s screen) verdict(d *demo, outcomes []*outcome, b *books, took time.Duration) (faults int) {
	for _, o := range outcomes {
		for _, f := range o.faults {
			fmt.Fprintf(s, "  %s\n", s.paint(red, fmt.Sprintf("WRONG  call %d: %s", o.number, f)))
			faults++
		}
	}
	for _, f := range b.faults {
		fmt.Fprintf(s, "  %s\n", s.paint(red, "WRONG  "+f))
		faults++
	}
	if faults > 0 {
		fmt.Fprintf(s, "\n  %s\n", s.paint(red, fmt.Sprintf("%s in %s. See %s and tonegate.log beside it.", count(faults, "fault"), seconds(took), d.file("ladder.txt"))))
		return faults
	}
	ok := s.paint(green, "ok")
	fmt.Fprintf(s, "  %s  sound    frequencies, cadence and voices were found in the audio that arrived\n", ok)
	fmt.Fprintf(s, "  %s  records  %d of %d agree with what was heard; their hash chain holds (%s)\n", ok, b.records.Records, len(outcomes), d.config.Records.Directory)
	fmt.Fprintf(s, "  %s  metrics  %d figures agree with what was heard (%s)\n\n", ok, b.figures, d.metricsURL())
	fmt.Fprintf(s, "  listen  %s\n  look    %s\n  read    %s, every message; tonegate.log beside it\n", d.file("*.wav"), d.file("*.png"), d.file("ladder.txt"))
	fmt.Fprintf(s, "\n  %s in %s\n", s.paint(green, "All as it should be"), seconds(took))
	return 0
}

func (d *demo) file(name string) string { return filepath.Join(d.out, name) }

// save writes what each ear heard, and what was said on the wire.
func (d *demo) save(outcomes []*outcome) error {
	for _, o := range outcomes {
		for i, h := range o.heard {
			if len(h.pcm) == 0 {
				continue
			}
			name := d.file(fmt.Sprintf("%d-%s-%s", o.number, o.name, parties[i]))
			if err := ear.WriteWAV(name+".wav", h.pcm, earRate); err != nil {
				return err
			}
			if len(h.tone.Bursts) == 0 {
				continue
			}
			title := fmt.Sprintf("Call %d, %s: what the %s heard", o.number, o.title, parties[i])
			if err := ear.Spectrogram(name+".png", h.pcm, earRate, title); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(d.file("ladder.txt"), []byte(d.ladder.String()), 0o644)
}
