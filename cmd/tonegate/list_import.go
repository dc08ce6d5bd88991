package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"tonegate/config"
	"tonegate/stoplist"
	"tonegate/stoplist/store"
)

const (
	refused     = 1 // exit statuses of an import
	usage       = 2
	waits       = 3
	shownErrors = 20
	shrink      = 20 // percent of a source's list that a full list may leave out
)

type importCmd struct {
	listConfig
	Source    string `required:"" placeholder:"NAME" help:"Whose list it is. A list touches only its own source's orders."`
	Full      bool   `xor:"mode" required:"" help:"The source's whole list: what it does not name is lifted."`
	Delta     bool   `xor:"mode" required:"" help:"Numbers to stop."`
	Lift      bool   `xor:"mode" required:"" help:"Numbers to stop no more; with a reference, only the orders of that reference."`
	Reason    string `help:"For lines that give none; so the next three."`
	Reference string `help:"The authority's."`
	From      string `placeholder:"TIME" help:"A date or time, in Japan if it names no zone."`
	Until     string `placeholder:"TIME" help:"A date, which is included, or a time."`
	DryRun    bool   `help:"Say what would change, and change nothing."`
	Yes       bool   `help:"Do not ask on a terminal."`
	JSON      bool   `name:"json" help:"One line of JSON."`
	File      string `arg:"" help:"The list."`
}

// importJSON is the summary of an import.
type importJSON struct {
	Outcome   string             `json:"outcome"` // done, dry run, refused, waits for approval
	Source    string             `json:"source"`
	Base      stoplist.Revision  `json:"base"`     // that the list was compared with
	Revision  stoplist.Revision  `json:"revision"` // in the log now
	Added     int                `json:"added"`
	Lifted    int                `json:"lifted"`
	Changed   int                `json:"changed"`
	Unchanged int                `json:"unchanged"`
	Unknown   int                `json:"unknown"`  // to lift, but not stopped by this source
	Repeated  int                `json:"repeated"` // lines that a later one replaced
	Approval  []string           `json:"approval,omitempty"`
	Count     int                `json:"problem_count,omitempty"`
	Problems  []stoplist.Problem `json:"problems,omitempty"` // the first 1,000
}

// Run reads the list, compares it with the one in the log, and commits the difference.
func (c *importCmd) Run(ctx *runContext) error {
	options, err := c.options()
	if err != nil {
		return exitError{usage, err}
	}
	log, settings, err := openStore(ctx.Ctx, c.Config)
	if err != nil {
		return exitError{refused, err}
	}
	defer log.Close()
	listing, err := c.read(ctx, options)
	var refusal *stoplist.Refusal
	if errors.As(err, &refusal) {
		return c.refuse(ctx, refusal)
	} else if err != nil {
		return exitError{refused, err}
	}
	plan, err := c.compare(ctx, log, settings, listing)
	if err != nil {
		return exitError{refused, err}
	}
	return c.finish(ctx, log, listing, plan)
}

func (c *importCmd) options() (stoplist.ReadOptions, error) {
	o := stoplist.ReadOptions{Source: c.Source, Default: stoplist.Order{Reason: c.Reason, Reference: c.Reference}}
	switch {
	case c.Delta:
		o.Mode = stoplist.Delta
	case c.Lift:
		o.Mode = stoplist.LiftOnly
	}
	var err error
	if o.Default.From, err = stoplist.ParseFrom(c.From); err != nil {
		return o, fmt.Errorf("--from %q: %w", c.From, err)
	}
	if o.Default.Until, err = stoplist.ParseUntil(c.Until); err != nil {
		return o, fmt.Errorf("--until %q: %w", c.Until, err)
	}
	return o, nil
}

