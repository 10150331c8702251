"""Paths over documents as HR systems really send them (RFC 7644 3.10, P13)."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.paths import Document, PathError, parse_path

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PERSON: dict[str, Any] = {
    "userName": " jdoe ",
    "Title": "Clerk",
    "nickName": "",
    "active": "1",
    "name": {"givenName": "Jo"},
    "emails": [
        {"type": "home", "value": "jo@mail.example", "primary": True},
        {"type": "WORK", "value": "second@norhaven.example"},
        {"type": "work", "value": "first@norhaven.example", "primary": "true"},
        {"value": "untyped@norhaven.example"},
    ],
    "phoneNumbers": {"type": "Work", "value": "  +33 4 5550 0100 "},
    "addresses": [{"type": "work", "locality": "Lyon"}, {"type": "work", "region": "ARA"}],
    "roles": ["a", " ", "b"],
    ENTERPRISE.upper(): {"manager": "E1", "department": "Optics"},
}


def read(path: str, document: dict[str, Any] = PERSON, several: bool = False) -> Any:
    parsed = parse_path(path)
    found = parsed.read(Document(document), several)
    reading, shared = parsed.reading(several), Document(document)
    assert [reading(shared), reading(shared)] == [found, found]
    return found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("userName", "jdoe"),
        ("USERNAME", "jdoe"),
        ("title", "Clerk"),
        ("nickName", None),
        ("missing", None),
        ("name", None),
        ("name.givenName", "Jo"),
        ("name.familyName", None),
        ("title.value", "Clerk"),
        ("title.other", None),
        ("urn:ietf:params:scim:schemas:core:2.0:User:title", "Clerk"),
        (f"{ENTERPRISE}:department", "Optics"),
        (f"{ENTERPRISE}:manager.value", "E1"),
        (f"{ENTERPRISE}:manager", "E1"),
        ("urn:other:User:department", None),
        ("emails.value", "jo@mail.example"),
        ('emails[type eq "work"].value', "first@norhaven.example"),
        ('emails[type eq "work"]', "first@norhaven.example"),
        ('emails[type eq "work" and primary eq false].value', None),
        ('emails[type eq "work" and primary ne true].value', "second@norhaven.example"),
        ("emails[not (type pr)].value", "untyped@norhaven.example"),
        ('emails[type ne "home" and type pr].value', "first@norhaven.example"),
        ('emails[value ew "@mail.example" or value sw "x"].value', "jo@mail.example"),
        ('emails[(value co "second")].value', "second@norhaven.example"),
        ('emails[type eq "other"].value', None),
        ('phoneNumbers[type eq "work"].value', "+33 4 5550 0100"),
        ('roles[value eq "b"]', "b"),
        ("roles", ("a", "b")),
        ('addresses[type eq "work"].locality', "Lyon"),
        ('addresses[type eq "work"].region', None),
    ],
)
def test_reads(path, expected):
    assert read(path) == expected


def test_several_gives_all_primary_first():
    assert read('emails[type eq "work"].value', several=True) == (
        "first@norhaven.example",
        "second@norhaven.example",
    )


@pytest.mark.parametrize(
    "document",
    [
        {"emails": None},
        {"emails": []},
        {"emails": {}},
        {"emails": [None, 1, [], {"value": {"a": 1}}, {"value": None}]},
        {"emails": float("nan")},
    ],
)
def test_odd_documents_give_nothing_or_a_plain_value(document):
    assert read('emails[type eq "work"].value', document) is None
    assert read("emails.value", document) in (None, 1)


@pytest.mark.parametrize(
    ("reads", "emptied", "expected"),
    [
        ("title", "title", True),
        ("title", "Title", True),
        ("title", "name", False),
        ("name.givenName", "name", True),
        ("name.givenName", "name.middleName", False),
        (f"{ENTERPRISE}:manager.value", f"{ENTERPRISE}:manager", True),
        (f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value", True),
        (f"{ENTERPRISE}:department", ENTERPRISE, True),
        (f"{ENTERPRISE}:title", "title", False),
        ("title", "urn:ietf:params:scim:schemas:core:2.0:User:title", True),
        ('emails[type eq "work"].value', "emails", True),
        ('emails[type eq "work"].value', 'emails[type eq "work"]', True),
        ('emails[type eq "work"].value', 'emails[type eq "home"]', False),
        ('emails[type eq "work" or not (type pr)].value', 'emails[type eq "work"].value', True),
        ("emails[not (type pr)].value", 'emails[type eq "work"]', False),
        ("emails[not (type pr)].value", "emails[not (type pr)].value", True),
    ],
)
def test_what_the_source_emptied_covers_what_was_read(reads, emptied, expected):
    assert parse_path(reads).cleared_by(parse_path(emptied)) is expected


@pytest.mark.parametrize(
    "path",
    ["", "a b", "a.b.c", "a[", "a[]", "a[b]", 'a[b eq "x"', 'a[b eq "x"]c', "x:a", "a..b", "1a",
     'a[b eq "x" and]', "a[not b pr]", "a[(b pr]", 'a["b" eq "x"]', 'a[b eq "x]', "a[b eq x]",
     "a[" + "(" * 50 + "b pr" + ")" * 50 + "]"],
)  # fmt: skip
def test_what_is_not_a_path_is_refused_with_a_remedy(path):
    with pytest.raises(PathError, match="; "):
        parse_path(path)
