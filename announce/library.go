package announce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxAssets bounds a library: each asset may hold some 2 MiB of encoded frames.
const maxAssets = 256

// A Library is every asset of the configuration by name; immutable.
type Library struct {
	assets map[string]*Asset
}

// NewLibrary loads all assets. The error, if any, joins one error for each asset that failed, in order of name.
func NewLibrary(specs map[string]Spec, now time.Time) (*Library, error) {
	if len(specs) > maxAssets {
		return nil, fmt.Errorf("%d assets: at most %d can be loaded", len(specs), maxAssets)
	}
	l := &Library{assets: make(map[string]*Asset, len(specs))}
	var failures []error
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		asset, err := Load(name, specs[name], now)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		l.assets[name] = asset
	}
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	return l, nil
}

// Asset finds an asset by name.
func (l *Library) Asset(name string) (*Asset, bool) {
	asset, ok := l.assets[name]
	return asset, ok
}

// Names lists the assets in order.
func (l *Library) Names() []string { return slices.Sorted(maps.Keys(l.assets)) }

// Warnings are those of all assets, each with its asset's name, in order of name.
func (l *Library) Warnings() []string {
	var all []string
	for _, name := range l.Names() {
		for _, w := range l.assets[name].warnings {
			all = append(all, fmt.Sprintf("asset %q: %s", name, w))
		}
	}
	return all
}
