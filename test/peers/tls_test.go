package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sipp of Debian 12 is built without TLS. A stunnel stands beside each of its phones and carries the bytes: it shows
// the phone's certificate, calls from the phone's address and takes what tonegate sends to it, and insists on the
// right certificate of tonegate in both directions. The phone writes Via, Contact and transport=tls as if it spoke TLS
// itself, and insists on the same from tonegate. So handshakes, certificates and connections are those of OpenSSL, a
// stack that is not ours; when a connection is opened and closed is up to stunnel: one for each that sipp opens.
const (
	stunnel   = "stunnel"
	tlsPort   = 5061 // of tonegate, and of a stunnel for tonegate
	plainPort = 5062 // of a stunnel for its phone
)

// forged begins the name of a certificate that is right but for who signed it.
const forged = "forged-"

// certificates is the directory that certify filled.
var certificates string

// certify makes an authority, a second one that nobody knows, and certificates for every address.
func certify(dir string) error {
	certificates = dir
	for _, name := range []string{"ca", "stranger"} {
		ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority " + name}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
		secret, err := issue(dir, name, ca, ca, nil)
		if err != nil {
			return err
		}
		prefix := map[string]string{"ca": "", "stranger": forged}[name]
		for i, at := range []netip.AddrPort{gate, carrier, pbx} {
			leaf := &x509.Certificate{SerialNumber: big.NewInt(int64(2 + i)), Subject: pkix.Name{CommonName: nameOf(at)}, KeyUsage: x509.KeyUsageDigitalSignature,
				IPAddresses: []net.IP{at.Addr().AsSlice(), six(at.Addr()).AsSlice()}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter}
			if _, err := issue(dir, prefix+nameOf(at), leaf, ca, secret); err != nil {
				return err
			}
		}
	}
	return nil
}

// issue writes NAME.pem and NAME.key; without a signer the certificate signs itself.
func issue(dir, name string, template, above *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of %s: %w", name, err)
	}
	if signer == nil {
		signer = secret
	}
	der, err := x509.CreateCertificate(rand.Reader, template, above, &secret.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of %s: %w", name, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("encoding the key of %s: %w", name, err)
	}
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name+file), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, fmt.Errorf("writing the certificate of %s: %w", name, err)
		}
	}
	return secret, nil
}

// tunnel starts the stunnel of a phone, which trusts the authority of the given file.
func (p phone) tunnel(t *testing.T, trusted string) *process {
	t.Helper()
	dir, here, there := t.TempDir(), p.over.at(p.at).Addr(), p.over.at(gate)
	text := fmt.Sprintf(`foreground = yes
pid =
syslog = no
debug = notice
cert = %s
key = %s
CAfile = %s
verifyChain = yes
checkIP = %s
[out]
client = yes
accept = %s:%d
connect = %s:%d
local = %s
[in]
accept = %s:%d
connect = %s:%d
`, certificate(nameOf(p.at)), key(nameOf(p.at)), trusted, there.Addr(), here, plainPort, there.Addr(), there.Port(), here, here, tlsPort, here, p.at.Port())
	file := filepath.Join(dir, "stunnel.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := start(t, dir, stunnel, file)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("stunnel of %s printed:\n%s", here, run.out)
		}
	})
	for _, port := range []uint16{plainPort, tlsPort} {
		eventually(t, "stunnel listens", 5*time.Second, func() bool { return run.ended() || bound(t, "tcp", netip.AddrPortFrom(here, port)) })
	}
	return run
}

// TestCertificatesAreChecked has one side not trust the other: no call gets through, on either road, and whoever
// refused says why.
func TestCertificatesAreChecked(t *testing.T) {
	says := func(t *testing.T, p *process, what string) {
		t.Helper()
		eventually(t, p.name+" says "+what, 5*time.Second, func() bool { return strings.Contains(p.out.String(), what) })
	}
	t.Run("the caller is a stranger", func(t *testing.T) {
		t.Parallel()
		ownNetwork(t, carrier.Addr())
		gateway := serve(t, configured(map[netip.AddrPort]transport{carrier: tls4, pbx: udp4}, false)...)
		untouched := nobodyAt(t, udp4, pbx)
		telephone(t, handsetOfCarrier.speaking(tls4), callerVoice, called(tls4), forged+nameOf(carrier))
		says(t, gateway.process, "unknown authority")
		untouched()
	})
	t.Run("the callee is a stranger", func(t *testing.T) {
		t.Parallel()
		ownNetwork(t, pbx.Addr())
		gateway := serve(t, configured(map[netip.AddrPort]transport{carrier: udp4, pbx: tls4}, false)...)
		telephone(t, handsetOfPBX.speaking(tls4), calleeVoice, "", forged+nameOf(pbx))
		finish(t, incoming("caller-refused").refused("500 Server Internal Error").play(t, gate))
		says(t, gateway.process, "unknown authority")
	})
	t.Run("tonegate is a stranger to the caller", func(t *testing.T) {
		t.Parallel()
		ownNetwork(t, carrier.Addr())
		serve(t, configured(map[netip.AddrPort]transport{carrier: tls4, pbx: udp4}, false)...)
		untouched := nobodyAt(t, udp4, pbx)
		tunnel := phone{at: carrier, over: tls4}.tunnel(t, certificate("stranger"))
		// stunnel may hang up before Dial has looked: what it says is what counts.
		if conn, err := net.Dial("tcp", netip.AddrPortFrom(carrier.Addr(), plainPort).String()); err == nil {
			defer conn.Close()
		}
		says(t, tunnel, "certificate verify failed")
		untouched()
	})
	t.Run("tonegate is a stranger to the callee", func(t *testing.T) {
		t.Parallel()
		ownNetwork(t, pbx.Addr())
		gateway := serve(t, configured(map[netip.AddrPort]transport{carrier: udp4, pbx: tls4}, false)...)
		tunnel := phone{at: pbx, over: tls4}.tunnel(t, certificate("stranger"))
		finish(t, incoming("caller-refused").refused("500 Server Internal Error").play(t, gate))
		says(t, tunnel, "peer did not return a certificate") // for ours has no signer that the peer names
		says(t, gateway.process, "came to nothing")
	})
}
