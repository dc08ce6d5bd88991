package sip

import (
	"crypto/rand"
	"encoding/hex"
	"hash/maphash"
	mathrand "math/rand/v2"
	"strconv"
)

// Every branch, tag and Call-ID that we create begins with the number of the
// shard that owns its call, so that whatever comes back finds its way without
// a shared table, and goes on with 80 random bits, so that nobody off the
// path can guess it.

const (
	magicCookie = "z9hG4bK" // RFC 3261 s8.1.1.7
	shardDigits = 2
	maxShards   = 1 << (4 * shardDigits)
	randomBytes = 10
)

// mint gives names that belong to one shard.
type mint struct{ prefix string }

func newMint(shard int) mint {
	s := strconv.FormatInt(int64(shard), 16)
	for len(s) < shardDigits {
		s = "0" + s
	}
	return mint{prefix: s}
}

func (m mint) token() string {
	var raw [randomBytes]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the process if the system has no randomness
	var text [shardDigits + 2*randomBytes]byte
	copy(text[:], m.prefix)
	hex.Encode(text[shardDigits:], raw[:])
	return string(text[:])
}

func (m mint) branch() string { return magicCookie + m.token() }

// newRandom is a source that starts anywhere.
func newRandom() *mathrand.Rand {
	var seed [32]byte
	rand.Read(seed[:])
	return mathrand.New(mathrand.NewChaCha8(seed))
}

// shardOf reads the shard out of a tag or branch that we may have minted;
// false when we did not, or it names a shard that there is not.
func shardOf(name string, shards int) (int, bool) {
	if len(name) > len(magicCookie) && name[:len(magicCookie)] == magicCookie {
		name = name[len(magicCookie):]
	}
	if len(name) != shardDigits+2*randomBytes {
		return 0, false
	}
	n, err := strconv.ParseUint(name[:shardDigits], 16, 16)
	if err != nil || int(n) >= shards {
		return 0, false
	}
	return int(n), true
}

// hashShard spreads new calls over the shards by what an INVITE, its CANCEL
// and its repetitions have in common.
func hashShard(seed maphash.Seed, callID, fromTag string, shards int) int {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(callID)
	h.WriteByte(0)
	h.WriteString(fromTag)
	return int(h.Sum64() % uint64(shards))
}
