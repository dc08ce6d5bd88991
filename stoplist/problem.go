package stoplist

import "fmt"

// maxProblems are kept of a refused file; the rest is counted.
const maxProblems = 1000

// Problem is what is wrong with one field of a list.
type Problem struct {
	Line   int    `json:"line,omitempty"`  // from 1; 0 is the file as a whole
	Field  string `json:"field,omitempty"` // a heading
	Text   string `json:"text,omitempty"`  // what stands there, shortened; for the person who sent the file, not for a log
	Reason string `json:"reason"`
}

// Refusal is a list of which nothing was taken.
type Refusal struct {
	Problems []Problem // the first 1,000
	Count    int       // all of them
}

// Error names the first problem, without the text of the field.
func (r *Refusal) Error() string {
	p := r.Problems[0]
	s := p.Reason
	if p.Field != "" {
		s = p.Field + ": " + s
	}
	if p.Line > 0 {
		s = fmt.Sprintf("line %d: %s", p.Line, s)
	}
	if r.Count > 1 {
		s += fmt.Sprintf(" (and %d more problems)", r.Count-1)
	}
	return s
}

func (r *Refusal) add(p Problem) {
	r.Count++
	if len(r.Problems) >= maxProblems {
		return
	}
	const room = 64
	if text := []rune(p.Text); len(text) > room {
		p.Text = string(text[:room]) + "…"
	}
	r.Problems = append(r.Problems, p)
}

// err is nil if there was no problem.
func (r *Refusal) err() error {
	if r.Count == 0 {
		return nil
	}
	return r
}
