"""The part of $filter that Microsoft's clients use."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.bulk_upload.odata import FilterError, parse

ONE: dict[str, Any] = {
    "jobId": "API2AAD.x",
    "statusInfo": {"status": "failure"},
    "activityDateTime": "2026-03-16T09:00:00.500Z",
    "durationInMilliseconds": 12,
    "enabled": True,
    "nothing": None,
    "name": "O'Neil (Anna)",
}


@pytest.mark.parametrize(
    ("wanted", "met"),
    [
        ("jobid eq 'api2aad.X'", True),
        ("jobid ne 'API2AAD.x'", False),
        ("statusInfo/status eq 'failure'", True),
        ("statusInfo/other eq 'failure'", False),
        ("jobid/x eq 'failure'", False),
        ("activityDateTime ge 2026-03-16T09:00:00Z", True),
        ("activityDateTime gt 2026-03-16T09:30:00+01:00", True),
        ("activityDateTime lt 2026-03-16", False),
        ("durationInMilliseconds le 12", True),
        ("durationInMilliseconds gt 12.5", False),
        ("durationInMilliseconds gt x", False),
        ("enabled eq true", True),
        ("enabled eq false", False),
        ("nothing eq null", True),
        ("jobid ne null", True),
        ("name eq 'O''Neil (Anna)'", True),
        ("not (jobid eq 'x')", True),
        ("jobid eq 'x' or name ne 'y' and enabled eq true", True),
        ("(jobid eq 'x' or name ne 'y') and enabled eq false", False),
        ("JOBID EQ 'API2AAD.x' AND NOT enabled eq false", True),
        ("nothing gt 'a'", False),
        ("contains(statusInfo/status,'AIL')", True),
        ("contains(jobId, 'API2AAD') and startswith(name,'O''neil (')", True),
        ("startswith(name,'Neil')", False),
        ("not endswith(name,'(Anna)')", False),
        ("(CONTAINS(name,',') or contains(name,'Anna'))", True),
        ("contains(nothing,'')", False),
        ("contains(durationInMilliseconds,'1')", False),
        ("contains eq null", True),
    ],
)
def test_what_meets_a_filter(wanted: str, met: bool) -> None:
    assert parse(wanted).meets(ONE) is met


@pytest.mark.parametrize(
    ("wanted", "pinned"),
    [
        ("jobid eq 'A' and statusInfo/status eq 'b'", {"jobid": "A", "statusinfo/status": "b"}),
        ("jobid eq 'A' or jobid eq 'B'", {}),
        ("not (jobid eq 'A')", {}),
        ("jobid ne 'A'", {}),
        ("contains(jobid,'A') and x eq '1'", {"x": "1"}),
        ("(jobid eq 'A') and (x eq '1' or x eq '2')", {"jobid": "A"}),
    ],
)
def test_what_a_filter_pins(wanted: str, pinned: dict[str, str]) -> None:
    assert parse(wanted).pinned == pinned


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "'",
        "a eq",
        "a eq (",
        "'a' eq 'b'",
        "a 'eq' 'b'",
        "a eq 'b' c",
        "(a eq 'b'",
        "a eq 'b')",
        "contains(a,'b'",
        "contains(a)",
        "contains('a','b')",
        "contains(a,b)",
        "contains(a,'b') eq 1",
        "a, eq 'b'",
        "contains",
    ],
)
def test_what_is_no_filter(wanted: str) -> None:
    with pytest.raises(FilterError):
        parse(wanted)
