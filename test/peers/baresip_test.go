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
sip_certificate {{.Dir}}/certificate.pem
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

// telephone starts a baresip that answers every call at once, and dials the URI if there is one. Over TLS it listens on
// the port above, and shows the named certificate whether it calls or is called. Whom it calls it does not check:
// baresip 1.0 cannot, for all that it reads sip_cafile; the stunnel of tls_test.go does.
func telephone(t *testing.T, p phone, voice int, dial, shows string) *baresip {
	t.Helper()
	dir := t.TempDir()
	var config bytes.Buffer
	if err := baresipConfig.Execute(&config, struct {
		At  netip.AddrPort
		Dir string
	}{p.at, dir}); err != nil {
		t.Fatal(err)
	}
	account := fmt.Sprintf("<sip:%s@%s;transport=%s>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1\n", p.number, p.at.Addr(), p.over.scheme)
	for name, text := range map[string]string{"config": config.String(), "accounts": account, "certificate.pem": both(t, shows)} {
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
	eventually(t, "baresip listens", 5*time.Second, func() bool { return b.ended() || bound(t, p.over.network(), p.over.at(p.at)) })
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

// both is a certificate and its key, as baresip wants them: in one file.
func both(t *testing.T, name string) string {
	t.Helper()
	all := ""
	for _, file := range []string{certificate(name), key(name)} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	return all
}

var (
	handsetOfPBX     = phone{at: pbx, number: ours}
	handsetOfCarrier = phone{at: carrier, number: theirs, dials: ours}
)

func (p phone) speaking(over transport) phone { p.over = over; return p }

// TestBaresipMatches calls baresip from sipp without a server: the phone, its recording and the handset work.
func TestBaresipMatches(t *testing.T) {
	t.Parallel()
	ownNetwork(t, gate.Addr())
	b := telephone(t, phone{at: gate, number: ours, over: udp4}, calleeVoice, "", nameOf(gate))
	caller := pickUp(t, "the caller", carrier.Addr(), callerVoice)
	finish(t, incoming("caller").talking(talk).play(t, gate))
	caller.hangUp()
	recognise(t, "the caller", caller.heard, calleeVoice)
	recognise(t, "baresip", b.heard(t), callerVoice)
}

// TestBaresipAnswers forwards a call to a real telephone and listens to its recording.
func TestBaresipAnswers(t *testing.T) {
	for _, over := range []transport{udp4, tcp4, tls4} {
		t.Run(over.String(), func(t *testing.T) {
			t.Parallel()
			ownNetwork(t, pbx.Addr())
			gateway := serve(t, configured(map[netip.AddrPort]transport{carrier: udp4, pbx: over}, false)...)
			b := telephone(t, handsetOfPBX.speaking(over), calleeVoice, "", nameOf(pbx))
			caller := pickUp(t, "the caller", carrier.Addr(), callerVoice)
			finish(t, incoming("caller-early").with(diverted).talking(talk).play(t, gate))
			gateway.quiet(t)
			caller.hangUp()
			caller.heardToneAnd(t, calleeVoice)
			toneAnd(t, "baresip", b.heard(t), rate, callerVoice)
			completed(t, gateway, forwarded)
		})
	}
}

// TestBaresipCalls calls our number from a real telephone and listens to its recording.
func TestBaresipCalls(t *testing.T) {
	for _, over := range []transport{udp4, tcp4, tls4} {
		t.Run(over.String(), func(t *testing.T) {
			t.Parallel()
			ownNetwork(t, carrier.Addr())
			gateway := serve(t, configured(map[netip.AddrPort]transport{carrier: over, pbx: udp4}, false)...)
			there := answering("callee-hangs-up").talking(talk).play(t, gate)
			callee := pickUp(t, "the callee", pbx.Addr(), calleeVoice)
			b := telephone(t, handsetOfCarrier.speaking(over), callerVoice, called(over), nameOf(carrier))
			finish(t, there)
			gateway.quiet(t)
			callee.hangUp()
			callee.heardToneAnd(t, callerVoice)
			toneAnd(t, "baresip", b.heard(t), rate, calleeVoice)
			if !strings.Contains(b.out.String(), "Call established") {
				t.Error("baresip does not say that its call was established")
			}
			completed(t, gateway, bothAtAnswer)
		})
	}
}

// called is the URI that a telephone dials to reach our number.
func called(over transport) string {
	return fmt.Sprintf("sip:%s@%s", ours, over.at(gate)) // baresip adds the transport of its account
}

// completed checks the record of a call between handset and baresip.
func completed(t *testing.T, gateway *server, notices []string) {
	t.Helper()
	records := gateway.end(t)
	if len(records) != 1 || records[0].Result != "completed" {
		t.Fatalf("records %+v, want one completed call", records)
	}
	var whole []string
	for _, p := range records[0].Notices {
		if p.Complete && p.Packets == tonePackets {
			whole = append(whole, p.Phase+" "+p.Leg)
		}
	}
	slices.Sort(whole)
	if want := slices.Sorted(slices.Values(notices)); !slices.Equal(whole, want) {
		t.Errorf("the record proves the notices %q, want %q", whole, want)
	}
}
