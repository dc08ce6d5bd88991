package config

import (
	"encoding/hex"
	"errors"
)

// Digest is a SHA-256. The zero Digest is none.
type Digest [32]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

var digest = kind[Digest]{
	allowed: "the 64 hexadecimal digits that sha256sum prints",
	parse: func(s string) (Digest, error) {
		b, err := hex.DecodeString(s)
		if err != nil || len(b) != len(Digest{}) {
			return Digest{}, errors.New("not a SHA-256")
		}
		return Digest(b), nil
	},
}
