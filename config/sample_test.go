package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const sample = "../tonegate.yaml"

func TestShippedSampleLoads(t *testing.T) {
	c, err := Load(sample)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Listen.SIP[1].String(); got != "tcp://127.0.0.1:5060" {
		t.Errorf("second listener is %s", got)
	}
	if got := c.Trunks[0].Name + " " + c.Trunks[0].Peers[0].String(); got != "carrier udp://127.0.0.2:5060" {
		t.Errorf("first trunk is %s", got)
	}
	if got := c.Trunks[1].Name + " " + c.Trunks[1].Peers[0].String(); got != "pbx udp://127.0.0.3:5060" {
		t.Errorf("second trunk is %s", got)
	}
}

// The sample differs from the contract in its comments only.
func TestSampleMeansTheContract(t *testing.T) {
	a, err := Load(sample)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Load("testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Config{a, b} {
		c.file, c.positions = "", nil
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("sample   %+v\ncontract %+v", a, b)
	}
}

// writtenKey is a key in YAML or in a comment; not the scheme of an address.
var writtenKey = regexp.MustCompile(`\b([a-z][a-z0-9_]*):(?:\s|$)`)

func TestSampleNamesEveryKeyOfTheContract(t *testing.T) {
	contract := readFile(t, "testdata/contract.yaml")
	text := readFile(t, sample)
	found := writtenKey.FindAllStringSubmatch(contract, -1)
	if len(found) < 60 {
		t.Fatalf("only %d keys found in the contract", len(found))
	}
	for _, key := range found {
		if key[1] == "trunk" || key[1] == "beyond" { // words of its comments
			continue
		}
		if !regexp.MustCompile(`\b` + key[1] + `:`).MatchString(text) {
			t.Errorf("the sample does not name the key %s", key[1])
		}
	}
}

// Every key that the reader knows stands in the sample, if only in a comment.
func TestSampleNamesEveryKnownKey(t *testing.T) {
	text := readFile(t, sample)
	known := knownKeys(t)
	if len(known) < 60 {
		t.Fatalf("only %d keys known: %v", len(known), known)
	}
	for key := range known {
		last := key[strings.LastIndexByte(key, '.')+1:]
		if !regexp.MustCompile(`\b` + last + `\b`).MatchString(text) {
			t.Errorf("the sample does not name %s", key)
		}
	}
}

// The defaults that the comments state are those that a file without the keys gets.
func TestDefaultsAreThoseOfTheSample(t *testing.T) {
	want, err := Load(sample)
	if err != nil {
		t.Fatal(err)
	}
	got := mustParse(t, minimal)
	if got.Listen.HTTP != want.Listen.HTTP || got.Media.Ports != want.Media.Ports || got.Media.Timeout != want.Media.Timeout ||
		got.Store != want.Store || got.Notices.OnFailure != want.Notices.OnFailure || got.Stoplist != want.Stoplist ||
		got.Limits != want.Limits || got.Records != want.Records || got.Log != want.Log {
		t.Errorf("defaults %+v\nsample   %+v", got, want)
	}
	if !reflect.DeepEqual(got.Trunks[0].Profile, want.Trunks[0].Profile) {
		t.Errorf("profile %+v, sample %+v", got.Trunks[0].Profile, want.Trunks[0].Profile)
	}
	if got.Trunks[0].MediaAddress != got.Media.Address {
		t.Errorf("media address %s", got.Trunks[0].MediaAddress)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
