package media

import (
	"net/netip"
	"testing"
)

// BenchmarkOpenClose: a leg opened and the oldest of 200 closed, as on a plane that carries calls.
func BenchmarkOpenClose(b *testing.B) { backends(b, benchmarkOpenClose) }

func benchmarkOpenClose(b *testing.B, start func(Options) Plane) {
	p := start(Options{Ports: [2]int{34000, 35999}, Quarantine: -1})
	defer p.Shutdown()
	var legs [200]Leg
	turn := func(i int) {
		l, _, err := p.Open(loopback)
		if err != nil {
			b.Fatal(err)
		}
		p.Close(legs[i%len(legs)])
		legs[i%len(legs)] = l
	}
	for i := range legs {
		turn(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		turn(i)
	}
}

// BenchmarkCall: what a call asks of the plane, without packets: two legs, an offer and an answer on each, the bridge, the end.
func BenchmarkCall(b *testing.B) { backends(b, benchmarkCall) }

func benchmarkCall(b *testing.B, start func(Options) Plane) {
	p := start(Options{Ports: [2]int{34000, 35999}, Quarantine: -1})
	defer p.Shutdown()
	var legs [200]Leg
	turn := func(i int) {
		pair := legs[2*i%len(legs):][:2]
		for j, at := range []string{"127.0.0.1:9", "127.0.0.1:7"} {
			if pair[j] != 0 {
				p.Close(pair[j])
			}
			l, _, err := p.Open(loopback)
			if err != nil {
				b.Fatal(err)
			}
			p.Remote(l, Remote{Address: netip.MustParseAddrPort(at), Send: true, Receive: true})
			p.Remote(l, Remote{Address: netip.MustParseAddrPort(at), Send: true, Receive: true, Codec: Codec{Clock: 8000}})
			pair[j] = l
		}
		p.Bridge(pair[0], pair[1])
	}
	for i := range legs {
		turn(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		turn(i)
	}
}
