package sip

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Certificate is what we show over TLS: a chain and its key, in PEM files that may be replaced while we run.
type Certificate struct{ files kept[tls.Certificate] }

// LoadCertificate reads a chain, our own certificate first, and its key.
func LoadCertificate(cert, key string) (*Certificate, error) {
	c := &Certificate{kept[tls.Certificate]{paths: []string{cert, key}, parse: func(pems [][]byte) (tls.Certificate, error) {
		pair, err := tls.X509KeyPair(pems[0], pems[1])
		if err != nil {
			return pair, fmt.Errorf("%s with %s: %w", cert, key, err)
		}
		return pair, nil
	}}}
	_, err := c.files.read()
	return c, err
}

// End is when the certificate ends that a peer would be shown now.
func (c *Certificate) End(log *slog.Logger) time.Time { return c.files.now(log).Leaf.NotAfter }

// Authorities are those whose signature under a certificate we believe, in a PEM file that may be replaced while we run.
type Authorities struct{ files kept[*x509.CertPool] }

// LoadAuthorities reads certificates. One that cannot be read makes the file one that cannot.
func LoadAuthorities(file string) (*Authorities, error) {
	a := &Authorities{kept[*x509.CertPool]{paths: []string{file}, parse: func(pems [][]byte) (*x509.CertPool, error) {
		pool, err := parsePool(pems[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return pool, nil
	}}}
	_, err := a.files.read()
	return a, err
}

func parsePool(data []byte) (*x509.CertPool, error) {
	pool, found := x509.NewCertPool(), 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		pool.AddCert(cert)
		found++
	}
	if found == 0 {
		return nil, errors.New("no certificate in it")
	}
	return pool, nil
}

const (
	keptAge     = 2 * time.Second // after which files are looked at again, when somebody needs what they say
	keptMaximum = 1 << 20         // octets of a file
)

// kept is what some files say, read again when they change. A change that
// cannot be used leaves in force what was there before.
type kept[T any] struct {
	paths []string
	parse func([][]byte) (T, error)
	value atomic.Pointer[T]

	mu    sync.Mutex
	next  time.Time // when to look again
	state string    // of the files when they were last read, usable or not
}

// now is what the files say. Whoever finds another reading them does not wait.
func (k *kept[T]) now(log *slog.Logger) T {
	if k.mu.TryLock() {
		defer k.mu.Unlock()
		if at := time.Now(); !at.Before(k.next) {
			k.next = at.Add(keptAge)
			switch changed, err := k.read(); {
			case err != nil && changed:
				log.Error("changed TLS files cannot be used: what they said before stays in force", "files", k.paths, "error", err)
			case changed:
				log.Info("changed TLS files are in force", "files", k.paths)
			}
		}
	}
	return *k.value.Load()
}

// read reads the files, and says whether they are not as they were. It goes
// by what they hold, so that it does not matter how they are replaced.
func (k *kept[T]) read() (changed bool, err error) {
	pems := make([][]byte, len(k.paths))
	hash := sha256.New()
	for i, path := range k.paths {
		if pems[i], err = readSmall(path); err != nil {
			changed, k.state = k.state != err.Error(), err.Error()
			return changed, err
		}
		fmt.Fprintf(hash, "%d ", len(pems[i]))
		hash.Write(pems[i])
	}
	state := string(hash.Sum(nil))
	if state == k.state {
		return false, nil
	}
	k.state = state
	value, err := k.parse(pems)
	if err != nil {
		return true, err
	}
	k.value.Store(&value)
	return true, nil
}

// readSmall reads a file, and nothing that would keep us waiting or never end.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > keptMaximum {
		return nil, fmt.Errorf("%s is not a file of at most %d octets", path, keptMaximum)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, keptMaximum))
}
