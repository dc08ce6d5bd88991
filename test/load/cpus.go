package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// pin gives this program, and what it will start, one processor, and returns another for the server.
// With a single processor all share it, and the result is -1.
func pin() (server int, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1, err
	}
	cpus, err := allowed(string(status))
	if err != nil || len(cpus) < 2 {
		return -1, err
	}
	out, err := exec.Command("taskset", "-a", "-c", "-p", strconv.Itoa(cpus[1]), strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return -1, fmt.Errorf("taskset: %w: %s", err, out)
	}
	runtime.GOMAXPROCS(1)
	return cpus[0], nil
}

// allowed reads the first two processors that a /proc/PID/status allows.
func allowed(status string) ([]int, error) {
	_, rest, ok := strings.Cut(status, "Cpus_allowed_list:")
	if !ok {
		return nil, errors.New("no Cpus_allowed_list")
	}
	list, _, _ := strings.Cut(rest, "\n")
	var cpus []int
	for span := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		first, last, isRange := strings.Cut(span, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		if err != nil {
			return nil, fmt.Errorf("processor list %q: %w", list, err)
		}
		to, err := strconv.Atoi(last)
		if err != nil {
			return nil, fmt.Errorf("processor list %q: %w", list, err)
		}
		for cpu := from; cpu <= to && len(cpus) < 2; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
