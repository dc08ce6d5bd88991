package wire

import "net/netip"

// Check is Parse for a caller that parses the datagram once more.
func Check(datagram []byte) *Problem {
	if Keepalive(datagram) {
		return nil
	}
	_, p := Parse(datagram, UDP, netip.AddrPort{})
	return p
}

// Salvage is Refuse for what Check refused.
func Salvage(datagram []byte, p *Problem) []byte {
	m, _ := Parse(datagram, UDP, netip.AddrPort{})
	return Refuse(m, p, "")
}
