package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const metricsAddr = "127.0.0.1:8080"

// A server is a running tonegate with the sample configuration, which is a manual that must be right.
type server struct {
	*process
	dir string // its data stands below
}

// serve starts the built binary with the sample configuration, after the replacements, and waits until it
// takes calls.
func serve(t *testing.T, replacements ...string) *server {
	t.Helper()
	sample, err := os.ReadFile(filepath.Join(module, "tonegate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replacements); i += 2 {
		if !bytes.Contains(sample, []byte(replacements[i])) {
			t.Fatalf("tonegate.yaml has no %q to replace", replacements[i])
		}
	}
	dir := t.TempDir()
	text := strings.NewReplacer(replacements...).Replace(string(sample))
	if err := os.WriteFile(filepath.Join(dir, "tonegate.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{process: start(t, dir, built, "serve", "-c", "tonegate.yaml"), dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("tonegate printed:\n%s", s.out)
		}
	})
	eventually(t, "tonegate is ready", 20*time.Second, func() bool {
		if s.ended() {
			t.Fatalf("tonegate serve ended: %v\n%s", s.err, s.out)
		}
		status, _ := s.get("/readyz")
		return status == http.StatusOK
	})
	return s
}

// get fetches a page. The connection is made by this goroutine, so that it is in the test's network.
func (s *server) get(path string) (status int, body string) {
	conn, err := net.DialTimeout("tcp", metricsAddr, time.Second)
	if err != nil {
		return 0, err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, metricsAddr)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// metric is the sum of a metric's samples that have the labels, each as name="value".
func (s *server) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	status, page := s.get("/metrics")
	if status != http.StatusOK {
		t.Fatalf("metrics: status %d: %s", status, page)
	}
	sum := 0.0
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, ' ') // a label's value may hold spaces
		if end < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		sample, value := line[:end], line[end+1:]
		metric, set, _ := strings.Cut(sample, "{")
		set = "," + strings.TrimSuffix(set, "}") + ","
		lacks := func(l string) bool { return !strings.Contains(set, ","+l+",") }
		if metric != name || slices.ContainsFunc(labels, lacks) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("metrics: %q: %v", line, err)
		}
		sum += v
	}
	return sum
}

// quiet waits until no call is up any more.
func (s *server) quiet(t *testing.T) {
	t.Helper()
	eventually(t, "no call is up", 5*time.Second, func() bool { return s.metric(t, "tonegate_active_calls") == 0 })
}

// end stops the server as an operator would, and returns the records it has written.
func (s *server) end(t *testing.T) []record {
	t.Helper()
	s.stop(t, syscall.SIGTERM)
	if s.err != nil {
		t.Errorf("tonegate serve ended with %v", s.err)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "data/records/*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var records []record
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var entry struct{ Record record }
			if err := json.Unmarshal(line, &entry); err != nil {
				t.Errorf("record %q: %v", line, err)
				continue
			}
			records = append(records, entry.Record)
		}
	}
	return records
}
