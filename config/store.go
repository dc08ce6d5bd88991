package config

import "strings"

// Store is the database of the stop list.
type Store struct {
	Engine Engine
	Source Secret // for SQLite the path of its file
}

const storeForm = "sqlite:PATH, ${NAME} of the environment, file:PATH of a file that holds it"

// read never shows the value: it may hold a password.
func (s *Store) read(v value) {
	text, err := v.text()
	if err != nil {
		v.problem("%w; allowed: %s", err, storeForm)
		return
	}
	secret, err := expand(text)
	if err != nil {
		v.problem("%w; allowed: %s", err, storeForm)
		return
	}
	engine, source, _ := strings.Cut(secret.Reveal(), ":")
	switch engine {
	case "sqlite":
		if _, err := line(source); err != nil || strings.ContainsAny(source, "?#") {
			v.problem("not the path of a file after sqlite:; allowed: %s", storeForm)
			return
		}
		*s = Store{SQLite, Secret{source}}
	case "postgres", "postgresql":
		v.problem("postgres:// is %w; allowed: %s", errLater, storeForm)
	default:
		v.problem("not a store; allowed: %s", storeForm)
	}
}
