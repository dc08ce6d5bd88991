package number

import (
	"strings"
	"testing"
)

func TestSpellings(t *testing.T) {
	for _, tc := range []struct {
		in, e164 string
		class    Class
	}{
		// plain
		{"0312345678", "+81312345678", Fixed},
		{"+81312345678", "+81312345678", Fixed},
		{"81312345678", "+81312345678", Fixed},
		{"03-1234-5678", "+81312345678", Fixed},
		{"(03)1234-5678", "+81312345678", Fixed},
		{"+81 3 1234 5678", "+81312345678", Fixed},
		{"+81(0)3-1234-5678", "+81312345678", Fixed},
		{"+810312345678", "+81312345678", Fixed},
		{"０３－１２３４－５６７８", "+81312345678", Fixed},
		{"０３ー１２３４ー５６７８", "+81312345678", Fixed},
		{"＋８１３１２３４５６７８", "+81312345678", Fixed},
		{"\u202a0312345678\u202c", "+81312345678", Fixed},
		// dialled
		{"010810312345678", "+81312345678", Fixed},
		{"01081312345678", "+81312345678", Fixed},
		{"0081312345678", "+81312345678", Fixed},
		{"00810312345678", "+81312345678", Fixed},
		{"00330312345678", "+81312345678", Fixed},   // 0033: a carrier, because 0 follows
		{"002220312345678", "+81312345678", Fixed},  // 002YZ
		{"0091200312345678", "+81312345678", Fixed}, // 0091XY
		{"003301081312345678", "+81312345678", Fixed},
		{"1840312345678", "+81312345678", Fixed},
		{"186-03-1234-5678", "+81312345678", Fixed},
		{"1220312345678", "+81312345678", Fixed},
		{"1841220312345678", "+81312345678", Fixed},
		{"1221860312345678", "+81312345678", Fixed},
		{"18400330312345678", "+81312345678", Fixed},
		{"184010819012345678", "+819012345678", Mobile},
		{"184+81312345678", "+81312345678", Fixed},
		// URIs
		{"tel:+81-3-1234-5678", "+81312345678", Fixed},
		{"TEL:0312345678", "+81312345678", Fixed},
		{"sip:+81312345678@ims.example.jp;user=phone", "+81312345678", Fixed},
		{"sips:0312345678@192.0.2.1:5061", "+81312345678", Fixed},
		{"sip:0312345678:secret@192.0.2.1", "+81312345678", Fixed},
		{"sip:%2B81312345678@example.jp", "+81312345678", Fixed},
		{"%2b81312345678", "+81312345678", Fixed},
		{"+81312345678@example.jp", "+81312345678", Fixed},
		{"+81312345678;npdi;rn=+81398765432", "+81312345678", Fixed},
		{"sip:0312345678;npdi;rn=+81398765432@example.jp;user=phone", "+81312345678", Fixed},
		{"tel:+81312345678;isub=1234", "+81312345678", Fixed},
		{"0312345678;cpc=ordinary", "+81312345678", Fixed},
		{"tel:0312345678;phone-context=+81", "+81312345678", Fixed},
		{"tel:312345678;phone-context=+81", "+81312345678", Fixed},
		{"tel:12345678;phone-context=+813", "+81312345678", Fixed},
		{"tel:12345678;isub=1;Phone-Context=%2B813", "+81312345678", Fixed},
		{"sip:0312345678;phone-context=example.jp@example.jp", "+81312345678", Fixed},
		{"tel:2125550123;phone-context=+1", "+12125550123", International},
		// classes
		{"0120123456", "+81120123456", Free},
		{"08001234567", "+818001234567", Free},
		{"0570123456", "+81570123456", Navi},
		{"0990123456", "+81990123456", Premium},
		{"0180123456", "+81180123456", Premium},
		{"0170123456", "+81170123456", Premium},
		{"0910123456", "+81910123456", Premium},
		{"05012345678", "+815012345678", IP},
		{"06012345678", "+816012345678", Mobile},
		{"06001234567", "+816001234567", FMC},
		{"07012345678", "+817012345678", Mobile},
		{"08012345678", "+818012345678", Mobile},
		{"09012345678", "+819012345678", Mobile},
		{"02012345678", "+812012345678", M2M},
		{"02041234567", "+812041234567", Pager},
		{"02001234567890", "+812001234567890", M2M},
		{"+8102001234567890", "+812001234567890", M2M},
		{"0220123456", "+81220123456", Fixed}, // an area code, not added feature
		{"0123456789", "+81123456789", Fixed},
		{"0184123456", "+81184123456", Fixed}, // an area code, not the prefix 184
		{"0600000000", "", Unreadable},
		// service and emergency
		{"110", "110", Emergency},
		{"118", "118", Emergency},
		{"119", "119", Emergency},
		{"184110", "110", Emergency},
		{"186119", "119", Emergency},
		{"184186110", "110", Unreadable}, // one such prefix only
		{"１１０", "110", Emergency},
		{"sip:110@example.jp", "110", Emergency},
		{"tel:119;phone-context=+81", "119", Emergency},
		{"tel:119;phone-context=+1", "119", Emergency},
		{"+81110", "110", Emergency},
		{"104", "104", Service},
		{"tel:117;phone-context=+81", "117", Service},
		{"184", "184", Service},
		{"1421", "1421", Service},
		{"112", "112", Service},
		// foreign
		{"+12125550123", "+12125550123", International},
		{"01012125550123", "+12125550123", International},
		{"0012125550123", "+12125550123", International},
		{"0033140000000", "+33140000000", International}, // no 0 after XY: France
		{"0012035550123", "+12035550123", International}, // 0 after XY, but no whole number behind it
		{"0033010442079460000", "+442079460000", International},
		{"+6834000", "+6834000", International},
		// withheld
		{"anonymous", "", Anonymous},
		{"sip:anonymous@anonymous.invalid", "", Anonymous},
		{"sip:Anonymous@anonymous.invalid", "", Anonymous},
		{"Restricted", "", Anonymous},
	} {
		n, err := Parse(tc.in)
		if tc.class == Unreadable {
			if err == nil {
				t.Errorf("%q: read as %s, want an error", tc.in, n.E164())
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if n.E164() != tc.e164 || n.Class() != tc.class {
			t.Errorf("%q: %s %v, want %s %v", tc.in, n.E164(), n.Class(), tc.e164, tc.class)
		}
	}
}

func TestRefusedWithReason(t *testing.T) {
	for in, want := range map[string]error{
		"":                          errEmpty,
		"+":                         errEmpty,
		"---":                       errEmpty,
		"tel:":                      errEmpty,
		"sip:example.jp":            errUser,
		"sip:1.1.0.0":               errUser,
		"12345678":                  errService,
		"23456789":                  errLocal,
		"1234-5678":                 errService,
		"312345678":                 errNoPrefix, // the spreadsheet ate the 0
		"9012345678":                errNoPrefix,
		"120123456":                 errService,
		"031234567":                 errLength,
		"03123456789":               errLength,
		"0901234567":                errLength,
		"+813123456789":             errLength,
		"+8131234567":               errLength,
		"0":                         errLength,
		"03012345678":               errUnassigned,
		"05001234567":               errUnassigned,
		"09001234567":               errUnassigned,
		"+0312345678":               errCountry,
		"0000312345678":             errCountry,
		"+81+312345678":             errPlus,
		"03+12345678":               errPlus,
		"1844+81312345678":          errPlus,
		"8.13E+10":                  errCharacter,
		"0312345678,,1":             errCharacter,
		"*21*0312345678":            errCharacter,
		"alice":                     errCharacter,
		"%":                         errCharacter,
		"%E3%80%80":                 errCharacter,
		"0312345678\xff":            errCharacter,
		"+1234567890123456":         errLength,
		"+123456":                   errLength,
		strings.Repeat("0", 33):     errTooLong,
		strings.Repeat(" ", 513):    errTooLong,
		"tel:0125;phone-context=+1": errContext,
		"tel:" + strings.Repeat("1", 31) + ";phone-context=+81": errTooLong,
	} {
		if n, err := Parse(in); err != want || n != (Number{}) {
			t.Errorf("%q: %v, %v; want %v", in, n, err, want)
		}
	}
}

func TestDialledPresentation(t *testing.T) {
	for in, want := range map[string]Presentation{
		"0312345678":         Unspecified,
		"1840312345678":      Withhold,
		"1860312345678":      Present,
		"1221840312345678":   Withhold,
		"184110":             Withhold,
		"184+81312345678":    Withhold,
		"0184123456":         Unspecified,
		"+81312345678":       Unspecified,
		"184":                Unspecified, // the service code itself
		"sip:anonymous@a.jp": Unspecified,
	} {
		if _, p, err := ParseDialled(in); err != nil || p != want {
			t.Errorf("%q: %v, %v; want %v", in, p, err, want)
		}
	}
}
