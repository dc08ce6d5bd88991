package stoplist

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tonegate/number"
)

func imports(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "imports", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t testing.TB, text string, mode Mode) *Listing {
	t.Helper()
	l, err := ReadCSV(strings.NewReader(text), ReadOptions{Source: "carrier-a", Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSpreadsheetHabitsReadAlikeInBothEncodings(t *testing.T) {
	for _, name := range []string{"excel-sjis.csv", "excel-utf8.csv"} {
		l, err := ReadCSV(bytes.NewReader(imports(t, name)), ReadOptions{Source: "carrier-a"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, r := range l.rows {
			o := l.orders[r.order]
			got = append(got, fmt.Sprint(r.numbers.First.E164(), " ", o.Reason, " ", o.Reference, " ", o.Holder, " ", o.From.In(JST).Format("0102"), " ", o.Until.In(JST).Format("0102")))
		}
		want := []string{
			"+81312349001 特殊詐欺 要請第１号 株式会社サンプル 0401 1001",
			"+81312349002 特殊詐欺 要請第１号 株式会社サンプル 0401 1001",
			"+81312349003 迷惑,電話 要請第２号  0101 0101",
			"+815012349001 特殊詐欺 要請第２号 表示能力テスト 0401 0101",
		}
		for i := range got {
			got[i] = strings.Replace(got[i], time.Time{}.In(JST).Format("0102"), "0101", -1)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", name, strings.Join(got, "\n"))
		}
	}
}

func TestEveryRefusalNamesLineFieldReason(t *testing.T) {
	_, err := ReadCSV(bytes.NewReader(imports(t, "broken.csv")), ReadOptions{Source: "carrier-a"})
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	want := []string{
		"3 number: scientific", "4 number: the leading 0", "5 number: the leading 0", "6 number: decimal", "7 number: emergency",
		"8 number: emergency", "9 number: emergency", "10 number: service code", "11 number: not a number", "12 number: no number",
		"13 until: ends before", "14 from: not a date", "15 from: not a date", "16 : field 7 has no heading",
		"17 : quotation mark", "18 : text after", "19 until: year",
	}
	if refusal.Count != len(want) || len(refusal.Problems) != len(want) {
		t.Errorf("%d problems, want %d", refusal.Count, len(want))
	}
	for i, p := range refusal.Problems {
		if got := fmt.Sprintf("%d %s: %s", p.Line, p.Field, p.Reason); i < len(want) && !strings.HasPrefix(got, want[i]) {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
	if strings.Contains(err.Error(), "8.13123E+10") || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("error %q", err)
	}
}

func TestGuardRails(t *testing.T) {
	own, err := number.ParseSet([]string{"0312345000-0312345999"})
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := number.ParseSet([]string{"0312340110"})
	if err != nil {
		t.Fatal(err)
	}
	guard := Guard{Own: own, Bodies: bodies}
	enumerated := func(count int) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, "031237%04d\n", i)
		}
		return b.String()
	}
	for _, tc := range []struct {
		name, text, want string
		guard            Guard
		mode             Mode
	}{
		{"block by range", "from_number,to_number\n0312340000,0312349999\n", "whole block", Guard{}, Full},
		{"block inside a range", "from_number,to_number\n0312335000,0312350000\n", "whole block", Guard{}, Full},
		{"two halves of two blocks", "from_number,to_number\n0312335000,0312344999\n", "", Guard{}, Full},
		{"block by two ranges", "from_number,to_number\n0312345000,0312349999\n0312340000,0312344999\n", "many lines", Guard{}, Full},
		{"block by enumeration", enumerated(10_000), "many lines", Guard{}, Delta},
		{"almost a block", enumerated(9_999), "", Guard{}, Delta},
		{"block by right", "from_number,to_number\n0312340000,0312349999\n", "", Guard{WholeBlocks: true}, Full},
		{"block lifted", "from_number,to_number\n0312340000,0312349999\n", "", Guard{}, LiftOnly},
		{"own number", "0312345001", "own number", guard, Delta},
		{"range over own numbers", "from_number,to_number\n0312344990,0312345000\n", "own number", guard, Delta},
		{"own number lifted", "0312345001", "", guard, LiftOnly},
		{"emergency body", "0312340110", "emergency body", guard, Delta},
		{"110 lifted", "110", "emergency", guard, LiftOnly},
		{"empty", "", "no number", Guard{}, Full},
		{"heading only", "number,reason\n", "no number", Guard{}, Full},
		{"two columns without heading", "0312349001,fraud\n", "needs a heading", Guard{}, Full},
		{"unknown column", "number,colour\n0312349001,red\n", "unknown column", Guard{}, Full},
		{"column twice", "number,number\n", "stands twice", Guard{}, Full},
		{"half a range", "from_number\n0312349001\n", "from_number and to_number", Guard{}, Full},
		{"both forms", "number,from_number,to_number\n", "from_number and to_number", Guard{}, Full},
		{"ends of two classes", "from_number,to_number\n0312349001,05012349001\n", "one class", Guard{}, Full},
		{"ends reversed", "from_number,to_number\n0312349002,0312349001\n", "one class", Guard{}, Full},
		{"UTF-16", "\xff\xfe0\x003\x00", "UTF-16", Guard{}, Full},
		{"neither encoding", "number,reason\n0312349001,\xfd\xfe\xff\n", "neither UTF-8 nor Shift_JIS", Guard{}, Full},
		{"endless line", strings.Repeat("0", maxLine+1), "longer than", Guard{}, Full},
		{"many columns", strings.Repeat(",", 70) + "1", "more than 64", Guard{}, Full},
		{"control character", "number,reason\n0312349001,\x1b[2J\n", "cannot be printed", Guard{}, Full},
		{"long text", "number,reason\n0312349001," + strings.Repeat("x", 201) + "\n", "longer than 200", Guard{}, Full},
	} {
		_, err := ReadCSV(strings.NewReader(tc.text), ReadOptions{Source: "carrier-a", Mode: tc.mode, Guard: tc.guard})
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := ReadCSV(strings.NewReader("0312349001"), ReadOptions{}); err == nil {
		t.Error("a list without a source was taken")
	}
}

func TestFirstThousandProblemsAreKept(t *testing.T) {
	_, err := ReadCSV(strings.NewReader(strings.Repeat("x1\n", 1500)), ReadOptions{Source: "carrier-a"})
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Count != 1500 || len(refusal.Problems) != maxProblems {
		t.Fatalf("%v", err)
	}
}

func TestLastWordWinsAndIsCounted(t *testing.T) {
	l := read(t, "number,reference,holder\n0312349001,R1,first\n0312349002,R1,\n+81312349001,R1,last\n0312349001,R2,beside\n", Full)
	if l.Entries() != 3 || l.Repeated != 1 {
		t.Fatalf("%d entries, %d repeated", l.Entries(), l.Repeated)
	}
	if o := l.orders[l.rows[0].order]; o.Holder != "last" {
		t.Errorf("holder %q", o.Holder)
	}
}

func TestEncodingIsDecidedOnceForTheFile(t *testing.T) {
	// The first attribute is valid UTF-8 by accident, the last one is not: both are Shift_JIS.
	text := "number,reason\n0312349001,\xc2\xb1\n" + strings.Repeat("0312349002,x\n", 40_000) + "0312349003,\x8e\xa9\n"
	l := read(t, text, Full)
	if o := l.orders[l.rows[0].order]; o.Reason != "ﾂｱ" {
		t.Errorf("reason %q", o.Reason)
	}
	// A character cut by the reader's buffer does not make UTF-8 Shift_JIS.
	for shift := range 3 {
		text := "number,reason\n" + strings.Repeat(" ", shift) + strings.Repeat("0312349001,あああああああああああ\n", 20_000)
		if jis, err := decideEncoding(strings.NewReader(text)); jis || err != nil {
			t.Errorf("shift %d: Shift_JIS %v, %v", shift, jis, err)
		}
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		"2026-03-31": "2026-04-01T00:00:00+09:00", "2026/3/31": "2026-04-01T00:00:00+09:00", "２０２６／３／３１": "2026-04-01T00:00:00+09:00",
		"2026年3月31日": "2026-04-01T00:00:00+09:00", `="2026-03-31"`: "2026-04-01T00:00:00+09:00",
		"2026-03-31 12:00": "2026-03-31T12:00:00+09:00", "2026-03-31T12:00:00Z": "2026-03-31T21:00:00+09:00", "2026/3/31 9:05": "2026-03-31T09:05:00+09:00",
	} {
		if got, err := ParseUntil(in); err != nil || got.In(JST).Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	if got, err := ParseFrom("2026-03-31"); err != nil || got.Format(time.RFC3339) != "2026-03-31T00:00:00+09:00" {
		t.Errorf("from: %v, %v", got, err)
	}
	for _, in := range []string{"46113", "31/03/2026", "2026-02-30", "1999-12-31", "soon", "2026-03"} {
		if got, err := ParseUntil(in); err == nil {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, name := range []string{"sample.csv", "ranges.csv", "broken.csv", "excel-sjis.csv", "excel-utf8.csv", "block.csv", "numbers.csv"} {
		f.Add(imports(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mode := range []Mode{Full, Delta, LiftOnly} {
			l, err := ReadCSV(bytes.NewReader(data), ReadOptions{Source: "carrier-a", Mode: mode})
			if err != nil {
				var refusal *Refusal
				if !errors.As(err, &refusal) || refusal.Count == 0 || err.Error() == "" {
					t.Fatalf("refused without a reason: %v", err)
				}
				continue
			}
			p, err := (&Table{}).Plan(l, Limits{}, By{})
			if errors.Is(err, errOverlap) {
				continue
			}
			if err != nil {
				t.Fatalf("a list that was taken cannot be applied: %v", err)
			}
			p.ChangeSet.Revision = 1
			table, err := (&Table{}).Apply(p.ChangeSet)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []string{"110", "118", "119"} {
				if v := table.FindAll([]number.Number{num(t, n)}, noon); v.Stopped != -1 {
					t.Fatalf("%s is stopped", n)
				}
			}
			if mode == Full && table.Numbers()+table.Ranges() > l.Entries() {
				t.Fatalf("%d entries became %d", l.Entries(), table.Numbers()+table.Ranges())
			}
		}
	})
}

func BenchmarkReadCSV(b *testing.B) {
	var text strings.Builder
	text.WriteString("number,reason,reference,holder,from,until\r\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "03-%04d-%04d,fraud,REQ-%d,Example Holdings,2026-04-01,\r\n", 1000+i/5000, i%5000, i/3000)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadCSV(strings.NewReader(text.String()), ReadOptions{Source: "carrier-a"}); err != nil {
			b.Fatal(err)
		}
	}
}
