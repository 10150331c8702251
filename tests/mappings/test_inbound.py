"""Facts: what is said, what is emptied, what was never said, and what cannot be read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.documents import load_inbound
from mappings.inbound import Inbound, Saying
from mappings.paths import Document, PathError, parse_path
from mappings.vocabulary import FACTS

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
SF = "urn:ietf:params:scim:schemas:extension:successfactors:2.0:User"
SAP = "urn:ietf:params:scim:schemas:extension:sap:2.0:User"

GENERIC = load_inbound("generic")
WORKDAY = load_inbound("workday")
SUCCESSFACTORS = load_inbound("successfactors")


def value(fact: str, document: dict[str, Any], inbound: Any = GENERIC) -> Any:
    facts = inbound.facts(document)
    assert facts.problems == []
    return facts.values.get(fact, "never said")


def test_nothing_said_is_nothing():
    facts = GENERIC.facts({})
    assert (facts.values, facts.origins, facts.problems) == ({}, {}, [])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(True, True), (False, False), ("1", True), ("0", False), ("True", True), (" false ", False),
     (1, True), (0, False), (None, "never said"), ("", "never said")],
)  # fmt: skip
def test_active_as_hr_spells_it(sent, expected):
    assert value("active", {"active": sent}) == expected


@pytest.mark.parametrize(
    ("fact", "document"),
    [
        ("active", {"active": "perhaps"}),
        ("active", {"active": "ja"}),
        ("hireDate", {WORKER: {"hireDate": "03/04/2026"}}),
        ("hireDate", {WORKER: {"hireDate": "0001-01-01"}}),
        ("terminationDate", {WORKER: {"terminationDate": "0001-01-01T00:00:00Z"}}),
        ("effectiveDate", {WORKER: {"effectiveDate": "1582-12-31"}}),
        ("sourceModifiedAt", {WORKER: {"sourceModifiedAt": "yesterday"}}),
        ("sourceModifiedAt", {WORKER: {"sourceModifiedAt": "0001-01-01T00:00:00Z"}}),
        ("mail", {"emails": [{"type": "work", "value": "jane doe"}]}),
        ("country", {"addresses": [{"type": "work", "country": "Atlantis"}]}),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_no_value(fact, document):
    facts = GENERIC.facts(document, {"active", "emails", WORKER, "addresses"})
    assert fact not in facts.values
    (problem,) = facts.problems
    assert problem.rule.startswith("mappings/generic.yaml:")
    assert problem.rule.endswith(f" {fact}")
    for secret in ("perhaps", "ja", "16.03", "yesterday", "jane", "Atlantis"):
        assert secret not in problem.message


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        ([{"type": "work", "value": "a@norhaven.example"}], "a@norhaven.example"),
        ([{"type": "home", "value": "a@mail.example"}], "never said"),
        ([{"type": "home", "value": "a@mail.example", "primary": True},
          {"type": "Work", "value": "b@norhaven.example"}], "b@norhaven.example"),
        ([{"value": "a@norhaven.example"}, {"value": "b@norhaven.example", "primary": True}],
         "b@norhaven.example"),
        ([{"value": "a@norhaven.example", "primary": True},
          {"type": "work", "value": "b@norhaven.example"}], "b@norhaven.example"),
        ([{"type": "other", "value": "a@norhaven.example"}], "never said"),
        ({"value": "a@norhaven.example", "type": "work", "primary": "true"}, "a@norhaven.example"),
        (["a@norhaven.example"], "a@norhaven.example"),
        ([{"type": "work", "value": "not one", "primary": True},
          {"type": "work", "value": "b@norhaven.example"}], "b@norhaven.example"),
    ],
)  # fmt: skip
def test_mail_is_a_work_address_or_nothing(emails, expected):
    assert value("mail", {"emails": emails}) == expected


def test_home_phones_and_addresses_are_not_published():
    document = {
        "phoneNumbers": [{"type": "home", "value": "1"}, {"type": "fax", "value": "2"}],
        "addresses": [{"type": "home", "locality": "Lyon", "country": "FR", "primary": True}],
    }
    assert GENERIC.facts(document).values == {"fax": "2"}


def test_telephone_uris_are_numbers():
    assert value("mobile", {"phoneNumbers": {"type": "mobile", "value": "tel:+49 1"}}) == "+49 1"


@pytest.mark.parametrize(
    ("manager", "expected"),
    [
        ({"value": "E10001"}, "E10001"),
        ({"value": 10001}, "10001"),
        ("E10001", "E10001"),
        ([{"value": "E10001"}], "E10001"),
        ("NO_MANAGER", None),
        ({"value": "no_manager "}, None),
        ({"$ref": "https://hr.norhaven.example/scim/v2/Users/E10001"}, "E10001"),
        ({"$ref": "../Users/E10001"}, "E10001"),
        ({"value": "E10002", "$ref": "../Users/E10001"}, "E10002"),
        ({"displayName": "Somebody"}, "never said"),
        ("", "never said"),
    ],
)
def test_manager_in_every_shape(manager, expected):
    assert value("manager", {ENTERPRISE: {"manager": manager}}) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"displayName": "Zoë #1", "name": {"formatted": "x"}}, "Zoë #1"),
        ({"name": {"formatted": "Zoë O'Neil", "givenName": "Zoë"}}, "Zoë O'Neil"),
        ({"name": {"givenName": "Zoë", "familyName": "O'Neil"}}, "Zoë O'Neil"),
        ({"name": {"familyName": "O'Neil"}}, "O'Neil"),
        ({"name": {}, WORKER: {"legalGivenName": "Z", "legalFamilyName": "N"}}, "never said"),
    ],
)
def test_display_name_falls_back_and_legal_names_stay(document, expected):
    assert value("displayName", document) == expected


@pytest.mark.parametrize("country", ["DE", "de", "DEU", "276", 276, "Germany", " germany "])
def test_country_in_any_form(country):
    assert value("country", {"addresses": {"type": "work", "country": country}}) == "DE"


def test_emptied_by_the_source_is_null():
    facts = GENERIC.facts(
        {"userName": "a"},
        {"title", "name.middleName", f"{ENTERPRISE}:manager", "phoneNumbers", "nonsense path ["},
    )
    assert {name for name, said in facts.values.items() if said is None} == {
        "title", "middleName", "manager", "phone", "mobile", "fax"
    }  # fmt: skip
    assert facts.origins["title"].reads == ("title",)
    assert facts.values["loginName"] == "a"


def test_a_fallback_that_still_speaks_is_heard():
    document = {"name": {"givenName": "Zoë"}}
    assert GENERIC.facts(document, {"displayName"}).values["displayName"] == "Zoë"


def test_keys_and_active_are_never_nulled():
    cleared = {"active", "externalId", WORKER, ENTERPRISE, "title"}
    values = GENERIC.facts({}, cleared).values
    assert values["title"] is None
    assert not {"active", "workerId", "employeeNumber", "sourceGuid"} & set(values)


def test_no_end_is_an_explicit_nothing():
    document = {WORKER: {"terminationDate": "9999-12-31", "contractEndDate": "9999-12-31-08:00"}}
    values = GENERIC.facts(document).values
    assert values == {"terminationDate": None, "contractEndDate": None}


def test_no_end_is_none_also_where_the_rule_does_not_say_so(tmp_path):
    """No day comes after it, so that nobody can be off from the next."""
    (tmp_path / "own.yaml").write_text(
        "facts:\n  workerId: '[externalId]'\n  hireDate: '[hired]'\n"
        "  terminationDate: '[ends]'\n  contractEndDate: 'Date([ends])'\n",
        encoding="utf-8",
    )
    own = load_inbound("own", [tmp_path])
    for ends in ("9999-12-31", "9999-12-31T23:59:59Z"):
        values = own.facts({"hired": ends, "ends": ends}).values
        days = {"hireDate": "9999-12-31", "terminationDate": None, "contractEndDate": None}
        assert values == days
    before = own.facts({"ends": "9999-12-30"}).values
    assert before == {"terminationDate": "9999-12-30", "contractEndDate": "9999-12-30"}


def test_lists_are_lists():
    document = {WORKER: {"provisioningGroups": ["A", {"value": "B"}, "A", ""]}}
    assert value("groups", document) == ["A", "B"]
    assert value("groups", {WORKER: {"provisioningGroups": "A"}}) == ["A"]


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ({"status": "onLeave"}, ("onLeave", True, "never said")),
        ({"status": "RESCINDED"}, ("rescinded", "never said", True)),
        ({"hireRescinded": "1"}, ("rescinded", "never said", True)),
        ({"retired": True, "onLeave": "0"}, ("retired", False, "never said")),
        ({"status": "something else"}, ("never said", "never said", "never said")),
    ],
)
def test_status(extension, expected):
    document = {WORKER: extension}
    assert tuple(value(f, document) for f in ("status", "onLeave", "hireRescinded")) == expected


def test_workday_prefers_the_worker_number():
    document = {"externalId": "x", WORKER: {"workerId": "E1", "sourceId": "A" * 32}}
    assert value("workerId", document, WORKDAY) == "E1"
    assert value("sourceGuid", document, WORKDAY) == "a" * 32
    assert value("workerId", {"externalId": "x"}, WORKDAY) == "x"
    assert value("loginName", {WORKER: {"sourceUserId": "jd"}}, WORKDAY) == "jd"


def test_successfactors_flavours():
    scim = {
        "userType": "ONBOARDEE",
        SF: {"personIdExternal": "200001", "perPersonUuid": "A74B54DED8DA40DBAB864E4A73B356B3"},
        ENTERPRISE: {"employeeNumber": "9"},
    }
    values = SUCCESSFACTORS.facts(scim).values
    assert values["workerId"] == values["employeeNumber"] == "200001"
    assert values["sourceGuid"] == "a74b54ded8da40dbab864e4a73b356b3"
    assert (values["status"], values["workerType"]) == ("preHire", "Employee")
    directory = {SAP: {"validFrom": "2026-03-16T00:00:00Z", "validTo": "9999-12-31T00:00:00Z",
                       "userUuid": "a74b54de-d8da-40db-ab86-4e4a73b356b3"}}  # fmt: skip
    values = SUCCESSFACTORS.facts(directory).values
    assert (values["hireDate"], values["terminationDate"]) == ("2026-03-16", None)
    assert values["sourceGuid"] == "a74b54ded8da40dbab864e4a73b356b3"
    assert value("preferredLanguage", {"locale": "de_DE"}, SUCCESSFACTORS) == "de-DE"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["value", "type", "primary", "hireDate", "country", "manager", "active"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(
    st.sampled_from(["emails", "active", "name", "addresses", WORKER, ENTERPRISE, "phoneNumbers"]),
    _JSON,
), st.sets(st.sampled_from(["emails", "title", WORKER, "a[", ""])))  # fmt: skip
def test_no_document_makes_it_fail(document, cleared):
    facts = GENERIC.facts(document, cleared)
    assert set(facts.values) == set(facts.origins) <= set(FACTS)
    assert not any("failed" in problem.message for problem in facts.problems)
    for name, said in facts.values.items():
        kind = {"bool": bool, "list": list}.get(FACTS[name], str)
        assert said is None or isinstance(said, kind)


_DOCUMENTS = st.dictionaries(
    st.sampled_from(["emails", "Title", "title", "name", "addresses", WORKER, ENTERPRISE,
                     "displayName", "active"]),
    _JSON | st.dictionaries(st.sampled_from(["givenName", "status", "manager", "onLeave"]), _JSON),
)  # fmt: skip
_EMPTIED = st.lists(
    st.sampled_from(["emails", "title", "name.givenName", "displayName", WORKER, ENTERPRISE,
                     f"{ENTERPRISE}:manager", 'addresses[type eq "work"]', "a[", ""])
)  # fmt: skip


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Inbound:
    """Rules that clear, keep, stand in, leave the flow and fail."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd.yaml").write_text(
        "extends: generic\nfacts:\n"
        "  title: {value: '[title]', absent: clear}\n"
        "  nickName: {value: '[title]', absent: keep}\n"
        "  company: {value: '[title]', absent: {default: '[displayName]'}}\n"
        "  division: {value: 'IgnoreFlowIfNullOrEmpty([title])', none: [x]}\n"
        "  office: 'IIF(IsPresent([title]), Error(\"no\"), [displayName])'\n"
        "  location: '\"fixed\"'\n"
        "  groups: '[emails.value]'\n",
        encoding="utf-8",
    )
    return load_inbound("odd", [folder])


@settings(deadline=None)
@given(_DOCUMENTS, _EMPTIED)
def test_the_short_way_says_what_every_rule_by_itself_says(odd, document, cleared):
    for inbound in (WORKDAY, odd):
        paths = []
        for written in cleared:
            with suppress(PathError):
                paths.append(parse_path(written))
        alone = Saying(Document(document), paths)
        for fact in inbound.rules:
            alone.take(fact, fact.rule.run(Document(document)))
        facts = inbound.facts(document, cleared)
        assert list(facts.values.items()) == list(alone.values.items())
        assert facts.problems == alone.problems
        for name, rule in alone.origins.rules.items():
            origin = facts.origins[name]
            read = dict.fromkeys(one.text for one in rule.run(Document(document)).reads)
            assert (origin.rule, origin.reads) == (rule.place, tuple(read))
