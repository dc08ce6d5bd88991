package wire

import "github.com/emiago/sipgo/sip"

// NewParser is sipgo's parser as we use it: it frames the message by Content-Length and hands over every other
// field as raw text, in order. sipgo's own field parsers lose branches, tags and quotes, and drop in silence what
// they dislike; Read is strict instead, and every refusal has a reason.
func NewParser() *sip.Parser {
	// never DefaultHeadersParser: that is one map shared by the whole process
	return sip.NewParser(sip.WithHeadersParsers(map[string]sip.HeaderParser{
		"content-length": parseContentLength,
		"l":              parseContentLength,
	}))
}

// parseContentLength keeps nonsense as a plain field, for Read to refuse. A stream without a usable length cannot be
// framed, so there sipgo ends the connection.
func parseContentLength(name []byte, value string) (sip.Header, error) {
	n, ok := decimal(trim(value), maxMessage)
	if !ok {
		return sip.NewHeader("Content-Length", value), nil
	}
	h := sip.ContentLengthHeader(n)
	return &h, nil
}
