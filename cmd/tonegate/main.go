package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli lists what the command can do.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Check   checkCmd   `cmd:"" help:"Say what is wrong with a configuration file."`
	Demo    demoCmd    `cmd:"" help:"Place calls between two scripted phones, and show what each heard."`
	List    listCmd    `cmd:"" help:"Load and look up the stop list."`
	Records recordsCmd `cmd:"" help:"Check the call records."`
}

// runContext is what every command gets.
type runContext struct {
	Ctx            context.Context // ends on the first interrupt; a second one ends the process
	Stdout, Stderr io.Writer
}

// exitError ends the process with a status of its own.
type exitError struct {
	Code int
	Err  error // nil: nothing more to say
}

func (e exitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	return e.Err.Error()
}

func (e exitError) Unwrap() error { return e.Err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(&runContext{ctx, os.Stdout, os.Stderr}, os.Args[1:]))
}

// run executes one command line: 0 done, 1 failed, 2 wrong usage, more where a
// command says so.
func run(ctx *runContext, args []string) int {
	parser, err := kong.New(&cli{}, kong.Name("tonegate"),
		kong.Description("A SIP call-forwarding announcement server: identification tone, stop list, media relay."),
		kong.Writers(ctx.Stdout, ctx.Stderr), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(ctx.Stderr, "tonegate:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(ctx.Stderr, "tonegate: %s; run 'tonegate --help'\n", err)
		return 2
	}
	err = command.Run(ctx)
	if err == nil {
		return 0
	}
	var exit exitError
	if !errors.As(err, &exit) {
		exit = exitError{Code: 1, Err: err}
	}
	if exit.Err != nil {
		fmt.Fprintln(ctx.Stderr, "tonegate:", exit.Err)
	}
	return exit.Code
}
