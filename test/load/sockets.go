package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// sockets is how many RTP ports each side has: the calls share them, so that their number is bounded.
	sockets = 8
	// firstPort is the RTP port of the first socket, the others follow in tens: 30000 to 30070.
	firstPort = 30000
)

// A side is the RTP of all callers, or of all callees.
type side struct {
	rtp  [sockets]*net.UDPConn
	rtcp [sockets]*net.UDPConn // bound, so that what is sent there is not refused, and not read
	wg   sync.WaitGroup
}

// listen opens a side and hands every packet, one at a time for each socket, to the handler until close.
func listen(ip string, packet func(socket int, payload []byte, from netip.AddrPort, at time.Time)) (*side, error) {
	s := new(side)
	for i := range sockets {
		var err error
		if s.rtp[i], err = open(ip, firstPort+10*i); err != nil {
			s.close()
			return nil, err
		}
		if s.rtcp[i], err = open(ip, firstPort+10*i+1); err != nil {
			s.close()
			return nil, err
		}
	}
	for i, conn := range s.rtp {
		s.wg.Go(func() { receive(conn, func(p []byte, from netip.AddrPort, at time.Time) { packet(i, p, from, at) }) })
	}
	return s, nil
}

// open binds one socket whose packets carry the time at which the kernel had them.
func open(ip string, port int) (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(port))))
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
		// Beyond the system's limit only root may go; the others make do with that limit.
		if syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 4<<20) != nil {
			conn.SetReadBuffer(4 << 20)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("socket %s:%d: %w", ip, port, err)
	}
	return conn, nil
}

// receive reads packets until the socket is closed.
func receive(conn *net.UDPConn, packet func(payload []byte, from netip.AddrPort, at time.Time)) {
	buffer, control := make([]byte, 1500), make([]byte, 64)
	for {
		n, c, _, from, err := conn.ReadMsgUDPAddrPort(buffer, control)
		if err != nil {
			return
		}
		// One control message: a header of 16 bytes, then seconds and nanoseconds.
		if c < 32 {
			continue
		}
		seconds, nanos := binary.NativeEndian.Uint64(control[16:]), binary.NativeEndian.Uint64(control[24:])
		packet(buffer[:n], from, time.Unix(int64(seconds), int64(nanos)))
	}
}

// close ends the handler's calls and frees the ports.
func (s *side) close() {
	for _, conn := range append(s.rtp[:], s.rtcp[:]...) {
		if conn != nil {
			conn.Close()
		}
	}
	s.wg.Wait()
}

// dropped is how many packets the kernel had no room for in the side's RTP sockets: the load's fault, not the server's.
func (s *side) dropped() (sum int, err error) {
	table, err := udpTable()
	for _, conn := range s.rtp {
		sum += table[conn.LocalAddr().(*net.UDPAddr).AddrPort()]
	}
	return sum, err
}

// bound reports whether a UDP socket has the address.
func bound(addr string) bool {
	table, err := udpTable()
	_, ok := table[netip.MustParseAddrPort(addr)]
	return err == nil && ok
}

// udpTable maps each bound IPv4 address to the packets dropped there.
func udpTable() (map[netip.AddrPort]int, error) {
	file, err := os.Open("/proc/net/udp")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	table := map[netip.AddrPort]int{}
	lines := bufio.NewScanner(file)
	lines.Scan() // headings
	for lines.Scan() {
		addr, drops, err := parseUDP(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("/proc/net/udp: %w", err)
		}
		table[addr] += drops
	}
	return table, lines.Err()
}

// parseUDP reads a line of /proc/net/udp: the local address, and the packets dropped, which stand last.
func parseUDP(line string) (addr netip.AddrPort, drops int, err error) {
	fields := strings.Fields(line)
	if len(fields) < 13 {
		return addr, 0, fmt.Errorf("too few fields in %q", line)
	}
	ip, port, _ := strings.Cut(fields[1], ":")
	word, err := hex.DecodeString(ip)
	if err != nil || len(word) != 4 {
		return addr, 0, fmt.Errorf("address %q", fields[1])
	}
	var octets [4]byte // the word is printed as a number of this machine
	binary.NativeEndian.PutUint32(octets[:], binary.BigEndian.Uint32(word))
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return addr, 0, fmt.Errorf("port %q", fields[1])
	}
	drops, err = strconv.Atoi(fields[len(fields)-1])
	return netip.AddrPortFrom(netip.AddrFrom4(octets), uint16(n)), drops, err
}
