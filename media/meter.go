package media

import "time"

// meter allows so many packets a second.
type meter struct {
	second time.Duration // when the present second began
	count  int
}

func (m *meter) allow(limit int, now time.Duration) bool {
	if now-m.second >= time.Second {
		m.second, m.count = now, 0
	}
	m.count++
	return m.count <= limit
}
