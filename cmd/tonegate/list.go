package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tonegate/config"
	"tonegate/number"
	"tonegate/stoplist"
	"tonegate/stoplist/store"
)

// listCmd is everything about the stop list.
type listCmd struct {
	Import importCmd `cmd:"" help:"Load a carrier's list: CSV with a heading row, or one column of numbers."`
	Lookup lookupCmd `cmd:"" help:"Say whether a number is stopped, and by which orders."`
	Log    logCmd    `cmd:"" help:"Show the change sets of the list."`

	Verify verifyListCmd `cmd:"" help:"Check that no change set was altered or taken out."`
}

const notListed = 4 // exit status of a look-up

// listConfig is the flag that every list command has.
type listConfig struct {
	Config string `short:"c" placeholder:"FILE" default:"tonegate.yaml" help:"Configuration, for the store and the limits (${default})."`
}

// openStore opens the log that the configuration names.
func openStore(ctx context.Context, configPath string) (*store.Log, *config.Config, error) {
	c, err := config.Load(configPath)
	if err != nil {
		return nil, nil, err
	}
	log, err := store.Open(ctx, string(c.Store.Engine)+":"+c.Store.Source.Reveal())
	if err != nil {
		return nil, nil, err
	}
	return log, c, nil
}

// loadTable reads the whole log.
func loadTable(ctx context.Context, log *store.Log) (*stoplist.Table, error) {
	var list stoplist.List
	if err := store.NewFollower(log, &list, nil).CatchUp(ctx); err != nil {
		return nil, err
	}
	return list.Load(), nil
}

type lookupCmd struct {
	listConfig
	JSON   bool   `name:"json" help:"One line of JSON."`
	Number string `arg:"" help:"In any spelling."`
}

// Run prints every order in force. Status 0 is listed, 4 not listed.
func (c *lookupCmd) Run(ctx *runContext) error {
	n, err := number.Parse(c.Number)
	if err != nil {
		return exitError{2, fmt.Errorf("%q: %w", c.Number, err)}
	}
	log, _, err := openStore(ctx.Ctx, c.Config)
	if err != nil {
		return err
	}
	defer log.Close()
	table, err := loadTable(ctx.Ctx, log)
	if err != nil {
		return err
	}
	orders := table.Find(n, time.Now())
	if c.JSON {
		err = printJSON(ctx.Stdout, lookupJSON{n.E164(), len(orders) > 0, table.Revision(), ordersJSON(orders)})
	} else {
		err = printOrders(ctx.Stdout, n, table.Revision(), orders)
	}
	if err == nil && len(orders) == 0 {
		return exitError{Code: notListed}
	}
	return err
}

type lookupJSON struct {
	Number   string            `json:"number"`
	Listed   bool              `json:"listed"`
	Revision stoplist.Revision `json:"revision"` // of the list that was asked
	Orders   []orderJSON       `json:"orders"`
}

type orderJSON struct {
	Reason    string            `json:"reason"`
	Reference string            `json:"reference"`
	Holder    string            `json:"holder"`
	Source    string            `json:"source"`
	From      *time.Time        `json:"from"`  // null: no bound
	Until     *time.Time        `json:"until"` // first moment after it
	Revision  stoplist.Revision `json:"revision"`
}

func ordersJSON(orders []stoplist.Order) []orderJSON {
	list := []orderJSON{}
	for _, o := range orders {
		list = append(list, orderJSON{o.Reason, o.Reference, o.Holder, o.Source, bound(o.From), bound(o.Until), o.Revision})
	}
	return list
}

func bound(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func printOrders(w io.Writer, n number.Number, revision stoplist.Revision, orders []stoplist.Order) error {
	if len(orders) == 0 {
		_, err := fmt.Fprintf(w, "%s is not listed at revision %d\n", n.E164(), revision)
		return err
	}
	if _, err := fmt.Fprintf(w, "%s is stopped at revision %d\n", n.E164(), revision); err != nil {
		return err
	}
	for _, o := range orders {
		_, err := fmt.Fprintf(w, "  %s  reason %q  reference %q  holder %q  from %s  until %s  revision %d\n",
			o.Source, o.Reason, o.Reference, o.Holder, moment(o.From), moment(o.Until), o.Revision)
		if err != nil {
			return err
		}
	}
	return nil
}

// moment shows a bound of a window as it was meant, in Japan.
func moment(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.In(stoplist.JST).Format("2006-01-02T15:04")
}

type logCmd struct {
	listConfig
	JSON  bool   `name:"json" help:"One line of JSON a change set."`
	After uint64 `placeholder:"REV" help:"Only what came after this revision."`
}

// Run prints who changed what, oldest first.
func (c *logCmd) Run(ctx *runContext) error {
	log, _, err := openStore(ctx.Ctx, c.Config)
	if err != nil {
		return err
	}
	defer log.Close()
	for cs, err := range log.Changes(ctx.Ctx, stoplist.Revision(c.After)) {
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(ctx.Stdout, changeJSON{cs.Revision, cs.MadeAt, cs.Actor, cs.Approver, cs.Source, cs.Reference, cs.Added, cs.Lifted, fmt.Sprintf("%x", cs.Chain)})
		} else {
			_, err = fmt.Fprintf(ctx.Stdout, "%6d  %s  +%d -%d  source %q  by %q  %q\n",
				cs.Revision, cs.MadeAt.In(stoplist.JST).Format(time.RFC3339), cs.Added, cs.Lifted, cs.Source, cs.Actor, cs.Reference)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type changeJSON struct {
	Revision  stoplist.Revision `json:"revision"`
	MadeAt    time.Time         `json:"made_at"`
	Actor     string            `json:"actor"`
	Approver  string            `json:"approver"`
	Source    string            `json:"source"`
	Reference string            `json:"reference"`
	Added     int               `json:"added"`
	Lifted    int               `json:"lifted"`
	Chain     string            `json:"chain"`
}

func printJSON(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }
