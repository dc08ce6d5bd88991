package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func runCheck(t *testing.T, file string) (stdout, stderr string, err error) {
	t.Helper()
	var out, problems strings.Builder
	err = (&checkCmd{Config: file}).Run(&runContext{Ctx: context.Background(), Stdout: &out, Stderr: &problems})
	return out.String(), problems.String(), err
}

func TestCheckOfTheSample(t *testing.T) {
	out, problems, err := runCheck(t, "../../tonegate.yaml")
	want := "../../tonegate.yaml: ok: 2 trunks, 2 routes, 4 notice rules, 1 asset, media ports for 2500 calls\n"
	if err != nil || out != want || problems != "" {
		t.Errorf("out %q, problems %q, error %v", out, problems, err)
	}
}

func TestCheckPrintsEveryProblem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("node: a b\nlog: {level: loud}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, problems, err := runCheck(t, file)
	var exit exitError
	if !errors.As(err, &exit) || exit.Code != 1 || exit.Err.Error() != file+": 7 problems" {
		t.Errorf("error %v", err)
	}
	lines := strings.Split(strings.TrimSpace(problems), "\n")
	if out != "" || len(lines) != 7 {
		t.Errorf("out %q, problems:\n%s", out, problems)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, file+":") {
			t.Errorf("no file and line: %s", line)
		}
	}
}

func TestCheckJudgesWhatThePartsWillSee(t *testing.T) {
	sample, err := os.ReadFile("../../tonegate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		`called: ["+81312340000-+81312349999"]`, `called: ["+81312349999-+81312340000"]`,
		"600+1000/200,0/100", "600+9000/200,0/100",
		"class: fixed", "class: fixd").Replace(string(sample))
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems, err := runCheck(t, file)
	for _, key := range []string{"routes[0].called[0]: ", "notices.assets.test-tone: ", "notices.rules[2].when.class[0]: "} {
		if !strings.Contains(problems, key) {
			t.Errorf("nothing said of %s\n%s%v", key, problems, err)
		}
	}
}

// The lines of the manual about TLS, taken at their word.
func TestCheckReadsTheFilesOfTLS(t *testing.T) {
	sample, err := os.ReadFile("../../tonegate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	text := strings.NewReplacer("    # - tls://192.0.2.1:5061?", "    - tls://127.0.0.1:5061?",
		"peers: [udp://127.0.0.2:5060]", `peers: ["tls://127.0.0.2:5061?name=sip.example.jp&ca=certs/carrier.pem"]`).Replace(string(sample))
	if err := os.WriteFile("tls.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems, err := runCheck(t, "tls.yaml")
	for _, want := range []string{": listen.sip[2]: stat certs/tg.pem: no such file", ": listen.sip[2]: stat certs/peers.pem: no such file",
		": trunks.carrier.peers[0]: stat certs/carrier.pem: no such file"} {
		if !strings.Contains(problems, want) {
			t.Errorf("not said: %s\n%s%v", want, problems, err)
		}
	}
	if err := os.Mkdir("certs", 0o700); err != nil {
		t.Fatal(err)
	}
	writeCertificate(t, "certs/tg.pem", "certs/tg.key")
	for _, ca := range []string{"certs/peers.pem", "certs/carrier.pem"} {
		writeCertificate(t, ca, "certs/unused.key")
	}
	if out, problems, err := runCheck(t, "tls.yaml"); err != nil || !strings.Contains(out, "ok") {
		t.Errorf("%s%v", problems, err)
	}
	writeCertificate(t, "certs/tg.pem", "certs/other.key")
	if err := os.WriteFile("certs/peers.pem", []byte("peers"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems, _ = runCheck(t, "tls.yaml")
	for _, want := range []string{": listen.sip[2]: certs/tg.pem with certs/tg.key: tls: private key does not match public key", ": listen.sip[2]: certs/peers.pem: no certificate in it"} {
		if !strings.Contains(problems, want) {
			t.Errorf("not said: %s\n%s", want, problems)
		}
	}
}

// writeCertificate makes a certificate that has signed itself.
func writeCertificate(t *testing.T, cert, key string) {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, secret)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckOfNoFile(t *testing.T) {
	_, _, err := runCheck(t, filepath.Join(t.TempDir(), "none.yaml"))
	var exit exitError
	if !errors.As(err, &exit) || exit.Code != 1 || !errors.Is(exit.Err, os.ErrNotExist) {
		t.Error(err)
	}
}
