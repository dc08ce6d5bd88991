package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // database/sql driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNotYet is an engine that this version does not have.
var ErrNotYet = errors.New("PostgreSQL is not available yet: use sqlite:PATH")

// Log is the log in a database. It is safe for use by many goroutines and, beside other processes, by many nodes.
type Log struct{ db *sql.DB }

// Open opens the log at "sqlite:PATH", and makes the file and its directory where they are missing.
func Open(ctx context.Context, address string) (*Log, error) {
	engine, path, _ := strings.Cut(address, ":")
	switch engine {
	case "sqlite":
	case "postgres", "postgresql":
		return nil, ErrNotYet
	default:
		return nil, errors.New("unknown store: use sqlite:PATH") // the address may hold a password
	}
	if path == "" || strings.ContainsAny(path, "?#") {
		return nil, errors.New("sqlite: needs the path of a file, without ? and #")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("make the store's directory: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db.SetMaxOpenConns(4)
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), db.Close())
	}
	return &Log{db}, nil
}

// dsn asks for full durability: a commit that returned is on the disk.
func dsn(path string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"}, // a writer that finds the log ahead must not have to give up half-way
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// migrate brings the schema up to date. Two processes may begin on an empty file at once: the slower one finds it done.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
			goose.WithTableName("stoplist_version"), goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return err
		}
		if _, err = provider.Up(ctx); err == nil || attempt == 5 || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Close closes the database.
func (l *Log) Close() error { return l.db.Close() }
