package config

import (
	"fmt"
	"io"
	"os"
)

// maxFile bounds the file; a configuration with a thousand trunks stays below it.
const maxFile = 256 << 10

// Load reads the configuration file at path. Its error is a Problems, or says why the file could not be read.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a configuration from data; name stands for the file in errors. Its error is a Problems: all that
// is wrong with the file, in the order of its lines.
func Parse(name string, data []byte) (*Config, error) {
	root, problem := syntax(name, data)
	if problem != nil {
		return nil, Problems{problem}
	}
	d := &document{file: name, positions: map[string]position{"": {1, 1}}}
	c := defaults()
	c.read(value{doc: d, node: root, at: position{1, 1}})
	c.file, c.positions = name, d.positions
	c.inherit()
	d.checkReferences(c)
	d.checkSockets(c)
	d.checkOrder(c)
	if len(d.problems) > 0 {
		return nil, d.problems.sorted()
	}
	return c, nil
}

// inherit fills what a trunk takes from the rest of the file.
func (c *Config) inherit() {
	for i := range c.Trunks {
		if !c.Trunks[i].MediaAddress.IsValid() {
			c.Trunks[i].MediaAddress = c.Media.Address
		}
	}
}

// At wraps an error that was found after parsing, when the setting at path was put to use, with the file, line
// and key of that setting: "tonegate.yaml:47: routes[0].called[1]: …". A path that is not in the file takes the
// line of the nearest key above it. At of a nil error is nil.
func (c *Config) At(path string, err error) error {
	if err == nil {
		return nil
	}
	return &Problem{File: c.file, Line: nearest(c.positions, path).line, Key: path, Err: err}
}
