package stray

import "example.org/assert"

var _ = assert.True
