package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	binaryEnv = "TONEGATE_PEERS_BINARY" // a built server; without it one is built
	ownEnv    = "TONEGATE_PEERS_OWN"    // set for the process that runs as root of its own user namespace
	module    = "../.."
)

var (
	built  string // the server
	cannot string // why the peers cannot be called here
)

// TestMain builds the server, makes sure that every test can have a network of its own, and says loudly
// when that is not so. Where only an unprivileged user namespace allows it, the tests run in one.
func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if built = os.Getenv(binaryEnv); built == "" {
		dir, err := os.MkdirTemp("", "tonegate-peers-")
		if err != nil {
			fmt.Fprintln(os.Stderr, "making a directory for the server:", err)
			return 1
		}
		defer os.RemoveAll(dir)
		built = filepath.Join(dir, "tonegate")
		build := exec.Command("go", "build", "-o", built, "./cmd/tonegate")
		build.Dir = module
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building tonegate: %v\n%s", err, out)
			return 1
		}
	}
	if err := tryNetwork(); err != nil {
		if os.Getenv(ownEnv) == "" {
			code, rerunErr := rerunAsOwnUser(binaryEnv+"="+built, ownEnv+"=1")
			if rerunErr == nil {
				return code
			}
			err = rerunErr
		}
		cannot = err.Error()
	}
	dir, err := os.MkdirTemp("", "tonegate-certificates-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = certify(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "making certificates:", err)
		return 1
	}
	for _, program := range []string{"sipp", "baresip", stunnel} {
		if _, err := exec.LookPath(program); err != nil && cannot == "" {
			cannot = program + " is not installed: run scripts/install-test-peers"
		}
	}
	if cannot != "" {
		fmt.Fprintf(os.Stderr, "\n*** REAL PEERS NOT TESTED: %s\n\n", cannot)
	}
	return m.Run()
}
