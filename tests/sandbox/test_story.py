"""The story over HTTP: what it pushes, what it prints, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sandbox.sheet import Accounts, sheet
from sandbox.story import Place, create_command
from store.clocks import machine_now, parse_instant
from tests.end_to_end.gateway import free_port
from tests.sandbox.gateway import Gateway

BEFORE = "2026-03-16T23:40:00.000Z"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    served = Gateway(tmp_path)
    with served.serve():
        yield served


def tell(url: str, tokens: Path) -> Result:
    return CliRunner().invoke(create_command(lambda: Place(url, tokens)), [])


def steps(output: str) -> list[list[str]]:
    """The lines of each step."""
    return [block.splitlines() for block in output.split("\n\n")[1:]]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().split("  ") if cell.strip()]


def test_a_working_life(gateway: Gateway) -> None:
    gateway.clock = BEFORE
    told = tell(gateway.url, gateway.tokens)
    assert told.exit_code == 0, told.output
    hire, manager, rename, move, leave, notice, gone, back, _ = steps(told.output)
    assert hire[0].startswith("1. Hire: Tamsin Holloway begins in Leeds")
    assert hire[1].startswith("   2026-03-02, POST /Users: right after 0.")
    person = ["Tamsin Holloway", "tholloway", "enabled", "Lens Polisher", "Production"]
    assert hire[2:4] == [
        "   ad: waits for S0102 as manager",
        "   entra: waits for S0102 as manager",
    ]
    assert cells(hire[5]) == ["AD", *person, "none", "People"]
    assert cells(hire[6]) == ["Entra", *person, "none"]
    assert [cells(line)[6:] for line in manager[3:5]] == [
        ["Ragnhild Okonjo", "People"],
        ["Ragnhild Okonjo"],
    ]
    assert cells(manager[5])[:3] == ["AD", "Ragnhild Okonjo", "rokonjo"]
    assert [cells(line)[1:4] for line in rename[3:5]] == [
        ["Tamsin Łuczak-Ångström", "tholloway", "enabled"]
    ] * 2
    assert [cells(line)[4:6] for line in move[3:5]] == [["Coating Specialist", "Lens Design"]] * 2
    assert [cells(line)[3] for line in leave[3:5]] == ["enabled"] * 2
    assert [cells(line)[3] for line in notice[3:5]] == ["enabled"] * 2
    assert gone[1].startswith("   2026-03-13, a date: right after")
    assert [cells(line)[3] for line in gone[3:5]] == ["disabled"] * 2
    assert cells(gone[3])[-1] == "Leavers"
    assert [cells(line)[2:5] for line in back[3:5]] == [
        ["tholloway", "enabled", "Head of Coating"]
    ] * 2
    assert cells(back[3])[-1] == "People"
    assert f"{gateway.url}/directories" in told.output
    assert [len(d.accounts) for d in gateway.house.directories.values()] == [2, 2]


def test_the_clock_walks_up_to_the_present_and_is_put_back(gateway: Gateway) -> None:
    gateway.clock = BEFORE
    tell(gateway.url, gateway.tokens)
    walked = [parse_instant(text) for text in gateway.clocks if text]
    assert walked == sorted(walked)
    assert walked[-1] == parse_instant(BEFORE)
    assert gateway.clock == BEFORE


def test_a_clock_that_runs_runs_again(gateway: Gateway) -> None:
    assert tell(gateway.url, gateway.tokens).exit_code == 0
    assert gateway.clocks[-1] is None
    assert all(parse_instant(text) <= machine_now() for text in gateway.clocks if text)


def test_told_twice_it_is_about_other_people(gateway: Gateway) -> None:
    tell(gateway.url, gateway.tokens)
    before = dict(gateway.house.ad.accounts)
    again = tell(gateway.url, gateway.tokens)
    assert again.exit_code == 0, again.output
    assert "S0202, is not known yet" in again.output
    assert "tholloway2" in again.output
    # Two of one name in one OU: the second has another cn, and is shown by name all the same.
    assert "Ragnhild Okonjo (rokonjo2)" in {a.name for a in gateway.house.ad.accounts.values()}
    assert "(rokonjo2)" not in again.output
    for anchor, account in before.items():
        assert gateway.house.ad.accounts[anchor] == account
    assert len(gateway.house.ad.accounts) == 4


def test_what_does_not_come_to_rest_is_said(gateway: Gateway) -> None:
    gateway.rests = 2  # before the story, and after its first step
    told = tell(gateway.url, gateway.tokens)
    assert told.exit_code == 1
    hire, manager, *_ = steps(told.output)
    assert "POST /Users: right after" in hire[1]
    assert "POST /Users: not right after" in manager[1]
    assert "held" not in hire[2]
    assert manager[2:4] == [
        "   ad: held: two accounts carry the same key (person p1)",
        "   entra: unsettled: cannot connect (person p2)",
    ]
    assert "not everything came to rest" in told.output


def test_nothing_runs_there(gateway: Gateway) -> None:
    told = tell(f"http://127.0.0.1:{free_port()}", gateway.tokens)
    assert told.exit_code == 1
    assert "no gateway answers at http://127.0.0.1:" in told.output
    assert "scripts/run" in told.output
    assert told.output.count("\n") == 1


def test_a_gateway_that_is_no_sandbox_is_left_alone(gateway: Gateway) -> None:
    gateway.is_sandbox = False
    told = tell(gateway.url, gateway.tokens)
    assert told.exit_code == 1
    assert "is no sandbox" in told.output
    assert told.output.count("\n") == 1
    assert gateway.clocks == []


def test_no_token_and_a_wrong_one(gateway: Gateway, tmp_path: Path) -> None:
    told = tell(gateway.url, tmp_path / "elsewhere")
    assert told.exit_code == 1
    assert "cannot be read (No such file or directory)" in told.output
    (gateway.tokens / "workday").write_text("muster_wrong")
    wrong = tell(gateway.url, gateway.tokens)
    assert wrong.exit_code == 1
    assert "GET /scim/v2/Users was answered 401" in wrong.output
    assert gateway.clock is None


def test_a_sheet_of_odd_accounts() -> None:
    base = "DC=norhaven,DC=example"
    accounts: Accounts = {
        "ad": [
            {
                "dn": f"CN=Ann\\, Jr.,OU=R\\2bD,{base}",
                "attributes": {
                    "employeeID": ["E1"],
                    "displayName": "Ann, Jr.",
                    "userAccountControl": ["514"],
                    "manager": f"CN=Zo\\C3\\AB \\\\,OU=People,{base}",
                },
            },
            {"dn": f"CN=g,{base}", "attributes": {}},
        ],
        "entra": [],
    }
    _, ad, entra = sheet(accounts, ["E1"])
    assert cells(ad) == ["AD", "Ann, Jr.", "disabled", "Zoë \\", "R+D"]
    assert cells(entra) == ["Entra", "nobody to be seen"]
    assert cells(sheet(accounts, ["E2"])[1]) == ["AD", "no account"]