// read shows a progress bar where Stderr is a terminal.
func (c *importCmd) read(ctx *runContext, o stoplist.ReadOptions) (*stoplist.Listing, error) {
	file, err := os.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("open list: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open list: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("open list: not a file; a list is read twice, so it cannot come through a pipe")
	}
	if terminal(ctx.Stderr) {
		bar := progressbar.NewOptions64(info.Size(), progressbar.OptionSetWriter(ctx.Stderr), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription(filepath.Base(c.File)), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		o.Progress = func(done int64) { _ = bar.Set64(done) } // a bar that cannot be drawn harms nothing
		defer func() { _ = bar.Finish() }()
	}
	return stoplist.ReadCSV(file, o)
}

func (c *importCmd) compare(ctx *runContext, log *store.Log, settings *config.Config, l *stoplist.Listing) (stoplist.Plan, error) {
	table, err := loadTable(ctx.Ctx, log)
	if err != nil {
		return stoplist.Plan{}, err
	}
	limits := stoplist.Limits{Added: settings.Stoplist.Approval.Added, Lifted: settings.Stoplist.Approval.Lifted, ShrinkPercent: shrink}
	return table.Plan(l, limits, stoplist.By{At: time.Now(), Actor: actor(), Reference: filepath.Base(c.File)})
}

// finish commits unless it is a dry run, nothing changes, a second person is needed, or the person at the terminal says no.
func (c *importCmd) finish(ctx *runContext, log *store.Log, l *stoplist.Listing, p stoplist.Plan) error {
	s := importJSON{Outcome: "done", Source: c.Source, Base: p.Base, Revision: p.Base, Added: p.Added, Lifted: p.Lifted, Changed: p.Changed,
		Unchanged: p.Unchanged, Unknown: p.Unknown, Repeated: l.Repeated, Approval: p.Approval}
	switch {
	case c.DryRun:
		s.Outcome = "dry run"
	case len(p.Approval) > 0:
		s.Outcome = "waits for approval"
		return c.end(ctx, s, waits)
	case len(p.ChangeSet.Changes) == 0:
	case !c.agreed(ctx, s):
		s.Outcome = "refused"
		return c.end(ctx, s, refused)
	default:
		head, err := log.Commit(ctx.Ctx, p.Base, p.ChangeSet)
		if err != nil {
			return exitError{refused, err}
		}
		s.Revision = head.Revision
	}
	return c.end(ctx, s, 0)
}

// agreed asks where a person sits at the terminal.
func (c *importCmd) agreed(ctx *runContext, s importJSON) bool {
	if c.Yes || c.JSON || !terminal(ctx.Stderr) || !term.IsTerminal(int(os.Stdin.Fd())) {
		return true
	}
	fmt.Fprintf(ctx.Stderr, "%s: +%d -%d ~%d numbers. Put it in force? [y/N] ", s.Source, s.Added, s.Lifted, s.Changed)
	answer, _ := bufio.NewReader(io.LimitReader(os.Stdin, 64)).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

func (c *importCmd) refuse(ctx *runContext, r *stoplist.Refusal) error {
	if c.JSON {
		return c.end(ctx, importJSON{Outcome: "refused", Source: c.Source, Count: r.Count, Problems: r.Problems}, refused)
	}
	for i, p := range r.Problems {
		if i == shownErrors {
			break
		}
		where := c.File
		if p.Line > 0 {
			where += fmt.Sprintf(":%d", p.Line)
		}
		if p.Field != "" {
			where += ": " + p.Field
		}
		if p.Text != "" {
			where += fmt.Sprintf(" %q", p.Text)
		}
		fmt.Fprintf(ctx.Stderr, "%s: %s\n", where, p.Reason)
	}
	if r.Count > shownErrors {
		fmt.Fprintf(ctx.Stderr, "and %d more\n", r.Count-shownErrors)
	}
	return exitError{refused, fmt.Errorf("list refused, nothing changed: %d problems", r.Count)}
}

// end prints the summary and turns the outcome into an exit status.
func (c *importCmd) end(ctx *runContext, s importJSON, code int) error {
	var err error
	if c.JSON {
		err = printJSON(ctx.Stdout, s)
	} else {
		_, err = fmt.Fprintf(ctx.Stdout, "%s: %s: added %d, lifted %d, changed %d, unchanged %d, not listed %d, repeated %d; revision %d\n",
			s.Source, s.Outcome, s.Added, s.Lifted, s.Changed, s.Unchanged, s.Unknown, s.Repeated, s.Revision)
		for _, why := range s.Approval {
			fmt.Fprintln(ctx.Stderr, "needs a second person:", why)
		}
	}
	if err == nil && code != 0 {
		return exitError{Code: code}
	}
	return err
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// actor is who runs the command.
func actor() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
