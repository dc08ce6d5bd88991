//go:build !linux || !(amd64 || arm64)

package media

import "errors"

func newEpoll(Options) (Plane, error) { return nil, errors.ErrUnsupported }
