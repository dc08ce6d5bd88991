package stoplist

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tonegate/number"
)

// csvReader turns lines into rows.
type csvReader struct {
	*builder
	options  ReadOptions
	shiftJIS bool
	columns  []string // the headings in their order, nil before the first line
	unusable bool     // the heading row is wrong: what follows means nothing
	fields   [][]byte
	key      []byte
	known    map[string]uint32 // the orders by the bytes that spell them: they repeat for thousands of lines
}

func (c *csvReader) line(at int, line []byte) {
	var err error
	if c.fields, err = split(line, c.fields[:0]); err != nil {
		c.refusal.add(Problem{Line: at, Reason: err.Error()})
		return
	}
	if !slices.ContainsFunc(c.fields, func(f []byte) bool { return len(bytes.TrimSpace(f)) > 0 }) {
		return
	}
	if c.columns == nil {
		if heading := c.heading(at); heading {
			return
		}
	}
	for i := len(c.columns); i < len(c.fields); i++ {
		if len(bytes.TrimSpace(c.fields[i])) > 0 {
			c.refusal.add(Problem{Line: at, Reason: fmt.Sprintf("field %d has no heading", i+1)})
			return
		}
	}
	c.row(at)
}

// heading reads the first line that is not empty. It is none if its first field is a number.
func (c *csvReader) heading(at int) bool {
	if first, _ := c.text(c.fields[0]); looksLikeNumber(first) {
		c.columns = []string{"number"}
		for _, f := range c.fields[1:] {
			if len(bytes.TrimSpace(f)) > 0 {
				c.refusal.add(Problem{Line: at, Reason: "more than one column needs a heading row: " + strings.Join(headings, ",")})
				c.unusable = true
			}
		}
		return c.unusable
	}
	c.columns = []string{}
	for _, f := range c.fields {
		name, _ := c.text(f)
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case name == "": // a column that must stay empty
		case !slices.Contains(headings, name):
			c.refusal.add(Problem{Line: at, Field: "heading", Text: name, Reason: "unknown column; known are " + strings.Join(headings, ",")})
		case slices.Contains(c.columns, name):
			c.refusal.add(Problem{Line: at, Field: "heading", Text: name, Reason: "column stands twice"})
		}
		c.columns = append(c.columns, name)
	}
	one, from, to := slices.Contains(c.columns, "number"), slices.Contains(c.columns, "from_number"), slices.Contains(c.columns, "to_number")
	if one == (from || to) || from != to {
		c.refusal.add(Problem{Line: at, Field: "heading", Reason: "needs the column number, or from_number and to_number"})
	}
	c.unusable = c.refusal.Count > 0
	return true
}

func looksLikeNumber(s string) bool {
	s = plainCell(s)
	return strings.ContainsFunc(s, func(r rune) bool { return r >= '0' && r <= '9' || r >= '０' && r <= '９' })
}

func (c *csvReader) row(at int) {
	numbers, problem := c.numbers()
	if problem == nil {
		var order uint32
		if order, problem = c.orderOf(); problem == nil {
			if err := c.add(numbers, order); err != nil {
				problem = &Problem{Field: "number", Reason: err.Error()}
			}
		}
	}
	if problem != nil {
		problem.Line = at
		c.refusal.add(*problem)
	}
}

func (c *csvReader) numbers() (number.Range, *Problem) {
	var ends [2]number.Number
	for i, f := range c.fields {
		if i >= len(c.columns) {
			break
		}
		name := c.columns[i]
		end := 0
		switch name {
		case "to_number":
			end = 1
			if len(bytes.TrimSpace(f)) == 0 {
				continue // a range of one
			}
		case "number", "from_number":
		case "":
			if len(bytes.TrimSpace(f)) > 0 {
				return number.Range{}, &Problem{Reason: fmt.Sprintf("field %d has no heading", i+1)}
			}
			continue
		default:
			continue
		}
		text, err := c.text(f)
		if err == nil {
			ends[end], err = parseCell(text)
		}
		if err != nil {
			return number.Range{}, &Problem{Field: name, Text: text, Reason: err.Error()}
		}
	}
	if ends[0] == (number.Number{}) {
		return number.Range{}, &Problem{Field: "number", Reason: "no number"}
	}
	if ends[1] == (number.Number{}) {
		ends[1] = ends[0]
	}
	r, err := number.NewRange(ends[0], ends[1])
	if err != nil {
		return number.Range{}, &Problem{Field: "to_number", Reason: err.Error()}
	}
	return r, nil
}

// orderOf reads the columns that make the order, or remembers them.
func (c *csvReader) orderOf() (uint32, *Problem) {
	c.key = c.key[:0]
	for i, f := range c.fields {
		if i < len(c.columns) && isAttribute(c.columns[i]) {
			c.key = append(append(c.key, f...), '\n')
		}
	}
	if id, found := c.known[string(c.key)]; found {
		return id, nil
	}
	o := c.options.Default
	for i, f := range c.fields {
		if i >= len(c.columns) || !isAttribute(c.columns[i]) {
			continue
		}
		text, err := c.text(f)
		if err == nil {
			err = o.set(c.columns[i], text)
		}
		if err != nil {
			return 0, &Problem{Field: c.columns[i], Text: text, Reason: err.Error()}
		}
	}
	id, problem := c.order(o)
	if problem == nil && len(c.known) < maxOrders {
		c.known[string(c.key)] = id
	}
	return id, problem
}

// isAttribute tells the columns of the order from those of the numbers.
func isAttribute(column string) bool {
	return column != "number" && column != "from_number" && column != "to_number" && column != ""
}

// set takes one field of a line; an empty one leaves the default.
func (o *Order) set(column, text string) (err error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	switch column {
	case "reason":
		o.Reason = text
	case "reference":
		o.Reference = plainCell(text)
	case "holder":
		o.Holder = text
	case "from":
		o.From, err = ParseFrom(text)
	case "until":
		o.Until, err = ParseUntil(text)
	}
	return err
}
