package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Where everyone is. The server's voice has an address of its own, so that it has all ports.
const (
	serverAddr  = "127.0.2.1:5060"
	httpAddr    = "127.0.2.1:8080"
	controlAddr = "127.0.2.1:2223"
	mediaIP     = "127.0.2.4"
	callerIP    = "127.0.2.2"
	calleeIP    = "127.0.2.3"
	sipPort     = "5060"
)

var (
	//go:embed tonegate.yaml
	tonegateConfig string
	//go:embed kamailio.cfg
	kamailioConfig string
)

// A target is a server that can be measured.
type target struct {
	name  string
	start func(ctx context.Context, dir string, cpu int) ([]*process, error)
}

// tonegate is the built binary.
func tonegate(program string) target {
	return target{"tonegate", func(ctx context.Context, dir string, cpu int) ([]*process, error) {
		config, err := fill(dir, "tonegate.yaml", tonegateConfig)
		if err != nil {
			return nil, err
		}
		p, err := start(dir, "tonegate", cpu, program, "serve", "-c", config)
		if err != nil {
			return nil, err
		}
		running := []*process{p}
		return running, until(ctx, running, func() bool {
			resp, err := http.Get("http://" + httpAddr + "/readyz")
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	}}
}

// kamailio is Kamailio with rtpengine, as Debian packages them. Without a kernel module, which few containers can
// load, rtpengine forwards in user space, as tonegate does.
var kamailio = target{"kamailio", func(ctx context.Context, dir string, cpu int) ([]*process, error) {
	tone := filepath.Join(dir, "tone.wav")
	if err := os.WriteFile(tone, wav(), 0o644); err != nil {
		return nil, err
	}
	config, err := fill(dir, "kamailio.cfg", kamailioConfig, "@TONE@", tone)
	if err != nil {
		return nil, err
	}
	relay, err := start(dir, "rtpengine", cpu, "rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--log-level=3",
		"--table=-1", "--interface="+mediaIP, "--listen-ng="+controlAddr, "--port-min=10000", "--port-max=65535",
		"--num-threads=4", "--delete-delay=0")
	if err != nil {
		return nil, err
	}
	running := []*process{relay}
	if err := until(ctx, running, func() bool { return bound(controlAddr) }); err != nil {
		return running, err
	}
	proxy, err := start(dir, "kamailio", cpu, "kamailio", "-DD", "-E", "-f", config, "-Y", dir, "-m", "256", "-M", "16")
	if err != nil {
		return running, err
	}
	running = append(running, proxy)
	return running, until(ctx, running, func() bool { return bound(serverAddr) })
}}

// missing returns the programs that are not installed.
func missing(programs ...string) []string {
	var absent []string
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			absent = append(absent, program)
		}
	}
	return absent
}

// fill writes a configuration with its words between @ replaced, and returns the file.
func fill(dir, name, text string, words ...string) (string, error) {
	words = append(words, "@SERVER@", serverAddr, "@HTTP@", httpAddr, "@CONTROL@", controlAddr, "@MEDIA@", mediaIP,
		"@CALLER@", callerIP+":"+sipPort, "@CALLERIP@", callerIP, "@CALLEE@", calleeIP+":"+sipPort, "@CALLEEIP@", calleeIP)
	file := filepath.Join(dir, name)
	return file, os.WriteFile(file, []byte(strings.NewReplacer(words...).Replace(text)), 0o644)
}

// until waits for the condition, for at most 20 s, while all of the processes run.
func until(ctx context.Context, running []*process, condition func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, p := range running {
			if p.ended() {
				return fmt.Errorf("%s ended: %v\n%s", p.name, p.err, p.last())
			}
		}
		if condition() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("the server is not ready: " + ctx.Err().Error())
		}
	}
}

// wav is a second of the tone that tonegate.yaml describes: 600 and 1000 Hz, 16-bit linear, 8000 Hz.
func wav() []byte {
	const rate, level = 8000, 2600 // each of the two; together about -16 dBm0
	data := make([]byte, 0, 44+2*rate)
	data = append(data, "RIFF"...)
	data = binary.LittleEndian.AppendUint32(data, 36+2*rate)
	data = append(data, "WAVEfmt "...)
	data = binary.LittleEndian.AppendUint32(data, 16)
	for _, v := range []uint16{1, 1} { // linear, mono
		data = binary.LittleEndian.AppendUint16(data, v)
	}
	data = binary.LittleEndian.AppendUint32(data, rate)
	data = binary.LittleEndian.AppendUint32(data, 2*rate)
	for _, v := range []uint16{2, 16} { // bytes and bits a sample
		data = binary.LittleEndian.AppendUint16(data, v)
	}
	data = append(data, "data"...)
	data = binary.LittleEndian.AppendUint32(data, 2*rate)
	for i := range rate {
		t := 2 * math.Pi * float64(i) / rate
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(level*(math.Sin(600*t)+math.Sin(1000*t)))))
	}
	return data
}
