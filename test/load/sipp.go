package main

import (
	"context"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed sipp/caller.xml sipp/callee.xml sipp/plain.xml
var scenarios embed.FS

// A batch is a number of calls that begin at a rate and last for a time after the answer.
type batch struct {
	scenario    string // of the caller
	calls, rate int
	setup       time.Duration // what the workload itself asks for between INVITE and 200
	hold        time.Duration
}

// length is how long a batch takes when all goes well.
func (b batch) length() time.Duration {
	return time.Duration(b.calls)*time.Second/time.Duration(b.rate) + b.setup + b.hold
}

// ringing is how long the callee rings; tone is how long a forwarded call hears the tone before.
const (
	ringing = 100 * time.Millisecond
	tone    = time.Second
)

// calleeLinger is how long the callee outlives the caller, so that its last figures are on file.
const calleeLinger = 1500 * time.Millisecond

// An outcome is what sipp says of a batch.
type outcome struct {
	ok, failed, retransmissions int
	early, answer               []time.Duration // INVITE to 183 and to 200, in steps of sipp's clock
}

// writeScenarios puts what sipp reads into dir.
func writeScenarios(dir string) error {
	for _, name := range []string{"caller.xml", "callee.xml", "plain.xml"} {
		text, err := scenarios.ReadFile("sipp/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	var numbers strings.Builder
	numbers.WriteString("SEQUENTIAL\n")
	for i := range sockets {
		fmt.Fprintf(&numbers, "+8131234900%d;+8131234000%d;%d;+8131235000%d\n", i, i, firstPort+10*i, i)
	}
	return os.WriteFile(filepath.Join(dir, "numbers.csv"), []byte(numbers.String()), 0o644)
}

// common are the arguments that both ends take. The last figures are on file a second after the last call.
func common(role, scenario, ip string, limit time.Duration) []string {
	return []string{"-sf", scenario + ".xml", "-i", ip, "-p", sipPort, "-bind_local", "-mi", ip, "-mp", "20000",
		"-nostdin", "-buff_size", "4000000", "-timeout", fmt.Sprintf("%ds", int(limit.Seconds())),
		"-trace_stat", "-stf", role + ".stat", "-fd", "1", "-trace_err", "-error_file", role + ".errors"}
}

// call places the batch and returns when every call has ended. While it lasts, during is called once.
func call(ctx context.Context, dir string, b batch, during func() error) (outcome, error) {
	limit := b.length() + 40*time.Second
	callee, err := start(dir, "callee", -1, "sipp", append(common("callee", "callee", calleeIP, limit+10*time.Second), serverAddr)...)
	if err != nil {
		return outcome{}, err
	}
	defer callee.stop()
	if err := until(ctx, []*process{callee}, func() bool { return bound(calleeIP + ":" + sipPort) }); err != nil {
		return outcome{}, err
	}
	args := append(common("caller", b.scenario, callerIP, limit), "-inf", "numbers.csv",
		"-m", strconv.Itoa(b.calls), "-r", strconv.Itoa(b.rate), "-l", strconv.Itoa(b.calls),
		"-d", strconv.Itoa(int(b.hold.Milliseconds())), "-recv_timeout", "20000",
		"-trace_rtt", "-rtt_freq", "1", "-trace_logs", "-log_file", "caller.calls", serverAddr)
	caller, err := start(dir, "caller", -1, "sipp", args...)
	if err != nil {
		return outcome{}, err
	}
	defer caller.stop()
	if err := during(); err != nil {
		return outcome{}, err
	}
	var exit *exec.ExitError
	err = caller.wait(ctx, limit+5*time.Second)
	// Status 1 says that calls failed, which is a result; anything else that it could not place them.
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return outcome{}, fmt.Errorf("caller: %w\n%s", err, caller.last())
	}
	select { // for the last figures of the callee
	case <-time.After(calleeLinger):
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	}
	return read(dir, b.scenario)
}

// read collects what the two sipps have written.
func read(dir, scenario string) (outcome, error) {
	var o outcome
	caller, err := lastStat(filepath.Join(dir, "caller.stat"))
	if err != nil {
		return o, err
	}
	callee, err := lastStat(filepath.Join(dir, "callee.stat"))
	if err != nil {
		return o, err
	}
	o.ok, o.failed = caller["SuccessfulCall(C)"], caller["FailedCall(C)"]
	o.retransmissions = caller["Retransmissions(C)"] + callee["Retransmissions(C)"]
	files, err := filepath.Glob(filepath.Join(dir, scenario+"_*_rtt.csv"))
	if err != nil {
		return o, err
	}
	if len(files) != 1 {
		return o, fmt.Errorf("%d files of response times in %s", len(files), dir)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return o, err
	}
	o.early, o.answer, err = parseTimes(string(text))
	return o, err
}

// lastStat reads the last line of a statistics file, by the names of its columns.
func lastStat(file string) (map[string]int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	names, values := strings.Split(lines[0], ";"), strings.Split(lines[len(lines)-1], ";")
	if len(lines) < 2 || len(values) < len(names)-1 {
		return nil, fmt.Errorf("%s: no complete line", file)
	}
	stat := map[string]int{}
	for i, value := range values {
		if n, err := strconv.Atoi(value); err == nil && i < len(names) {
			stat[names[i]] = n
		}
	}
	for _, name := range []string{"SuccessfulCall(C)", "FailedCall(C)", "Retransmissions(C)"} {
		if _, ok := stat[name]; !ok {
			return nil, fmt.Errorf("%s: no column %s", file, name)
		}
	}
	return stat, nil
}

// parseTimes reads response times: the date, milliseconds and the timer's name, after a line of headings.
func parseTimes(text string) (early, answer []time.Duration, err error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = ';', -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("response times: %w", err)
	}
	for _, row := range rows[min(1, len(rows)):] {
		if len(row) < 3 {
			return nil, nil, fmt.Errorf("response times: line %q", row)
		}
		ms, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return nil, nil, fmt.Errorf("response times: line %q: %w", row, err)
		}
		took := time.Duration(ms * float64(time.Millisecond))
		switch row[2] {
		case "early":
			early = append(early, took)
		case "answer":
			answer = append(answer, took)
		}
	}
	return early, answer, nil
}
