package peers

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"tonegate/internal/ear"
)

// baresip's RTP sockets have no address of their own, so its voice leaves from the network's default address:
// every test gives that to baresip's phone. It speaks from one WAV file and records what it hears into another.
var baresipConfig = template.Must(template.New("config").Parse(`
poll_method     epoll
sip_listen      {{.At}}
net_interface   {{.At.Addr}}
audio_source    aufile,{{.Dir}}/voice.wav
ausrc_srate     8000
ausrc_channels  1
auplay_srate    8000
auplay_channels 1
rtp_ports       12000-12100
module_path     /usr/lib/baresip/modules
module          g711.so
module          aufile.so
module          sndfile.so
module_app      account.so
module_app      menu.so
snd_path        {{.Dir}}
`))

// A baresip is a real telephone without a screen.
type baresip struct {
	*process
	dir string
}

// telephone starts a baresip that answers every call at once, and dials the URI if there is one.
func telephone(t *testing.T, at netip.AddrPort, number string, voice int, dial string) *baresip {
	t.Helper()
	dir := t.TempDir()
	var config bytes.Buffer
	if err := baresipConfig.Execute(&config, struct {
		At  netip.AddrPort
		Dir string
	}{at, dir}); err != nil {
		t.Fatal(err)
	}
	account := fmt.Sprintf("<sip:%s@%s>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1\n", number, at.Addr())
	for name, text := range map[string]string{"config": config.String(), "accounts": account} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := ear.WriteWAV(filepath.Join(dir, "voice.wav"), ear.Voice(voice, breath, rate), rate); err != nil {
		t.Fatal(err)
	}
	args := []string{"-f", dir}
	if dial != "" {
		args = append(args, "-e", "d "+dial)
	}
	b := &baresip{process: start(t, dir, "baresip", args...), dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("baresip printed:\n%s", b.out)
		}
	})
	eventually(t, "baresip listens", 5*time.Second, func() bool { return b.ended() || bound(t, "udp", at) })
	return b
}

// heard ends the telephone and returns all that it heard, in order.
func (b *baresip) heard(t *testing.T) []int16 {
	t.Helper()
	b.stop(t, syscall.SIGTERM)
	files, err := filepath.Glob(filepath.Join(b.dir, "dump-*-dec.wav"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files) // their names hold the time
	var all []int16
	for _, file := range files {
		pcm, at, err := ear.ReadWAV(file)
		if err != nil || at != rate {
			t.Fatalf("baresip's recording at %d Hz: %v", at, err)
		}
		all = append(all, pcm...)
	}
	return all
}

func recognise(t *testing.T, who string, pcm []int16, voice int) {
	t.Helper()
	if got, ok := ear.Recognise(pcm, rate); !ok || got != voice {
		t.Errorf("%s heard speaker %d (%t) in %.2f s of sound, want speaker %d", who, got, ok, float64(len(pcm))/rate, voice)
	}
}

const talk = 3500 * time.Millisecond

// TestBaresipMatches calls baresip from sipp without a server: the phone, its recording and the handset work.
func TestBaresipMatches(t *testing.T) {
	t.Parallel()
	ownNetwork(t, gate.Addr())
	b := telephone(t, gate, ours, calleeVoice, "")
	caller := pickUp(t, "the caller", carrier.Addr(), callerVoice)
	finish(t, incoming("caller").talking(talk).play(t, gate))
	caller.hangUp()
	recognise(t, "the caller", caller.heard, calleeVoice)
	recognise(t, "baresip", b.heard(t), callerVoice)
}

// TestBaresipAnswers forwards a call to a real telephone and listens to its recording.
func TestBaresipAnswers(t *testing.T) {
	t.Parallel()
	ownNetwork(t, pbx.Addr())
	gateway := serve(t)
	b := telephone(t, pbx, ours, calleeVoice, "")
	caller := pickUp(t, "the caller", carrier.Addr(), callerVoice)
	finish(t, incoming("caller-early").with(diverted).talking(talk).play(t, gate))
	gateway.quiet(t)
	caller.hangUp()
	caller.heardToneAnd(t, calleeVoice)
	toneAnd(t, "baresip", b.heard(t), rate, callerVoice)
}

// TestBaresipCalls calls our number from a real telephone and listens to its recording.
func TestBaresipCalls(t *testing.T) {
	t.Parallel()
	ownNetwork(t, carrier.Addr())
	gateway := serve(t)
	there := answering("callee-hangs-up").talking(talk).play(t, gate)
	callee := pickUp(t, "the callee", pbx.Addr(), calleeVoice)
	b := telephone(t, carrier, theirs, callerVoice, "sip:"+ours+"@"+gate.String())
	finish(t, there)
	gateway.quiet(t)
	callee.hangUp()
	callee.heardToneAnd(t, callerVoice)
	toneAnd(t, "baresip", b.heard(t), rate, calleeVoice)
	if !strings.Contains(b.out.String(), "Call established") {
		t.Error("baresip does not say that its call was established")
	}
}
