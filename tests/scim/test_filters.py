"""Filters (RFC 7644 section 3.4.2.2): grammar, types, missing values, limits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim import filters, schema
from scim.errors import ScimError
from scim.filters import parse
from scim.matching import matches

USERS = schema.load().types["/Users"]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
DOCUMENT: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
    "id": "2819c223",
    "externalId": "E1",
    "userName": "BJensen",
    "title": 'The "Boss"\\é',
    "nickName": "",
    "active": True,
    "name": {"familyName": "O'Malley", "givenName": "Zoë"},
    "emails": [
        {"value": "b@work.example", "type": "work", "primary": True},
        {"value": "b@home.example", "type": "home"},
    ],
    "x509Certificates": [{"value": "TUlJ"}],
    "meta": {"lastModified": "2026-03-16T09:00:00.000Z", "resourceType": "User"},
    ENTERPRISE: {"department": "Optics", "manager": {"value": "M1"}},
    WORKER: {"fte": 0.5, "workerId": "w1", "provisioningGroups": ["One", "Two"]},
}


def holds(text: str, *, loosely: bool = False, document: Any = None) -> bool:
    return matches(parse(USERS, text, loosely=loosely), document or DOCUMENT)


@pytest.mark.parametrize(
    "text",
    [
        # RFC 7644 figure 2, on our document
        'userName eq "bjensen"',
        'name.familyName co "o\'malley"',
        'userName sw "B"',
        'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b"',
        "title pr",
        'meta.lastModified gt "2011-05-13T04:42:34Z"',
        'meta.lastModified ge "2026-03-16T10:00:00+01:00"',
        'meta.lastModified le "2026-03-16T09:00:00Z"',
        'title pr and userType ne "Employee"',
        'title pr or userType eq "Intern"',
        f'schemas eq "{ENTERPRISE}"',
        'userType ne "Employee" and (emails co "work.example" or emails.value co "example.org")',
        'userType ne "Employee" and not (emails co "example.com" or emails.value co ".org")',
        'emails[type eq "work" and value co "@work.example"]',
        'emails[type eq "work" and value co "@w"] or ims[type eq "xmpp" and value co "@x"]',
        # names, operators and literals in any case, blanks of any kind
        'USERNAME EQ "bjensen"',
        "active eq TRUE\r\n and\ttitle pr",
        f'{ENTERPRISE.upper()}:Manager.Value eq "m1"',
        f"{ENTERPRISE} pr",
        # and binds tighter than or; not tighter than and
        'userName eq "bjensen" or title pr and active eq false',
        'active eq false and title pr or userName eq "bjensen"',
        "not (active eq false) and title pr",
        "not (active eq true and title pr) or active eq true",
        # strings are JSON strings
        r'title eq "the \"boss\"\\\u00e9"',
        r'title ew "\\\u00C9"',
        # null and missing
        "displayName eq null",
        'displayName ne "x"',
        "title ne null",
        "not (displayName pr)",
        "not (nickName pr)",
        # numbers, dates, references, binaries
        f"{WORKER}:fte lt 1",
        f"{WORKER}:fte eq 5e-1",
        f"{WORKER}:fte gt -1.5",
        'meta.lastModified sw "2026-03"',
        'x509Certificates.value eq "TUlJ"',
        # lists
        f'{WORKER}:provisioningGroups eq "two"',
        f'{WORKER}:provisioningGroups[value sw "t"]',
        'emails ne "b@work.example"',
        "emails[primary eq true]",
        # primary is false where it is not said (RFC 7643 section 2.4)
        'emails[primary eq false and type eq "home"]',
        "emails.primary eq false",
        'emails[primary ne true and value co "@home"]',
        "emails.primary eq false and emails.primary eq true",
        'not (emails[primary eq false and type eq "work"])',
        "not (ims.primary eq false)",
        'emails[primary eq null and type eq "home"]',
        'emails[type eq "home" and not (primary eq true)]',
        'emails[type eq "work"].value ew ".example"',
        'emails[type eq "work"] pr',
    ],
)
def test_it_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'externalId eq "e1"',  # caseExact
        'x509Certificates.value eq "tulj x"',
        'emails[type eq "home" and value co "@work"]',
        'emails[type eq "other"].value pr',
        'emails[primary pr and type eq "home"]',
        'emails[primary ne false and type eq "home"]',
        'active eq false or userName eq "x" and title pr',
        '(userName eq "bjensen" or title pr) and active eq false',
        'displayName gt "a"',
        "title eq null",
        f'{WORKER}:workerId eq "W1"',
        'name.givenName lt "A"',
        'meta.lastModified lt "2026-03-16T09:00:00Z"',
        "ims pr",
        "not (title pr)",
    ],
)
def test_it_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "userName",
        "userName eq",
        "eq",
        'userName eq "a',
        "userName eq a",
        'userName regex "a"',
        '"a" eq userName',
        'userName eq "a" and',
        'and userName eq "a"',
        'userName eq "a" userName eq "b"',
        "(userName pr",
        "userName pr)",
        "not userName pr)",
        "emails[type pr",
        "emails[]",
        "emails[0].value pr",
        'emails[type eq "a"][type eq "b"]',
        'emails[emails[type eq "a"]]',
        'emails[type eq "work"] eq "a"',
        "name.givenName[value pr]",
        "a.b.c pr",
        "bogus pr",
        "name.bogus pr",
        "emails[bogus pr]",
        "emails[emails.value pr]",
        "urn:none:1.0:User:x pr",
        "urn:ietf:params:scim:schemas:core:2.0:User pr",
        'name eq "x"',
        f'{ENTERPRISE} eq "x"',
        "active gt true",
        "active co true",
        'active eq "true"',
        "userName eq 1",
        "userName eq true",
        'title gt null',
        f'{WORKER}:fte eq "1"',
        f"{WORKER}:fte co 1",
        'meta.lastModified gt "yesterday"',
        'x509Certificates.value gt "a"',
        'password eq "x"',
        r'userName eq "\x"',
        r'userName eq "\ud800"',
        'userName eq "\\u0000"',
        "userName eq 01",
        "userName eq 1e999",
        "userName eq NaN",
        "(" * 41 + "userName pr" + ")" * 41,
        " or ".join(["userName pr"] * 201),
        'userName eq "' + "x" * 20_000 + '"',
        "userName pr" + " " * 20_000,
        "not (" * 2000,
        "[" * 2000,
        ":" * 2000,
        "a:" * 5000,
        "\x00",
        "\ud800",
    ],
)  # fmt: skip
def test_it_is_refused(text: str) -> None:
    with pytest.raises(ScimError) as caught:
        parse(USERS, text)
    assert caught.value.status == 400
    assert caught.value.scim_type in ("invalidFilter", "invalidValue")


def test_what_is_read_loosely() -> None:
    assert holds('active eq "True"', loosely=True)
    assert holds('emails[0].value eq "B@home.example"', loosely=True)
    assert holds(f'{WORKER}:fte gt "0"', loosely=True)
    assert not holds("externalId eq 1", loosely=True)
    assert holds('shoeSize eq 44 and badge.color eq "RED"', loosely=True, document={
        "shoeSize": 44, "Badge": {"Color": "red"}
    })  # fmt: skip
    assert holds('things.value eq "b"', loosely=True, document={"things": [{"value": "b"}]})
    assert holds('things eq "b"', loosely=True, document={"things": [{"value": "b"}]})
    for operator in ("co", "sw", "ew", "gt", "ge", "lt", "le"):
        for value in (1, True, [2], {"x": 1}):
            for literal in ('"a"', "true", "1"):
                holds(f"odd {operator} {literal}", loosely=True, document={"odd": value})


def test_a_sole_equality_is_a_look_up() -> None:
    def found(text: str) -> Any:
        return filters.sole_equality(parse(USERS, text))

    assert found('userName eq "BJ"') == ("userName", "bj")
    assert found('(externalId eq "E1")') == ("externalId", "E1")
    for other in ('userName sw "a"', 'name.givenName eq "a"', "active eq true", "title pr",
                  'not (userName eq "a")', 'userName eq "a" and id eq "b"', "userName eq null",
                  f'{ENTERPRISE}:department eq "a"'):  # fmt: skip
        assert found(other) is None


names = st.sampled_from(
    ["userName", "title", "emails", "emails.value", "active", "name", f"{WORKER}:fte", "bogus",
     "meta.lastModified", "schemas", ENTERPRISE, "trueish", "emails[type pr]"]
)  # fmt: skip
literals = st.sampled_from(['"a"', '"\\u00e9"', '"2026-03-16T09:00:00Z"', "true", "null", "5"])
operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"])
atoms = st.builds("{} {} {}".format, names, operators, literals) | names.map("{} pr".format)
trees = st.recursive(
    atoms,
    lambda inner: (
        st.builds("{} and {}".format, inner, inner)
        | st.builds("{} or {}".format, inner, inner)
        | inner.map("not ({})".format)
        | inner.map("({})".format)
        | inner.map("emails[{}]".format)
    ),
    max_leaves=12,
)
noise = st.text(st.sampled_from(' ()[]".:\\anotrue5eqpr\n$-_é'), max_size=60)


@given(trees | noise | st.text(max_size=40), st.booleans())
def test_any_text_is_a_filter_or_refused(text: str, loosely: bool) -> None:
    with suppress(ScimError):
        assert matches(parse(USERS, text, loosely=loosely), DOCUMENT) in (True, False)


simple = st.sampled_from(["title pr", "active eq true", "displayName pr", 'userName eq "x"'])


@given(simple, simple, simple)
def test_the_laws_of_and_or_not(a: str, b: str, c: str) -> None:
    x, y, z = holds(a), holds(b), holds(c)
    assert holds(f"{a} or {b} and {c}") == (x or (y and z))
    assert holds(f"{a} and {b} or {c}") == ((x and y) or z)
    assert holds(f"({a} or {b}) and {c}") == ((x or y) and z)
    assert holds(f"not ({a}) and {b}") == ((not x) and y)
    assert holds(f"not ({a} and {b})") == (not (x and y))
