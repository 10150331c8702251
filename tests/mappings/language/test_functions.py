"""Every function with its edges. What Entra documents of them is in test_entra_documentation."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mappings.language.expression import FUNCTIONS, Expression, Given, Names
from mappings.paths import Document, parse_path
from mappings.trying import evaluate
from tests.mappings.language.answers import NOW, answer, error, value

PERSON = {
    "given": "Jürgen",
    "family": "O'Neil-Łukasiewicz",
    "blank": "  padded  ",
    "empty": "",
    "list": ["b", "a", "b"],
    "nested": [{"value": "x"}, {"value": "y", "primary": True}],
    "number": 42568.75,
    "one": 1,
    "yes": True,
    "phone": "+1 (999) 888-7777",
    "mail": "john_doe72@norhaven.example",
    "zone": "Europe/Berlin",
}

CASES = [
    # Text
    ('Append([none], "b")', "b"),
    ('Join(", ", [none], [given])', "Jürgen"),
    ('Join("-", " ", "a")', " -a"),
    ('Join(",", [list], [nested])', "b,a,b,x,y"),
    ('Join([none], "a", "b")', "ab"),
    ('Join("+", 1, [yes], 2.50, CDate("2026-03-16"))', "1+True+2.5+3/16/2026 12:00:00 AM"),
    ('Left("Puppy", "3")', "Pup"),
    ('Mid("Johnson", "6", "9")', "on"),
    ('Mid("Johnson", 9, 1)', ""),
    ("Mid([none], 1, 1)", ""),
    ('Len("")', "0"),
    ("Len([none])", "0"),
    ('InStr("abcabc", "c", 4)', "6"),
    ('InStr("abc", "a", 0)', "0"),
    ('InStr([none], "x")', "0"),
    ('Word("a,,b", 2, ",")', "b"),
    ('Word("a b", 1, "")', "a b"),
    ('StripSpaces(" a b\tc ")', "ab\tc"),
    ("StripSpaces([none])", None),
    ('Trim("\t a ")', "a"),
    ('ToLower("ÄB")', "äb"),
    ('ToLower("IİX", "tr-TR")', "ıix"),
    ('ToLower("IİX")', "iİx"),
    ('ToUpper("iı", "tr-TR")', "İI"),
    ('ToUpper("iı")', "Iı"),
    ('ToUpper("aß")', "Aß"),
    ('ToUpper("straße", "de-DE")', "STRAßE"),
    ("ToLower([list])", ["b", "a", "b"]),
    ("ToLower([none])", None),
    ('PCase("aN uPPer o\'neil-smith (x)")', "An Upper O'neil-Smith (X)"),
    ('PCase("éMILE _x+y z2a 1ST o’neil")', "Émile _X+Y Z2a 1St O’Neil"),
    ('PCase("map-name joe", "-")', "Map-Name joe"),
    # Multi-valued
    ("Count([list])", "3"),
    ("Count([none])", "0"),
    ("Count([given])", "1"),
    ("Item([list], 1)", "b"),
    ("Item([nested], 2)", "y"),
    ("Item([none], 1)", None),
    ('Contains([list], "A")', "0"),
    ('Contains([list], "A", CaseInsensitive)', "2"),
    ('Contains([none], "a")', "0"),
    ("RemoveDuplicates([list])", ["b", "a"]),
    ("RemoveDuplicates([none])", None),
    ('Split("a,,b", ",")', ["a", "", "b"]),
    ('Split("abc", "")', ["abc"]),
    ('Split([none], ",")', None),
    ('List([list], "", [none], 1)', ["b", "a", "b", "1"]),
    ("List([none])", None),
    ("Sort([list])", ["a", "b", "b"]),
    ('Without([list], "b", [none])', ["a"]),
    ('Without([list], [list])', None),
    # Logic
    ('IIF([none], "a", )', None),
    ('IIF("perhaps", "a", "b")', "b"),
    ('Switch([given], "d", "Jürgen", "hit")', "hit"),
    ('Switch([given], "d", "jürgen", "hit")', "d"),
    ('Switch([given], , "x", "y")', None),
    ('Switch([yes], "d", "True", "yes")', "yes"),
    ('Switch([one], "d", "1", "yes")', "yes"),
    ('Switch([given], "d", [given], "first", "Jürgen", "second")', "first"),
    ('Switch("a", "d", "a", "first", "a", "second")', "first"),
    ('Coalesce([none], "", [given])', ""),
    ("Coalesce([none])", None),
    ('FirstOf([none], [empty], "x")', "x"),
    ("FirstOf([none], [empty])", None),
    ("CBool(-1)", "True"),
    ('CBool("True")', "True"),
    ('CBool("1" = 1)', "True"),
    ("CBool([none])", None),
    ("And([yes], [one])", "True"),
    ("And([yes], [none])", "False"),
    ("Or([none], [empty])", "False"),
    ('In([list], "c", "a")', "True"),
    ('In([one], "2", 1.0)', "True"),
    ('In([none], "")', "False"),
    ("BitAnd(\"12\", 10)", "8"),
    ("IsString(CDate(\"2026-03-16\"))", "False"),
    ("IsString([none])", "False"),
    # Replace
    ('Replace("a.b.a", "a", , , "x")', "x.b.x"),
    ('Replace("a.b", "A", , , "x")', "a.b"),
    ('Replace("abc", "b", , , "")', "ac"),
    ('Replace("Doe John", , "(?<a>\\w+) (?<b>\\w+)", , "${b} $1 $$1 ${no} $9")',
     "John Doe $1 ${no} $9"),
    ('Replace("ab", , "(?<n>a)(b)", , "$1$2")', "ba"),  # .NET numbers the nameless first
    ('Replace("abc", , "b", , "[$&$`$\'$_]")', "a[bacabc]c"),
    ('Replace("ab12cd34", , "[a-z]+(?<n>\\d)", "n", "_")', "ab_2cd_4"),
    ('Replace("ab", , "(a)(b)", "2", "_")', "a_"),
    ('Replace("x", , "(?<n>y)", "n", , "zzy")', "x"),
    ('Replace([none], , "(?<n>y)", "n", , "zzz")', None),
    ('Replace([none], "a", , , "b")', None),
    # Conversions
    ("CStr([none])", None),
    ("CStr(129699324000000000)", "129699324000000000"),
    ("CStr(0.000001)", "0.000001"),
    ("ConvertToBase64([none])", None),
    ('ConvertFromBase64(ConvertToBase64("Zoë 𝄞"))', "Zoë 𝄞"),
    ('ConvertFromBase64("QQ==", ASCII)', "A"),
    ('ConvertToUTF8Hex("ë")', "C3AB"),
    ('DNComponent("cn=a\\2Cb + uid=7,ou=x", 1)', "a,b"),
    ('DNComponent("cn=a,ou=x y", 2)', "x y"),
    ('DNComponent([none], 1)', None),
    ('StringFromSid("s-1-5-18")', "S-1-5-18"),
    ('StringFromSid("010100000000000512000000")', "S-1-5-18"),
    ('StringFromSid("AQEAAAAAAAUSAAAA")', "S-1-5-18"),
    ("StringFromSid([none])", None),
    # Dates
    ('CDate("2026-03-16T09:30:15.5+01:00")', "3/16/2026 8:30:15 AM"),
    ('CDate("2026-03-16 09:30")', "3/16/2026 9:30:00 AM"),
    ('CDate("3/16/2026 9:30 pm")', "3/16/2026 9:30:00 PM"),
    ('CDate("12/31/2026 12:00:00 AM")', "12/31/2026 12:00:00 AM"),
    ('CDate("16 Mar 2026")', "3/16/2026 12:00:00 AM"),
    ('CDate("March 16, 2026 08:00")', "3/16/2026 8:00:00 AM"),
    ('CDate("Mon, 16 Mar 2026 08:00:00 GMT")', "3/16/2026 8:00:00 AM"),
    ('CDate("/Date(1773619200000)/")', "3/16/2026 12:00:00 AM"),
    ("CDate([none])", None),
    ("CDate([empty])", None),
    ("CDate(CDate(\"2026-03-16\"))", "3/16/2026 12:00:00 AM"),
    ('DateAdd("YYYY", "1", "2024-02-29")', "2/28/2025 12:00:00 AM"),
    ('DateAdd("m", -1, "2026-03-31")', "2/28/2026 12:00:00 AM"),
    ('DateAdd("s", 90, "2026-03-16")', "3/16/2026 12:01:30 AM"),
    ('DateAdd("n", -1, "2026-03-16")', "3/15/2026 11:59:00 PM"),
    ('DateAdd("d", 1, [none])', None),
    ('DateDiff("d", "2026-03-16T00:00:00Z", "2026-03-16T23:59:59Z")', "0"),
    ('DateDiff("d", "2026-03-16T00:00:00Z", "2026-03-15T00:00:01Z")', "0"),
    ('DateDiff("h", "2026-03-16T00:00:00Z", "2026-03-15T22:30:00Z")', "-1"),
    ('DateDiff("ww", "2026-03-14", "2026-03-15")', "1"),
    ('DateDiff("ww", "2026-03-15T23:00:00Z", "2026-03-21T01:00:00Z")', "0"),
    ('DateDiff("ww", "2026-03-15", "2026-03-14")', "-1"),
    ('DateDiff("m", "2026-01-31", "2026-02-01")', "1"),
    ('DateDiff("yyyy", "2025-12-31", "2026-01-01")', "1"),
    ("DateFromNum(0)", "1/1/1601 12:00:00 AM"),
    ('NumFromDate("1601-01-01T00:00:00Z")', "0"),
    ('NumFromDate("2025-12-31T23:59:59-08:00")', "134117279990000000"),
    ('NumFromDate("2025-12-31")', "134116128000000000"),
    ('NumFromDate(CDate("1/1/2012 11:00:00 PM"))', "129699324000000000"),
    ("NumFromDate([none])", None),
    ("NumFromDate([empty])", None),
    ('FormatDateTime("12/31/2025 05:07:09 PM", , "M/d/yyyy hh:mm:ss tt", "yyyyMMddHHmmss.fZ")',
     "20251231170709.0Z"),
    ('FormatDateTime("2026-03-16", "yyyy-MM-dd", "dd.MM.yy")', "16.03.26"),
    ('FormatDateTime("2026-03-16+08:00", , "yyyy-MM-ddzzz", "d MMM zzz")', "16 Mar +08:00"),
    ('FormatDateTime("2026-03-16+08:00", "AdjustToUniversal", "yyyy-MM-ddzzz", "yyyy-MM-dd HH:mm")',
     "2026-03-15 16:00"),
    ('FormatDateTime(" 2026-03-16 ", , "yyyy-MM-dd", "%d")', "16"),
    ('FormatDateTime("2026 - 03", "AllowWhiteSpaces", "yyyy-MM", "MM")', "03"),
    ('FormatDateTime("16 march 2026", , "d MMMM yyyy", "dddd \'the\' d\\t\\h")', "Monday the 16th"),
    ('FormatDateTime("01:02:03.4500000Z", , "HH:mm:ss.fffffffK", "h:m:s.FFF t K")', "1:2:3.45 A Z"),
    ('FormatDateTime([none], , "yyyy", "yy")', None),
    ('FormatDateTime(CDate("2026-03-16"), , "never read", "yyyy")', "2026"),
    ('Date("2026-03-16-08:00")', "2026-03-16"),
    ('Date("2026-03-16+14:00")', "2026-03-16"),
    ('Date(" 2026-03-16 ")', "2026-03-16"),
    ('Date("/Date(1773619200000+0000)/")', "2026-03-16"),
    ('Date("/Date(-86400000)/")', "1969-12-31"),
    ('Date("20260316")', "2026-03-16"),
    ('Date("1773619200000")', "2026-03-16"),
    ('Date("2026/03/16")', "2026-03-16"),
    ('Date("2026-3-6")', "2026-03-06"),
    ('Date("16.03.2026")', "2026-03-16"),
    ('Date("6.3.2026 00:00:00")', "2026-03-06"),
    ('Date("16-Mar-2026")', "2026-03-16"),
    ('Date("16 March 2026 23:00 -08:00")', "2026-03-16"),
    ('Date("March 16, 2026")', "2026-03-16"),
    ("Date([none])", None),
    ('Date("1583-01-01T00:00:00Z")', "1583-01-01"),
    ('Date("1600-01-01")', "1600-01-01"),
    ('Date("9999-12-31T23:59:59.999-12:00")', "9999-12-31"),
    ('StartOfDay("9999-12-31", "Etc/GMT+12")', "12/31/9999 12:00:00 PM"),
    ('StartOfDay("2026-03-29", [zone])', "3/28/2026 11:00:00 PM"),
    ('StartOfDay("2026-03-30", [zone])', "3/29/2026 10:00:00 PM"),
    ("StartOfDay([none], [zone])", None),
    ('DayIn("2026-03-16T23:30:00Z", [zone])', "2026-03-17"),
    ("DayIn([none], [zone])", None),
    ("DayIn(Now(), \"Pacific/Auckland\")", "2026-03-16"),
    ("Now()", "3/16/2026 9:00:00 AM"),
    # Directories and roles
    ('SelectUniqueValue([none], [empty], "b")', "b"),
    ("SingleAppRoleAssignment([none])", None),
    ("AppRoleAssignments([list])", ["b", "a", "b"]),
    ("AppRoleAssignmentsComplex([none])", None),
    # Ours
    ("Ascii([given])", "Juergen"),
    ('Ascii("Åse Østgård Æsir ßŁłðÞ")', "Aase Oestgaard Aesir ssLldTh"),
    ('Ascii("Zoë Świętochowski Dvořák")', "Zoe Swietochowski Dvorak"),
    ('Ascii("Дмитрий")', "Dmitriy"),
    ('NormalizeDiacritics("đ 王")', "đ 王"),
    ('Transliterate("Jürgen Groß", "de-DE")', "Juergen Gross"),
    ('Transliterate("ÖZGÜR IŞIK", "tr")', "OZGUR ISIK"),
    ('Transliterate("Äijälä", "fi")', "Aijala"),
    ('Transliterate("Ærø ÅS", "da")', "Aeroe AAS"),
    ('Transliterate("Đorđević", "hr")', "Djordjevic"),
    ('Transliterate("Ђорђе Љубић", "sr")', "Djordje Ljubic"),
    ('Transliterate("Щербак Єгор", "uk")', "Shcherbak Yehor"),
    ('Transliterate("Щербак Егор", "ru")', "Shcherbak Egor"),
    ('Transliterate("София Щерева", "bg-BG")', "Sofia Shtereva"),
    ('Transliterate("Γιώργος Παπαδόπουλος", "el")', "Giorgos Papadopoulos"),
    ('Transliterate("Ευαγγελία Μπάκα", "el")', "Evangelia Baka"),
    ('Transliterate("Jürgen", "xx")', "Juergen"),
    ("Transliterate([none], \"de\")", None),
    ('AccountName([family])', "oneil-lukasiewicz"),
    ('AccountName("a very long name that does not fit")', "averylongnamethatdoe"),
    ('AccountName("abc.defgh", 4)', "abc"),
    ('AccountName(".a/b[c]:d;e|f=g,h+i*j?k<l>m@n ")', "abcdefghijklmn"),
    ('AccountName("!!!")', None),
    ("AccountName([none])", None),
    ('Country("de", "alpha2")', "DE"),
    ('Country("276", "numeric")', "276"),
    ('Country("Germany", "alpha3")', "DEU"),
    ('Country("36", "alpha2")', "AU"),
    ('Country("germany", "alpha2")', "DE"),
    ('Country("United Kingdom", "alpha2")', "GB"),
    ('Country("UK", "alpha2")', "GB"),
    ('Country("Türkiye", "name")', "Türkiye"),
    ('Country("Turkey", "numeric")', "792"),
    ('Country("South Korea", "alpha2")', "KR"),
    ('Country("Korea, Republic of", "name")', "South Korea"),
    ('Country("Czech Republic", "alpha2")', "CZ"),
    ("Country([none], \"alpha2\")", None),
    ("Mail([mail])", "john_doe72@norhaven.example"),
    ('Mail(List("no address", [mail]))', "john_doe72@norhaven.example"),
    ("Mail([none])", None),
    ('GuidKey("U10001")', "U10001"),
    ('EscapeDNComponent("R&D, \\"Optics\\" <1>;+=")', r'R&D\, \"Optics\" \<1\>\;\+\='),
    ('EscapeDNComponent("#1")', r"\#1"),
    ('EscapeDNComponent(" a ")', "\\ a\\ "),
    ('EscapeDNComponent(" ")', "\\ "),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[case[0] for case in CASES])
def test_gives(source, expected):
    assert value(source, PERSON) == expected


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('Mid([mail], 0, 1)', "Mid: the start counts from 1"),
        ('Mid([mail], [given], 1)', "Mid: start is not a number"),
        ('Left([mail], [given])', "Left: count is not a number"),
        ("Left([mail], [none])", "Left: count is not a number"),
        ("Item([list], 4)", "Item: there is no value number 4"),
        ("Item([list], 0)", "Item: there is no value number 0"),
        ("CBool([given])", "CBool: neither true nor false"),
        ("CDate([given])", "CDate: expression is not a date"),
        ('CDate(Append([none], "2026-13-01"))', "CDate: expression is not a date"),
        ('CDate(Append([none], "13:00 PM"))', "CDate: expression is not a date"),
        ('DateAdd([given], 1, "2026-03-16")', "DateAdd: the interval is one of"),
        ('DateAdd("yyyy", 9999, Append("2026-03-16", [none]))', "DateAdd: the result is beyond"),
        ('DateDiff("d", Now(), CDate([none]))', "DateDiff: there is no date"),
        ("DateFromNum(Append([none], \"9223372036854775807\"))", "DateFromNum: the value"),
        ("NumFromDate([given])", "NumFromDate: not an ISO 8601 date"),
        ('NumFromDate(Append([none], "12/31/2025"))', "NumFromDate: not an ISO 8601 date"),
        ('NumFromDate(Append([none], "9999-12-31T23:59:59-04:00"))', "NumFromDate: beyond year"),
        ('FormatDateTime([given], , "yyyy", "yy")', "FormatDateTime: the value does not fit"),
        ('FormatDateTime(Append([none], "1:00 AM"), , "hh:mm tt", "HH")', "FormatDateTime:"),
        ('FormatDateTime(Append([none], "13:00 AM"), , "hh:mm tt", "HH")', "FormatDateTime:"),
        ('FormatDateTime([mail], , [none], "HH")', "FormatDateTime: the date format is empty"),
        ('Date([given])', "Date: not a date"),
        ('Date(Append([none], "2026-02-30"))', "Date: not a date"),
        ('Date(Append([none], "20260230"))', "Date: not a date"),
        ('Date(Append([none], "16032026"))', "Date: not a date"),
        ('Date(Append([none], "1773619200"))', "Date: not a date"),
        ('Date(Append([none], "03/04/2026"))', "Date: not a date"),
        ('Date(Append([none], "03/16/2026"))', "Date: not a date"),
        ('Date(Append([none], "30.02.2026"))', "Date: not a date"),
        ('Date(Append([none], "2026.13.01"))', "Date: not a date"),
        ('Date(Append([none], "16-Foo-2026"))', "Date: not a date"),
        ('Date(Append([none], "16.03.26"))', "Date: not a date"),
        ('Date(Append([none], "2026-03-16garbage"))', "Date: not a date"),
        ('Date(Append([none], "2026-03-16T99:00:00Z"))', "Date: not a date"),
        ('Date(Append([none], "/Date(999999999999999)/"))', "Date: not a date"),
        ('Date(Append([none], "0001-01-01T00:00:00Z"))', "Date: not a date"),
        ('Date(Append([none], "1582-12-31"))', "Date: not a date"),
        ('Date(Append([none], "00010101"))', "Date: not a date"),
        ('Date(Append([none], "1.1.0001"))', "Date: not a date"),
        ('Date(Append([none], "/Date(-62135596800000)/"))', "Date: not a date"),
        ('StartOfDay("0001-01-01", [zone])', "StartOfDay: not a date"),
        ('DayIn("9999-12-31T23:00:00Z", [zone])', "DayIn: the day is beyond year 9999"),
        ('StartOfDay("2026-03-16", [given])', "StartOfDay: zone is not a time zone"),
        ("DayIn(Now(), [none])", "DayIn: zone is not a time zone"),
        ('Country([given], "alpha2")', "Country: no such country"),
        ('Country("DE", [given])', "Country: the form is one of"),
        ("Mail([given])", "Mail: not a valid address"),
        ('Mail(Append([none], "jane doe@norhaven.example"))', "Mail: not a valid address"),
        ('Mail(Append([none], ".a@norhaven.example"))', "Mail: not a valid address"),
        ('Mail(Append([none], "a@@norhaven.example"))', "Mail: not a valid address"),
        ('Mail(Append([none], "a@-norhaven.example"))', "Mail: not a valid address"),
        ('Replace([mail], , Append("j", [none]), "9", "x")', "Replace: the pattern has no group"),
        ('Replace([mail], , Append("(", [none]), , "x")', "Replace: the pattern cannot be used"),
        ("ConvertFromBase64([mail])", "ConvertFromBase64: not Base64"),
        ('ConvertFromBase64(Append([none], "QQ=="))', "ConvertFromBase64: not Base64"),
        ("ConvertFromBase64([mail], [given])", "ConvertFromBase64: the encoding is one of"),
        ("DNComponent([mail], 2)", "DNComponent: there is no part number 2"),
        ("StringFromSid([given])", "StringFromSid: not the bytes"),
        ("SingleAppRoleAssignment([list])", "SingleAppRoleAssignment: there are several roles"),
        ('SelectUniqueValue([none], [empty])', "SelectUniqueValue: every value is taken"),
        ("DefaultDomain()", "DefaultDomain: no default domain is known"),
        ("NewPassword()", "NewPassword: a password has no value"),
        ('Error(Append("no ", "title"))', "no title"),
        ("RandomString(2, 3, 0, 0, 0)", "RandomString: the length is at least"),
        ("RandomString(257, 3, 0, 0, 0)", "RandomString: the length is at least"),
        ('RandomString(3, 3, 0, 0, 0, "0123456789")', "RandomString: every character of a kind"),
    ],
)  # fmt: skip
def test_fails_without_telling_the_value(source, problem):
    found = error(source, PERSON)
    assert found.startswith(problem)
    assert "john" not in found
    assert "Jürgen" not in found


@pytest.mark.parametrize(
    "source",
    ["IgnoreAttributeFlow", "IgnoreObjectFlow", "IgnoreFlowIfNullOrEmpty([none])",
     'IgnoreFlowIfNullOrEmpty("")', 'IIF([yes], IgnoreAttributeFlow, "x")',
     'Append("a", IgnoreFlowIfNullOrEmpty([empty]))'],
)  # fmt: skip
def test_leaves_the_flow(source):
    assert answer(source, PERSON) == {"flow": "skip"}


def test_random_values_are_this_persons_own():
    names = Names(parse_path, {})
    guid = Expression("Guid()", names)
    document = Document({})
    one = guid.run(document, Given(seed="one"), "objectId").value
    assert one == guid.run(document, Given(seed="one"), "objectId").value
    assert one != guid.run(document, Given(seed="two"), "objectId").value
    assert one != guid.run(document, Given(seed="one"), "other").value
    assert guid.run(document).problem == (
        "Guid: this is evaluated without the person's own random seed"
    )
    twice = Expression('Join(" ", Guid(), Guid())', names).run(document, Given(seed="one"))
    first, second = str(twice.value).split()
    assert first != second
    assert Expression("Now()", names).run(document).problem == (
        "Now: this is evaluated without a time"
    )


def test_guids_that_are_given_come_in_turn():
    source = 'SelectUniqueValue(Left(Guid(), 2), Left(Guid(), 2), "last")'
    assert value(source, guids=["aa", "bb"], unique_taken=["AA"]) == "bb"
    assert value(source, guids=["aa", "bb"], unique_taken=["aa", "bb"]) == "last"
    assert "taken" in error(source, guids=["aa", "bb"], unique_taken=["aa", "bb", "LAST"])


@pytest.mark.parametrize("seed", range(20))
def test_random_strings_keep_their_promise(seed):
    line = {"expression": 'RandomString(12, 2, 3, 1, 2, "0Oo{}")'}
    made = evaluate(line, NOW, str(seed))["value"]
    assert len(made) == 12
    assert not set(made) & set("0Oo{}")
    kinds = [str.isdigit, lambda c: not c.isalnum(), str.isupper, str.islower]
    assert all(
        sum(map(kind, made)) >= least for kind, least in zip(kinds, (2, 3, 1, 2), strict=True)
    )
    digits = evaluate({"expression": "RandomString(3,3,0,0,0,)"}, NOW, str(seed))["value"]
    assert digits.isdigit()


def test_a_runaway_pattern_is_stopped():
    begun = time.perf_counter()
    found = error('Replace([x], , "(a|a)*(a|aa)+$", , "y")', {"x": "a" * 40 + "!"})
    assert time.perf_counter() - begun < 2
    assert found == "Replace: the pattern takes too long; make it simpler"


@pytest.mark.parametrize(
    "source",
    [
        'Replace([x], "a", , , [x])',
        'Replace([x], , "a", , [x])',
        'Replace([x], , "(?<g>a)", "g", [x])',
        'Replace([x], "a", , , , , [x])',
        'Join([x], Split([y], ","))',
        'Join(",", [x], Replace([y], "b", , , [x]))',
    ],
)
def test_no_result_fills_the_memory(source):
    assert "beyond all measure" in error(source, {"x": "a" * 1500, "y": "b," * 1500})


def test_roles_as_entra_sends_them():
    role = {"id": "06b07648", "value": "Admin", "displayName": "Administrators"}
    given = {"appRoleAssignments": [role]}
    assert value("SingleAppRoleAssignment([appRoleAssignments])", given) == "Admin"
    assert value("AppRoleAssignmentsComplex([appRoleAssignments])", given) == [
        '{"id":"06b07648","value":"Admin","displayName":"Administrators"}'
    ]
    assert value("AssertiveAppRoleAssignmentsComplex([appRoleAssignments])", given) == [
        '{"primary":false,"type":"WindowsAzureActiveDirectoryRole",'
        '"display":"Administrators","value":"Admin"}'
    ]
    assert value("AppRoleAssignments([r])", {"r": ['{"value": "A"}', {"displayName": "B"}]}) == [
        "A",
        "B",
    ]
    assert "not JSON" in error("AppRoleAssignments([r])", {"r": "{x"})
    assert "takes an attribute" in error('SingleAppRoleAssignment("Admin")')


def test_tables_are_looked_up():
    tables = {
        "offices": {"Lyon": {"value": "LYS"}, "Berlin": {"value": "BER"}},
        "sites": {"1": {"ou": "OU=One", "city": "Lyon"}, "2": {"ou": "OU=Two"}},
    }

    def found(source: str, city: str | None) -> object:
        line = {"expression": source, "input": {"city": city}}
        return evaluate(line, datetime(2026, 1, 1, tzinfo=UTC), "", tables)

    assert found('Lookup([city], "offices")', " Lyon ") == {"value": "LYS"}
    assert found('Lookup([city], "offices")', "lyon") == {"value": None}
    assert found('Lookup([city], "offices", , "HQ")', None) == {"value": "HQ"}
    assert found('Lookup([city], "sites", "ou")', "2") == {"value": "OU=Two"}
    assert found('Lookup([city], "sites", "city", Append("no ", "city"))', "2") == {
        "value": "no city"
    }
    for source, problem in [
        ('Lookup([city], "sites")', "sites has several columns"),
        ('Lookup([city], "sites", "zip")', "sites has no column zip"),
        ('Lookup([city], "places")', "there is no table places"),
        ("Lookup([city], [city])", "the table has to be named"),
        ('Lookup([city], "sites", [city])', "the column has to be named"),
    ]:
        assert problem in str(found(source, "1"))


def test_every_function_is_covered_here():
    here = Path(__file__)
    files = (here, here.with_name("test_entra_documentation.py"))
    text = " ".join(file.read_text(encoding="utf-8").lower() for file in files)
    assert [name for name in FUNCTIONS if f"{name}(" not in text] == []
