package siptest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const (
	columnWidth = 32
	leftMargin  = 12 // of the first lifeline
)

// String draws the ladder: for each message its time in seconds since the first one, an arrow, and below it the
// start line, the identifiers under stable names, the headers shown and the audio described. A repeated message
// is an arrow only. An x at the head means that it was lost.
func (l *Ladder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rungs {
		l.column(l.name(r.from))
		l.column(l.name(r.to))
	}
	var b strings.Builder
	b.WriteString(l.heads() + "\n")
	names := newNames(l.replaced)
	for _, r := range l.rungs {
		fmt.Fprintf(&b, "%7.3f%s\n", r.at.Sub(l.rungs[0].at).Seconds(), l.arrow(r)[7:])
		if !r.again {
			for _, line := range l.details(r, names) {
				b.WriteString(strings.TrimRight(l.lifelines()+"  "+line, " ") + "\n")
			}
		}
	}
	if l.missed > 0 {
		fmt.Fprintf(&b, "and %d more\n", l.missed)
	}
	return b.String()
}

func (l *Ladder) heads() string {
	line := "   time"
	for i, name := range l.columns {
		start := max(leftMargin+i*columnWidth-len(name)/2, len(line)+1)
		line += strings.Repeat(" ", start-len(line)) + name
	}
	return line
}

func (l *Ladder) lifelines() string {
	line := []byte(strings.Repeat(" ", leftMargin+(len(l.columns)-1)*columnWidth+1))
	for i := range l.columns {
		line[leftMargin+i*columnWidth] = '|'
	}
	return string(line)
}

func (l *Ladder) arrow(r rung) string {
	line := []byte(l.lifelines())
	from, to := l.column(l.name(r.from)), l.column(l.name(r.to))
	if from == to {
		return string(line) + " " + label(r) + " to itself"
	}
	left, right := leftMargin+min(from, to)*columnWidth+1, leftMargin+max(from, to)*columnWidth-1
	for i := left; i <= right; i++ {
		line[i] = '-'
	}
	head, at := byte('>'), right
	if to < from {
		head, at = '<', left
	}
	if r.lost {
		head = 'x'
	}
	line[at] = head
	text := " " + label(r) + " "
	text = text[:min(len(text), right-left-3)]
	copy(line[left+(right-left+1-len(text))/2:], text)
	return string(line)
}

func label(r rung) string {
	text := r.message.Method
	if !r.message.IsRequest() {
		text = fmt.Sprintf("%d %s", r.message.Code, r.message.Reason)
	}
	if r.again {
		text += " (again)"
	}
	return text
}

func (l *Ladder) details(r rung, names *names) []string {
	m := r.message
	ids := "Call-ID " + names.of("call", m.CallID()) + "  CSeq " + m.Header("CSeq") +
		"  From " + names.of("tag", m.FromTag()) + "  To " + names.of("tag", m.ToTag())
	for _, via := range m.Headers("Via") {
		ids += "  Via " + names.of("branch", Param(via, "branch"))
	}
	var lines []string
	if m.IsRequest() {
		lines = append(lines, names.replace(m.Method+" "+m.URI))
	}
	lines = append(lines, ids)
	for _, name := range l.shown {
		for _, value := range m.Headers(name) {
			lines = append(lines, name+": "+names.replace(value))
		}
	}
	if m.Body != "" {
		lines = append(lines, l.describe(m, names))
	}
	return lines
}

func (l *Ladder) describe(m *Message, names *names) string {
	d, err := ParseSDP(m.Body)
	if i := strings.Index(m.Body, "m="); err != nil && i >= 0 && m.Header("Content-Type") == "application/sdp" {
		line, _, _ := strings.Cut(m.Body[i+len("m="):], "\r\n")
		if f := strings.Fields(line); len(f) > 2 { // kind, port, protocol
			return f[0] + " over " + f[2]
		}
	}
	if err != nil {
		return fmt.Sprintf("%d octets of %s", len(m.Body), m.Header("Content-Type"))
	}
	text := "audio at " + l.host(d.Address)
	if d.Address.Port() == 0 {
		text += " refused"
	} else {
		text += " " + names.of("port", d.Address.String())
	}
	for _, c := range d.Codecs {
		text += " " + c.Name
	}
	text += " " + d.direction()
	if more := len(d.Media) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more streams", more)
	}
	return text
}

func (l *Ladder) host(addr netip.AddrPort) string {
	if name := l.addrs[addr.Addr()]; name != "" {
		return name
	}
	return addr.Addr().String()
}

// names gives identifiers stable names in the order in which they appear.
type names struct {
	known  map[string]string
	counts map[string]int
	pairs  []string
}

func newNames(pairs []string) *names {
	return &names{known: make(map[string]string), counts: make(map[string]int), pairs: slices.Clone(pairs)}
}

func (n *names) of(kind, id string) string {
	if id == "" {
		return "-"
	}
	key := kind + " " + id
	if n.known[key] == "" {
		n.counts[kind]++
		n.known[key] = fmt.Sprintf("%s-%d", kind, n.counts[kind])
		n.pairs = append(n.pairs, id, n.known[key])
	}
	return n.known[key]
}

func (n *names) replace(text string) string { return strings.NewReplacer(n.pairs...).Replace(text) }
