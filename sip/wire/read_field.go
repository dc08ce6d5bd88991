package wire

import "strings"

func (m *Message) readVia(value string) *Problem {
	if m.Via == nil {
		m.Via = m.via[:0]
	}
	err := elements(value, func(e string) error {
		if len(m.Via) == maxList {
			return errMany
		}
		m.Via = append(m.Via, Via{})
		last := len(m.Via) - 1
		err := m.Via[last].parse(e)
		if err != nil {
			m.Via = m.Via[:last]
		}
		return err
	})
	return badField("Via", err)
}

func badField(name string, err error) *Problem {
	if err == nil {
		return nil
	}
	return bad("Bad "+name, err.Error())
}

func (a *Address) read(f Field) *Problem {
	*a = Address{}
	return badField(f.Name, a.parse(f.Value))
}

// checkCallID takes word [ "@" word ], and any other visible octets too: nothing is read out of a Call-ID.
func checkCallID(value string) *Problem {
	for i := range len(value) {
		if value[i] <= ' ' || value[i] == 0x7f {
			return bad("Bad Call-ID", "")
		}
	}
	if value == "" {
		return bad("Bad Call-ID", "")
	}
	return nil
}

// readCSeq takes 1*DIGIT LWS Method (RFC 3261 s20.16), below 2^31 (s8.1.1.5).
func (m *Message) readCSeq(value string) *Problem {
	i := 0
	for i < len(value) && !isSpace(value[i]) {
		i++
	}
	if i == len(value) {
		return bad("Bad CSeq", "number and method expected")
	}
	n, ok := decimal(value[:i], 1<<31-1)
	if !ok {
		return bad("Bad CSeq", "number not below 2^31")
	}
	method := trim(value[i:])
	if !isToken(method) {
		return bad("Bad CSeq", "method")
	}
	if m.IsRequest() && !sameName(method, string(m.Method)) {
		return bad("CSeq method does not match", "")
	}
	// sipgo writes the request's own method in capitals; the CSeq still has it as it was sent.
	m.CSeq, m.Method = uint32(n), named(method)
	return nil
}

func (m *Message) readMaxForwards(value string) *Problem {
	n, ok := decimal(value, 255)
	if !ok {
		return bad("Bad Max-Forwards", "not 0-255")
	}
	m.MaxForwards = n
	return nil
}

// readContentLength cuts a datagram's body to its length; a stream was cut by it (RFC 3261 s18.3).
func (m *Message) readContentLength(value string) *Problem {
	n, ok := decimal(value, maxMessage)
	switch {
	case !ok:
		return badLength("Bad Content-Length")
	case n > len(m.Body):
		return badLength("Body shorter than Content-Length")
	case n < len(m.Body) && m.Network.Reliable():
		return badLength("Content-Length does not match the body")
	}
	m.Body = m.Body[:n]
	return nil
}

func (m *Message) readContact(value string) *Problem {
	if value == "*" { // RFC 3261 s20.10, REGISTER only
		m.Contact = append(m.Contact, Address{Raw: value})
		return nil
	}
	var err error
	m.Contact, err = appendAddresses(m.Contact, value)
	return badField("Contact", err)
}

// readRoutes takes name-addrs only (RFC 3261 s20.30, s20.34).
func readRoutes(routes []string, f Field) ([]string, *Problem) {
	err := elements(f.Value, func(e string) error {
		if len(routes) == maxList {
			return errMany
		}
		if strings.IndexByte(e, '<') < 0 {
			return errAddrSpec
		}
		routes = append(routes, e)
		return new(Address).parse(e)
	})
	return routes, badField(f.Name, err)
}

// readOptions takes a list of option tags; "Supported:" alone is legal.
func readOptions(options []string, f Field) ([]string, *Problem) {
	if options == nil && f.Value != "" {
		options = make([]string, 0, min(strings.Count(f.Value, ",")+1, maxList))
	}
	err := elements(f.Value, func(e string) error {
		switch {
		case e == "":
			return nil
		case len(options) == maxList:
			return errMany
		case !isToken(e):
			return errEmpty
		}
		options = append(options, e)
		return nil
	})
	return options, badField(f.Name, err)
}
