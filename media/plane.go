package media

import (
	"errors"
	"net/netip"
	"time"
)

// ErrNoPorts says that every port pair is taken or resting.
var ErrNoPorts = errors.New("media: no port pair is free")

// Leg is a handle of one side of a call; zero is none. Handles are never used twice.
type Leg uint64

// Codec is a payload format as negotiated towards one side.
type Codec struct {
	Payload uint8
	Clock   int // Hz; 0 stands for 8000
}

// Remote is what the description of one side said.
type Remote struct {
	Address  netip.AddrPort  // where RTP goes to, and its only accepted source; not valid, 0.0.0.0 or port 0: neither
	RTCP     netip.AddrPort  // the same for RTCP; not valid: the port after Address; of no account if Opaque
	Codec    Codec           // the audio codec in use; its clock measures jitter and the time between sources
	Payloads map[uint8]uint8 // payload types of the other leg as they are called here; absent ones stay
	Send     bool            // this side wants to receive
	Receive  bool            // this side sends; what it sends all the same is dropped
	PTime    time.Duration   // packet time of the side; 0 stands for 20 ms
	// Opaque: what is sent either way is not RTP but datagrams that we do not read, T.38 over UDPTL: each goes to the bridged leg as it is,
	// if that is Opaque too, and there is no RTCP. When it ends, RTP goes on as after a gap. What is played meanwhile fails.
	Opaque bool
}

// Playback is sound in frames that are encoded already. It is only read, and may be shared by all calls.
type Playback struct {
	Frames   [][]byte
	Payload  uint8
	Samples  uint32        // RTP clock units a frame
	Interval time.Duration // packet time, 1 ms to 1 s
	Loop     bool          // until stopped
}

// Played is how a playback went.
type Played struct {
	First, Last time.Time // of the packets sent; zero if none was
	Packets     int
	Complete    bool   // every frame was sent (with Loop: at least once)
	Failed      string // why not, "" if Complete
	To          netip.AddrPort
}

// Reasons in Played.Failed that do not depend on the playback.
const (
	Stopped  = "stopped"  // Stop
	Closed   = "closed"   // Close or Shutdown
	Bridged  = "bridged"  // Bridge, Unbridge
	Replaced = "replaced" // another Play
)

// Plane is the media plane. Calls with a handle that is not open do nothing. All methods may be called from any goroutine.
type Plane interface {
	// Open takes a pair of ports, RTP even and RTCP odd, on a local address, and gives the RTP address.
	// ErrNoPorts when none is left.
	Open(address netip.Addr) (Leg, netip.AddrPort, error)
	// Remote sets what the other side is, again after each offer and answer.
	Remote(Leg, Remote)
	// Play sends frames to the leg instead of what it was sent before. It ends with exactly one call of done, in a goroutine
	// of its own, one Interval after the last frame, or earlier by Stop, Close, Bridge, Unbridge or another Play.
	// done is not nil and must not wait for the caller of Shutdown, which waits for done.
	Play(Leg, Playback, func(Played))
	// Stop ends what Play began. Nothing is sent then until Play or Bridge.
	Stop(Leg)
	// Bridge relays both ways, in place of what went before. SSRC, sequence and timestamp of what the legs are sent continue.
	Bridge(a, b Leg)
	// Unbridge ends the relay between the leg and its other leg, and a playback on either.
	Unbridge(Leg)
	Stats(Leg) Stats
	// Close says BYE, gives the ports back and returns the last statistics.
	Close(Leg) Stats
	// Shutdown closes all legs and returns when no goroutine is left.
	Shutdown()
}
