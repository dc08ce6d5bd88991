package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticksPerSecond is USER_HZ, the unit of /proc/PID/stat; it is 100 wherever Go runs on Linux.
const ticksPerSecond = 100

// A process is a program that we started, leader of a process group of its own: its children are found by the
// group, and end with it.
type process struct {
	name string
	log  string // file that holds what it printed
	cmd  *exec.Cmd
	done chan struct{} // closed when the leader has ended
	err  error         // how it ended; read after done
}

// start runs a program in dir, on the given processor or, when that is negative, on those of its parent.
func start(dir, name string, cpu int, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if cpu >= 0 {
		args = append([]string{"-c", strconv.Itoa(cpu), program}, args...)
		program = "taskset"
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop ends the process and its children, by force after 5 s.
func (p *process) stop() {
	group := -p.cmd.Process.Pid
	syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
	}
	syscall.Kill(group, syscall.SIGKILL)
	<-p.done
}

// wait returns how the process ended. When the context or the time ends first, the process is ended.
func (p *process) wait(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		p.stop()
		return fmt.Errorf("%s still ran after %v: %w", p.name, within, ctx.Err())
	}
}

// ended reports whether the leader is no more.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// last is the end of what the process printed.
func (p *process) last() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// cost is what processes have used so far.
type cost struct {
	cpu time.Duration // user and system time
	pss int64         // bytes; what is shared between processes is divided among them
}

// costOf adds up the process groups.
func costOf(processes []*process) (cost, error) {
	var sum cost
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return sum, err
	}
	found := 0
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		group, ticks, err := parseStat(text)
		if err != nil {
			return sum, fmt.Errorf("%s: %w", file, err)
		}
		for _, p := range processes {
			if p.cmd.Process.Pid != group {
				continue
			}
			found++
			sum.cpu += time.Duration(ticks) * time.Second / ticksPerSecond
			rollup, err := os.ReadFile(filepath.Join(filepath.Dir(file), "smaps_rollup"))
			if err != nil {
				return sum, fmt.Errorf("memory of %s: %w", p.name, err)
			}
			pss, err := parsePSS(rollup)
			if err != nil {
				return sum, fmt.Errorf("memory of %s: %w", p.name, err)
			}
			sum.pss += pss
		}
	}
	if found < len(processes) {
		return sum, errors.New("the server has ended")
	}
	return sum, nil
}

// parseStat reads a /proc/PID/stat: the process group, and the ticks that the process and the children it has
// waited for have used.
func parseStat(text []byte) (group int, ticks int64, err error) {
	// The name stands in parentheses and may hold anything, parentheses too.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return 0, 0, errors.New("too few fields")
	}
	if group, err = strconv.Atoi(string(fields[2])); err != nil {
		return 0, 0, err
	}
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, 0, err
		}
		ticks += n
	}
	return group, ticks, nil
}

// parsePSS reads the proportional set size out of a /proc/PID/smaps_rollup, in bytes.
func parsePSS(text []byte) (int64, error) {
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no line Pss")
}
