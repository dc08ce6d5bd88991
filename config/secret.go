package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
)

// Secret is a text that never prints itself: not in a log, an error, JSON, or with any verb of fmt.
type Secret struct{ text string }

const redacted = "[redacted]"

// Reveal is the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

func (s Secret) String() string               { return redacted }
func (s Secret) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// maxSecret bounds a file that holds a secret.
const maxSecret = 64 << 10

var variable = regexp.MustCompile(`\$\{[^}]*\}?`)

// expand reads the secret that text stands for: file:PATH is the content of that file without the line end,
// ${NAME} anywhere is that environment variable, all else is the secret itself. Its errors never hold the secret.
func expand(text string) (Secret, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		return secretFile(path)
	}
	var failed error
	expanded := variable.ReplaceAllStringFunc(text, func(ref string) string {
		content, err := secretVariable(ref)
		if failed == nil {
			failed = err
		}
		return content
	})
	return Secret{expanded}, failed
}

func secretVariable(ref string) (string, error) {
	inner, closed := strings.CutSuffix(ref[len("${"):], "}")
	if _, err := name.parse(inner); err != nil || !closed {
		return "", errors.New("an environment variable is written ${NAME}")
	}
	content := os.Getenv(inner)
	if content == "" {
		return "", fmt.Errorf("environment variable %s is not set", inner)
	}
	return content, nil
}

func secretFile(path string) (Secret, error) {
	// A pipe or a device could keep us waiting for ever.
	if info, err := os.Stat(path); err != nil {
		return Secret{}, fmt.Errorf("secret in a file: %w", err)
	} else if !info.Mode().IsRegular() || info.Size() > maxSecret {
		return Secret{}, fmt.Errorf("secret in a file: %s is not a file of at most %d KiB", path, maxSecret>>10)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return Secret{}, fmt.Errorf("secret in a file: %w", err)
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" {
		return Secret{}, fmt.Errorf("secret in a file: %s is empty", path)
	}
	return Secret{text}, nil
}
