package arch

// A row says what one package may import besides the standard library.
type row struct {
	path   string   // below the module; a final "/..." stands for the package and all below it
	ours   []string // packages of this module, spelled as path
	theirs []string // modules or packages of others; what lies below them is included
	pure   bool     // no goroutine, clock, timer, socket, lock or log: see purity.go
	why    string
}

// Sets that several rows share.
const (
	sipgoMessages = "github.com/emiago/sipgo/sip"
	prometheus    = "github.com/prometheus/client_golang/prometheus"
	everything    = "..." // all packages of this module
)

// table is the architecture: docs/architecture.md shows it, TestArchitecturePage keeps the two the same.
// A package without a row may not exist; a row without a package is one on its way.
var table = []row{
	{path: "number", pure: true,
		why: "a number is a value: it parses and prints, and knows nobody"},
	{path: "call", ours: []string{"number"}, pure: true,
		why: "the rule book decides from facts; whoever carries out its actions is not its business"},
	{path: "sip/wire", theirs: []string{sipgoMessages}, pure: true,
		why: "the one place that knows the parser's gaps"},
	{path: "sip/transaction", ours: []string{"sip/wire"}, pure: true,
		why: "RFC 3261 s17 is a table of states; sockets and timers belong to the shard"},
	{path: "sip/dialog", ours: []string{"sip/wire"}, pure: true,
		why: "RFC 3261 s12 is arithmetic on tags, CSeq and routes"},
	{path: "sip/locate",
		why: "RFC 3263 turns a name into targets; it needs a resolver and no message"},
	{path: "media/sdp", pure: true,
		why: "offer and answer are edits of lines"},
	{path: "media", ours: []string{"internal/rawudp"}, theirs: []string{"github.com/pion/rtcp"},
		why: "packets and ports; it knows payload types and no call"},
	{path: "announce", ours: []string{"announce/audiofile", "media/sdp"}, theirs: []string{"github.com/zaf/g711"},
		why: "assets are encoded once into the codecs that SDP names"},
	{path: "announce/audiofile", theirs: []string{"github.com/zaf/g711"},
		why: "bytes of a file to samples"},
	{path: "stoplist", ours: []string{"number"}, theirs: []string{"golang.org/x/text"},
		why: "the table answers calls from memory, so it can reach no database; Shift_JIS needs x/text"},
	{path: "stoplist/store", ours: []string{"stoplist", "number"},
		theirs: []string{"modernc.org/sqlite", "github.com/pressly/goose/v3"},
		why:    "the only package that speaks to a database"},
	{path: "ledger",
		why: "an append-only chain of lines, whatever they say; who has something to keep is handed it by cmd"},
	{path: "sip", ours: []string{"call", "number", "stoplist", "announce", "media/...", "sip/...", "internal/rawudp"},
		theirs: []string{"github.com/emiago/sipgo", "golang.org/x/time/rate", prometheus},
		why:    "the agent carries out a call's actions, so it needs the parts that act"},
	{path: "config", theirs: []string{"github.com/goccy/go-yaml"},
		why: "settings are words and numbers; cmd turns them into each package's own options"},
	{path: "cmd/...", ours: []string{everything},
		theirs: []string{"github.com/alecthomas/kong", "github.com/schollz/progressbar/v3", "golang.org/x/term", prometheus},
		why:    "main lists the parts; nobody else knows config"},
	{path: "internal/rawudp", why: "system calls on UDP sockets that do not wait, for sip and media"},
	{path: "internal/simnet", why: "a packet network in memory serves any test"},
	{path: "internal/siptest", ours: []string{"internal/simnet"}, theirs: []string{"github.com/pion/rtp", "github.com/zaf/g711"},
		why: "a scripted peer must not share the code that it tests"},
	{path: "internal/ear", ours: []string{"announce", "announce/audiofile"}, theirs: []string{"gonum.org/v1/gonum", "golang.org/x/image"},
		why: "it measures what arrives; of ours it knows how a tone is written down and how a sound file is read"},
	{path: "internal/arch", why: "it reads the repository and runs none of it"},
	{path: "test/load", why: "it measures any server from outside, ours and others alike"},
	{path: "test/peers", why: "real peers meet the built binary, never its packages"},
}

// testOnly are the packages that only tests, and cmd for the demonstration, may import.
var testOnly = []string{"internal/simnet", "internal/siptest", "internal/ear"}

// testTheirs are modules that any test may import besides its package's own row.
var testTheirs = []string{
	"github.com/pion/rtp", "github.com/pion/rtcp", "github.com/zaf/g711", prometheus, "golang.org/x/sys",
}

// A reach says that a package of others stays out of everything but the named packages of ours, by whatever road.
type reach struct {
	theirs string
	by     []string
	why    string
}

var reaches = []reach{
	{"github.com/emiago/sipgo", []string{"sip/...", "cmd/..."},
		"only sip knows the SIP library, so that it can be replaced there"},
	{"modernc.org/sqlite", []string{"stoplist/store", "cmd/..."},
		"no call can wait for a database that its packages cannot reach"},
	{"github.com/goccy/go-yaml", []string{"config", "cmd/..."},
		"settings arrive parsed"},
}
