package sip

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFilesThatAreNoCertificates(t *testing.T) {
	ca := newAuthority(t)
	ca.issue("a", hostUs)
	ca.issue("b", hostUs)
	file := func(name string) string { return filepath.Join(ca.dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile(file("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	write("empty.pem", "")
	write("large.pem", strings.Repeat("#\n", keptMaximum))
	write("half.pem", string(good)+"-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n")
	if err := syscall.Mkfifo(file("fifo.pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ cert, key, want string }{
		{"none.pem", "a.key", "none.pem: no such file"},
		{"a.pem", "none.key", "none.key: no such file"},
		{"a.pem", "b.key", "does not match"},
		{"empty.pem", "a.key", "failed to find any PEM data in certificate"},
		{"a.key", "a.pem", "a.key with "},
		{".", "a.key", "is not a file"},
		{"fifo.pem", "a.key", "is not a file"},
		{"large.pem", "a.key", "is not a file of at most"},
	} {
		if _, err := LoadCertificate(file(c.cert), file(c.key)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s: %v", c.cert, c.key, err)
		}
	}
	for name, want := range map[string]string{"none.pem": "no such file", "empty.pem": "no certificate in it", "a.key": "no certificate in it", "half.pem": "half.pem: x509: "} {
		if _, err := LoadAuthorities(file(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever needs a certificate while another looks at the files goes on with the old one.
func TestOneAtATimeLooksAtTheFiles(t *testing.T) {
	c := newAuthority(t).issue("us", hostUs)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	c.files.mu.Lock()
	done := make(chan time.Time)
	go func() { done <- c.End(log) }()
	select {
	case end := <-done:
		if time.Until(end) <= 0 {
			t.Error(end)
		}
	case <-time.After(patience):
		t.Fatal("it waits")
	}
	c.files.mu.Unlock()

	c.End(log)
	looked := c.files.next
	if wait := time.Until(looked); wait <= 0 || wait > keptAge {
		t.Errorf("they are looked at again in %v", wait)
	}
	c.End(log)
	if c.files.next != looked {
		t.Error("they are looked at each time")
	}
}
