package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tonegate/ledger"
)

// TestVerifyFindsAChangedRecord writes records, changes one, and asks as an operator would.
func TestVerifyFindsAChangedRecord(t *testing.T) {
	dir := t.TempDir()
	sample, err := os.ReadFile("../../tonegate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	records := filepath.Join(dir, "records")
	file := filepath.Join(dir, "tonegate.yaml")
	text := strings.NewReplacer("directory: data/records", "directory: "+records, "store: sqlite:data/tonegate.db", "store: sqlite:"+filepath.Join(dir, "t.db")).Replace(string(sample))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{Directory: records})
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"one", "two", "three"} {
		l.Append(map[string]string{"call": who})
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(&runContext{Ctx: context.Background(), Stdout: &out, Stderr: &out}, append(args, "-c", file))
		return code, out.String()
	}
	if code, out := command("records", "verify"); code != 0 || !strings.Contains(out, "numbers 1 to 3") {
		t.Errorf("untouched records: %d %s", code, out)
	}
	files, err := filepath.Glob(filepath.Join(records, "*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	written, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], bytes.Replace(written, []byte("two"), []byte("2wo"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := command("records", "verify"); code != 1 || !strings.Contains(out, ":2: ") {
		t.Errorf("a changed record: %d %s", code, out)
	}
	if code, out := command("list", "verify"); code != 0 || !strings.Contains(out, "0 revisions") {
		t.Errorf("an empty list: %d %s", code, out)
	}
}
