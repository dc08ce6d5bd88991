package config

// Asset is a sound: synthesised from Synth at Level, or read from File.
type Asset struct {
	Name         string
	Synth, Level string
	File         string
	SHA256       Digest // zero where the file names none
	Standard     string // jusa or ""
	Licence      Licence
}

// Licence is the right to play an asset. Until is its last day.
type Licence struct {
	Holder, Number string
	From, Until    Date
}

func (n *Notices) readAssets(v value) {
	v.entries(func(key string, v value) {
		if _, err := name.parse(key); err != nil {
			v.problem("%w; allowed: %s", err, name.allowed)
		}
		a := Asset{Name: key}
		a.read(v)
		n.Assets = append(n.Assets, a)
	})
}

func (a *Asset) read(v value) {
	found := v.object(keys{
		"synth":    into(&a.Synth, words),
		"level":    into(&a.Level, words),
		"file":     into(&a.File, path),
		"sha256":   into(&a.SHA256, digest),
		"standard": into(&a.Standard, oneOf("jusa")),
		"licence":  a.Licence.read,
	}, nil)
	switch {
	case found["synth"] == found["file"]:
		v.problem("either synth or file is needed; allowed: {synth: SPEC, level: LEVEL}, {file: PATH, sha256: DIGEST}")
	case found["file"] && found["level"]:
		v.problem("level belongs to synth; leave it out")
	case found["synth"] && (found["sha256"] || found["standard"] || found["licence"]):
		v.problem("sha256, standard and licence belong to file; leave them out")
	case found["standard"] && !(found["sha256"] && found["licence"]):
		v.problem("a standard asset needs its sha256 and its licence: {holder, number, from, until}")
	}
	if found["synth"] && !found["level"] {
		a.Level = defaultLevel
	}
}

func (l *Licence) read(v value) {
	before := len(v.doc.problems)
	v.object(keys{
		"holder": into(&l.Holder, words),
		"number": into(&l.Number, words),
		"from":   into(&l.From, date),
		"until":  into(&l.Until, date),
	}, required{
		"holder": words.allowed,
		"number": words.allowed,
		"from":   date.allowed,
		"until":  date.allowed,
	})
	if len(v.doc.problems) == before && l.Until.String() < l.From.String() {
		v.problem("ends on %s, before it begins on %s", l.Until, l.From)
	}
}
