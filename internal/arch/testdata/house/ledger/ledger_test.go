package ledger

import (
	"testing"

	"example.org/assert"
)

func TestAppend(t *testing.T) { assert.True(t, true) }
