package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A line is one JSON object:
//
//	{"seq":2,"at":"2026-11-21T10:00:00.5Z","prev":"…","record":{…},"hash":"…"}
//
// seq counts from 1. prev is the hash of the line before, 64 zeros in the first. hash is the SHA-256, in lower-case
// hexadecimal, of prev followed by the line as it stands without its hash member and line end, so that any program
// can check it without writing JSON again.

// maxLine bounds a line in bytes; a call record takes about 2 KB.
const maxLine = 1 << 20

// genesis is prev in the first line.
var genesis = strings.Repeat("0", 2*sha256.Size)

// link is one end of the chain: the number and hash of a line.
type link struct {
	seq  uint64
	hash string
}

var start = link{0, genesis}

type line struct {
	Seq    uint64          `json:"seq"`
	At     time.Time       `json:"at"`
	Prev   string          `json:"prev"`
	Record json.RawMessage `json:"record"`
}

// appendLine appends the line that follows prev, with its line end, and returns its own link. The record is compact
// JSON, as Marshal writes it.
func appendLine(dst []byte, prev link, at time.Time, record []byte) ([]byte, link, error) {
	begin := len(dst)
	text := append(dst, `{"seq":`...)
	text = strconv.AppendUint(text, prev.seq+1, 10)
	text = append(text, `,"at":"`...)
	text = at.UTC().AppendFormat(text, time.RFC3339Nano)
	text = append(append(text, `","prev":"`...), prev.hash...)
	text = append(append(text, `","record":`...), record...)
	text = append(text, '}')
	body := text[begin:]
	next := link{prev.seq + 1, hashOf(prev.hash, body)}
	if len(body)+len(next.hash) > maxLine-32 {
		return dst, prev, fmt.Errorf("a record of %d bytes; at most %d KiB are kept", len(record), maxLine>>10)
	}
	text = append(text[:len(text)-1], hashMember...)
	text = append(text, next.hash...)
	return append(text, "\"}\n"...), next, nil
}

const hashMember = `,"hash":"`

// readLine reads a line without its line end and checks its hash: the line is whole, whatever its neighbours are.
func readLine(text []byte) (line, link, error) {
	const tail = len(hashMember) + 2*sha256.Size + len(`"}`)
	if len(text) < tail || !bytes.HasPrefix(text[len(text)-tail:], []byte(hashMember)) {
		return line{}, link{}, errors.New("not a record with a hash")
	}
	body := append(bytes.Clone(text[:len(text)-tail]), '}')
	var l line
	if err := json.Unmarshal(body, &l); err != nil {
		return line{}, link{}, fmt.Errorf("not a record: %w", err)
	}
	hash := hashOf(l.Prev, body)
	if string(text[len(text)-tail:]) != hashMember+hash+`"}` {
		return line{}, link{}, errors.New("the hash does not fit: the line was changed")
	}
	return l, link{l.Seq, hash}, nil
}

func hashOf(prev string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(prev))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}
