package sdp

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

const (
	audio      = "m=audio 4000 RTP/AVP 0\n"
	audioGone  = "m=audio 0 RTP/AVP 0\n"
	video      = "m=video 4002 RTP/AVP 31\n"
	fax        = "m=image 4004 udptl t38\na=T38FaxVersion:0\n"
	faxGone    = "m=image 0 udptl t38\n"
	secure     = "m=audio 4006 RTP/SAVP 0\n"
	whiteboard = "m=image 4008 udptl wb\n"
)

func TestActiveLine(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		active      int // -1 none
		rtp         bool
	}{
		{"audio", audio, 0, true},
		{"fax", fax, 0, false},
		{"fax in place of audio", audioGone + fax, 1, false},
		{"back to audio", audio + faxGone, 0, true},
		{"both: audio", fax + audio, 1, true},
		{"audio that we cannot carry", secure + fax, 1, false},
		{"two fax lines", faxGone + fax + fax, 1, false},
		{"not T.38", whiteboard, -1, false},
		{"over TCP", "m=image 4004 TCP t38\n", -1, false},
		{"in capitals", "m=IMAGE 4004 UDPTL T38\n", 0, false},
		{"video", video, -1, false},
		{"none", audioGone + faxGone, -1, false},
	} {
		i, m, ok := parse(t, []byte(start+c.lines)).Active()
		if ok != (c.active >= 0) || ok && (i != c.active || m.RTP() != c.rtp || m.Port == 0) {
			t.Errorf("%s: %d %+v %v", c.name, i, m, ok)
		}
	}
}

// kinds are the m-lines of a description in short: "audio", or "-image" for one that is refused.
func kinds(s *Session) string {
	var list []string
	for _, m := range s.Media() {
		if m.Rejected {
			m.Kind = "-" + m.Kind
		}
		list = append(list, m.Kind)
	}
	return strings.Join(list, " ")
}

// onlyActive has one port, for the line that we carry.
func onlyActive(s *Session) []int {
	list := make([]int, len(s.Media()))
	if i, _, ok := s.Active(); ok {
		list[i] = 20000
	}
	return list
}

// A call goes from voice to fax and back (ITU-T T.38 D.2.2.4). RFC 3264 s8: a description never has fewer m-lines than the one
// before, and each keeps its place.
func TestVoiceToFaxAndBack(t *testing.T) {
	l := NewLocal(7, ours)
	for _, c := range []struct{ said, want string }{
		{audio + video, "audio -video"},
		{fax, "image -video"}, // s8.3.3: in place
		{audioGone + video + fax, "-audio -video image"},
		{audio, "audio -video -image"},
		{audioGone + video + faxGone, "-audio -video -image"},
		{audio + video + fax, "audio -video -image"},
		{audioGone + video + fax + audio, "-audio -video -image audio"},
		{fax, "image -video -image -audio"},
	} {
		s := parse(t, []byte(start+c.said))
		body, err := l.Relay(s, onlyActive(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := kinds(parse(t, body)); got != c.want {
			t.Errorf("%q, want %q in\n%s", got, c.want, body)
		}
	}
	body, err := l.Offer(20000, []Codec{static[0]}, 0)
	if got := kinds(parse(t, body)); err != nil || got != "audio -video -image -audio" {
		t.Errorf("our own offer: %q, %v", got, err)
	}
}

// RFC 3264 s6: "For each "m=" line in the offer, there MUST be a corresponding "m=" line in the answer."
func TestAnswerHasTheLinesOfThisLegsOffer(t *testing.T) {
	for _, c := range []struct{ name, offer, answer, want string }{
		{"the same", audio + video, audio + video, "audio -video"},
		{"the other leg has fewer", audio + video, audio, "audio -video"},
		{"the other leg has more", audio, audio + faxGone, "audio"},
		{"to fax", audioGone + fax, audioGone + fax, "-audio image"},
		{"fax is not wanted", audioGone + fax, audioGone + faxGone, "-audio -image"},
		{"an answer of another kind", fax, audio, "-image"},
		{"of another protocol", secure, audio, "-audio"},
		{"to a line that was not offered", audioGone, audio, "-audio"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLocal(7, ours)
			before := parse(t, []byte(start+audio+video+fax))
			if _, err := l.Relay(before, onlyActive(before), nil); err != nil { // what was said before does not matter
				t.Fatal(err)
			}
			answer := parse(t, []byte(start+c.answer))
			body, err := l.RelayAnswer(parse(t, []byte(start+c.offer)), answer, onlyActive(answer), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := kinds(parse(t, body)); got != c.want {
				t.Errorf("%q, want %q in\n%s", got, c.want, body)
			}
		})
	}
	s := parse(t, []byte(start+audio))
	if _, err := NewLocal(7, ours).RelayAnswer(s, s, nil, nil); err == nil {
		t.Error("no ports")
	}
}

func TestSaidIsWhatWasWritten(t *testing.T) {
	l := NewLocal(7, ours)
	if l.Said() != nil {
		t.Error("before anything")
	}
	s := parse(t, read(t, "phone"))
	body, err := l.Relay(s, ports(s), narrowband)
	if err != nil || !reflect.DeepEqual(l.Said().Media(), parse(t, body).Media()) {
		t.Errorf("%+v, %v", l.Said().Media(), err)
	}
	said := l.Said()
	again, err := l.Relay(s, ports(s), narrowband)
	if err != nil || l.Said() != said || !bytes.Equal(again, body) {
		t.Errorf("the same again: %v\n%s", err, again)
	}
	if _, err := l.Relay(parse(t, long()), []int{20000}, nil); err == nil || l.Said() != said {
		t.Errorf("what was not written is said: %v", err)
	}
}
