//go:build !(linux && (amd64 || arm64))

package sip

import "net"

func quick(conn *net.UDPConn) (PacketSocket, error) { return conn, nil }
