package sip

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tonegate/internal/siptest"
	"tonegate/sip/wire"
)

// authority signs certificates, in a directory of its own.
type authority struct {
	t      *testing.T
	dir    string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, key := a.sign(a.cert)
	a.key = key
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

// sign makes a key and a certificate for it; the first is its own authority.
func (a *authority) sign(template *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// issue writes NAME.pem and NAME.key for an address, and reads them.
func (a *authority) issue(name string, at netip.Addr, changes ...func(*x509.Certificate)) *Certificate {
	a.t.Helper()
	a.serial++
	template := &x509.Certificate{SerialNumber: big.NewInt(1 + a.serial), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{at.AsSlice()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	for _, change := range changes {
		change(template)
	}
	der, key := a.sign(template)
	a.write(name+".pem", "CERTIFICATE", der)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".key", "PRIVATE KEY", secret)
	c, err := LoadCertificate(filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key"))
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// pool is the authority as a peer of ours sees it.
func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// trusted is the authority as the server sees it.
func (a *authority) trusted() *Authorities {
	a.t.Helper()
	all, err := LoadAuthorities(filepath.Join(a.dir, "ca.pem"))
	if err != nil {
		a.t.Fatal(err)
	}
	return all
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }

// serving is the configuration of a peer that shows a certificate.
func serving(c *Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*c.files.value.Load()}}
}

// secure is a server on loopback whose first listener speaks TLS, and its log.
type secure struct {
	*loopback
	ca  *authority
	log *journal
}

// journal keeps a log to be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) count(part string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), part)
}

// expect waits until the log says it.
func (j *journal) expect(t *testing.T, part string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); runtime.Gosched() {
		if j.count(part) > 0 {
			return
		}
	}
	t.Fatalf("the log does not say %q:\n%s", part, &j.text)
}

// free is a port that nobody has, over TCP and UDP.
func free(t *testing.T, at netip.Addr) netip.AddrPort {
	t.Helper()
	for {
		l, err := net.Listen("tcp", netip.AddrPortFrom(at, 0).String())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := tcpAddr(l.Addr())
		if c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(port)); err == nil {
			c.Close()
			return port
		}
	}
}

// overTLS starts a server with a certificate of ca; at is where it speaks TLS.
func overTLS(t *testing.T, ca *authority, change func(*setup), peers ...Peer) *secure {
	t.Helper()
	at, log := free(t, hostUs), &journal{}
	l := onLoopback(t, func(s *setup) {
		s.options.Log = slog.New(slog.NewTextHandler(log, nil))
		s.options.Listen = append([]Listen{{Network: wire.TLS, Address: at, Certificate: ca.issue("us", hostUs)}}, s.options.Listen...)
		if change != nil {
			change(s)
		}
	}, peers...)
	l.at = at
	return &secure{l, ca, log}
}

// connect agrees on keys with the server, as a client who knows its authority.
func (s *secure) connect(from netip.Addr, shown ...*Certificate) *tls.Conn {
	s.t.Helper()
	config := &tls.Config{RootCAs: s.ca.pool(), ServerName: hostUs.String()}
	for _, c := range shown {
		config.Certificates = serving(c).Certificates
	}
	conn := tls.Client(s.dial(from), config)
	if err := conn.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// answering listens for the server's calls over TLS.
func answering(t *testing.T, at netip.Addr, config *tls.Config) net.Listener {
	t.Helper()
	l, err := tls.Listen("tcp", netip.AddrPortFrom(at, 0).String(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// callee is a telephone behind a listener.
func (s *secure) callee(at netip.Addr, l net.Listener) *siptest.Phone {
	return s.phone(at, func(o *siptest.Options) { o.Listener = l })
}

func (s *secure) caller(at netip.Addr, conn net.Conn) *siptest.Phone {
	return s.phone(at, func(o *siptest.Options) { o.Stream = conn })
}
