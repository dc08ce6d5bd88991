package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
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

func TestCheckOfNoFile(t *testing.T) {
	_, _, err := runCheck(t, filepath.Join(t.TempDir(), "none.yaml"))
	var exit exitError
	if !errors.As(err, &exit) || exit.Code != 1 || !errors.Is(exit.Err, os.ErrNotExist) {
		t.Error(err)
	}
}
