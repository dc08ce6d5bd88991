package wire

import "bytes"

// Check looks at a datagram before sipgo's parser does, and finds all that the parser would drop in silence, or
// misread. It allocates nothing when the datagram is fine. A keepalive (RFC 5626 s3.5.1: CRLF CRLF, or CRLF) is fine.
func Check(datagram []byte) *Problem {
	if isKeepalive(datagram) {
		return nil
	}
	if len(datagram) > maxMessage {
		return tooLarge("message over 64 KiB")
	}
	line, rest, p := cutLine(datagram)
	if p == nil {
		p = checkStartLine(line)
	}
	if p == nil {
		p = checkHeader(rest)
	}
	if p != nil && unanswerable(datagram) {
		p.Status = 0
	}
	return p
}

func isKeepalive(d []byte) bool {
	return len(d) <= 4 && len(bytes.Trim(d, "\r\n")) == 0
}

// unanswerable finds a response or an ACK, by its first word alone.
func unanswerable(d []byte) bool {
	return len(d) < 4 || isScheme(d[:4], "sip/") || bytes.HasPrefix(d, []byte("ACK "))
}

// cutLine takes one line, which CR LF ends and nothing else may (RFC 3261 s7).
func cutLine(d []byte) (line, rest []byte, p *Problem) {
	i := bytes.IndexByte(d, '\n')
	switch {
	case i < 0:
		return nil, nil, bad("Header not ended by an empty line", "")
	case i == 0 || d[i-1] != '\r':
		return nil, nil, bad("Line not ended by CR LF", "bare LF")
	case bytes.IndexByte(d[:i-1], '\r') >= 0:
		return nil, nil, bad("Line not ended by CR LF", "bare CR")
	case bytes.IndexByte(d[:i-1], 0) >= 0:
		return nil, nil, bad("NUL in the header", "")
	}
	return d[:i-1], d[i+1:], nil
}

func checkStartLine(line []byte) *Problem {
	if len(line) >= 4 && isScheme(line[:4], "sip/") {
		return checkStatusLine(line)
	}
	method, rest, _ := bytes.Cut(line, []byte(" "))
	uri, version, ok := bytes.Cut(rest, []byte(" "))
	switch {
	case !isToken(method) || !ok:
		return bad("Bad request line", "")
	case len(version) < 4 || !isScheme(version[:4], "sip/") || bytes.IndexByte(version, ' ') >= 0:
		return bad("Bad request line", "SIP version")
	case string(version[:3]) != "SIP" && string(version[:3]) != "sip": // sipgo knows no Sip
		return bad("Bad request line", "SIP version")
	}
	t, err := scanURI(uri)
	switch {
	case err == errURILong:
		return &Problem{Status: 414, Reason: "Request-URI Too Long"}
	case err != nil:
		return bad("Bad Request-URI", err.Error())
	}
	for _, c := range uri[:t.colon] {
		if !isAlpha(c) { // sipgo drops the legal "soap.beep:"
			return unsupportedScheme()
		}
	}
	return nil
}

// checkStatusLine takes SIP-Version SP 3DIGIT SP Reason-Phrase, the last possibly empty.
func checkStatusLine(line []byte) *Problem {
	version, rest, _ := bytes.Cut(line, []byte(" "))
	if string(version[:3]) != "SIP" && string(version[:3]) != "sip" || len(rest) < 4 ||
		!isDigit(rest[0]) || !isDigit(rest[1]) || !isDigit(rest[2]) || rest[3] != ' ' {
		return bad("Bad status line", "")
	}
	// sipgo takes "SIP/2.0 200 SIPpy" for a request, and drops it
	if reason := rest[4:]; len(reason) >= 3 && isScheme(reason[:3], "sip") && bytes.IndexByte(reason, ' ') < 0 {
		return bad("Bad status line", "reason phrase that looks like a SIP version")
	}
	return nil
}

// checkHeader reads from the first header line to the end of the body.
func checkHeader(d []byte) *Problem {
	length := 0
	for lines := 0; ; lines++ {
		if lines > maxLines {
			return tooLarge("more than 200 header lines")
		}
		field, rest, p := cutField(d)
		if p != nil {
			return p
		}
		if len(field) == 0 {
			if length > len(rest) {
				return badLength("Body shorter than Content-Length")
			}
			return nil
		}
		d = rest
		name, value, ok := bytes.Cut(field, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !ok || !isToken(name) {
			return bad("Bad header field name", "")
		}
		if isScheme(name, "l") || isScheme(name, "content-length") {
			n, ok := contentLength(value)
			if !ok {
				return badLength("Bad Content-Length")
			}
			length = n // of two, sipgo goes by the last; Read refuses both
		}
	}
}

// cutField takes one header field with the lines folded into it (RFC 3261 s7.3.1).
func cutField(d []byte) (field, rest []byte, p *Problem) {
	line, rest, p := cutLine(d)
	if p != nil || len(line) == 0 {
		return line, rest, p
	}
	end := len(line)
	for len(rest) > 0 && isSpace(rest[0]) {
		if _, rest, p = cutLine(rest); p != nil {
			return nil, nil, p
		}
		end = len(d) - len(rest) - len("\r\n")
	}
	if end > maxField {
		return nil, nil, tooLarge("header field over 8 KiB")
	}
	return d[:end], rest, nil
}

func contentLength(value []byte) (n int, ok bool) {
	value = bytes.Trim(value, " \t\r\n")
	for _, c := range value {
		if !isDigit(c) {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > maxMessage {
			return 0, false
		}
	}
	return n, len(value) > 0
}
