"""The planner: pure, ordered, and empty once applied."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from adapters.target import Account, Step
from provisioning.plan import Desired, Drift, Wanted, diff

PEOPLE = "OU=People,DC=norhaven,DC=example"
LEAVERS = "OU=Leavers,DC=norhaven,DC=example"
ACCOUNT = Account(
    anchor="a1",
    hint=f"CN=Anna,{PEOPLE}",
    enabled=True,
    attributes={"title": "Engineer", "mobile": "+49 1"},
    name="Anna",
    container=PEOPLE,
    references={"manager": "m1"},
)
RIGHT = Desired(exists=True, enabled=True, name="Anna", container=PEOPLE)


def kinds(desired: Desired, actual: Account | None) -> list[str]:
    return [step.kind for step in diff(desired, actual).steps]


def test_an_account_that_is_right_needs_nothing() -> None:
    assert diff(RIGHT, ACCOUNT).steps == ()


def test_no_account_wanted_and_none_there() -> None:
    assert diff(Desired(exists=False, enabled=False), None).steps == ()


def test_a_hire_is_created_linked_then_enabled() -> None:
    desired = replace(
        RIGHT,
        attributes={
            "title": Wanted("Engineer"),
            "employeeID": Wanted("E1", required=True),
            "info": Wanted("x", hold="watch"),
            "mobile": Wanted(None, cleared=True),
        },
        references={"manager": "m1"},
    )
    create, refer, enable = diff(desired, None).steps
    assert create == Step(
        "create",
        attributes={"title": "Engineer", "employeeID": "E1"},
        name="Anna",
        container=PEOPLE,
        required=frozenset({"employeeID"}),
    )
    assert refer == Step("refer", attribute="manager", anchor="m1")
    assert enable == Step("enable")


def test_a_prehire_is_created_and_stays_disabled() -> None:
    assert kinds(replace(RIGHT, enabled=False), None) == ["create"]


def test_who_leaves_is_disabled_before_anything_else() -> None:
    desired = Desired(
        exists=False,
        enabled=False,
        container=LEAVERS,
        attributes={"title": Wanted("Former")},
        references={"manager": None},
    )
    assert kinds(desired, ACCOUNT) == ["disable", "move", "modify", "refer"]


def test_who_returns_is_moved_and_corrected_before_being_enabled() -> None:
    gone = replace(ACCOUNT, enabled=False, container=LEAVERS)
    desired = replace(RIGHT, attributes={"title": Wanted("Director")})
    assert kinds(desired, gone) == ["move", "modify", "enable"]


def test_a_container_that_only_differs_in_case_or_blanks_is_the_same() -> None:
    assert diff(replace(RIGHT, container=PEOPLE.lower()), ACCOUNT).steps == ()
    spaced = PEOPLE.replace(",", " , ").replace("=", " = ")
    assert diff(replace(RIGHT, container=spaced), ACCOUNT).steps == ()


def test_a_new_name_is_a_rename_in_place() -> None:
    (step,) = diff(replace(RIGHT, name="Anna Berg"), ACCOUNT).steps
    assert step == Step("move", name="Anna Berg", container=PEOPLE)


def test_a_case_change_of_the_name_is_written() -> None:
    assert kinds(replace(RIGHT, name="ANNA"), ACCOUNT) == ["move"]


def test_what_was_not_said_is_kept_and_what_was_cleared_is_removed() -> None:
    desired = replace(
        RIGHT, attributes={"title": Wanted(None), "mobile": Wanted(None, cleared=True)}
    )
    (step,) = diff(desired, ACCOUNT).steps
    assert step.attributes == {"mobile": None}


def test_holds() -> None:
    desired = replace(
        RIGHT,
        attributes={
            "title": Wanted("Chief", hold="seed"),
            "mobile": Wanted("+49 2", hold="default"),
            "pager": Wanted("7", hold="default"),
            "mail": Wanted("a@norhaven.example", hold="watch"),
        },
    )
    plan = diff(desired, ACCOUNT)
    (step,) = plan.steps
    assert step.attributes == {"pager": "7"}
    assert plan.drift == (Drift("mail", "watched"),)


def test_a_manager_not_mentioned_stays() -> None:
    assert diff(replace(RIGHT, references={}), ACCOUNT).steps == ()
    assert kinds(replace(RIGHT, references={"manager": "m2"}), ACCOUNT) == ["refer"]


values = st.one_of(st.none(), st.text(min_size=1, max_size=3), st.integers(0, 3))
attributes = st.dictionaries(st.sampled_from("abcd"), values)


@given(
    wanted=st.dictionaries(
        st.sampled_from("abcd"),
        st.builds(
            Wanted, values, st.booleans(), st.sampled_from(["own", "seed", "default", "watch"])
        ),
    ),
    now=attributes,
    enabled=st.booleans(),
    was=st.booleans(),
    container=st.sampled_from([PEOPLE, LEAVERS, None]),
    manager=st.sampled_from([{}, {"manager": "m2"}, {"manager": None}]),
)
def test_applying_a_plan_leaves_nothing_to_do(
    wanted: dict[str, Wanted],
    now: dict[str, object],
    enabled: bool,
    was: bool,
    container: str | None,
    manager: dict[str, str | None],
) -> None:
    desired = Desired(True, enabled, wanted, manager, "Anna", container)
    present = {k: v for k, v in now.items() if v is not None}
    account = replace(ACCOUNT, enabled=was, attributes=present)  # type: ignore[arg-type]
    for step in diff(desired, account).steps:
        account = _applied(account, step)
    assert diff(desired, account).steps == ()


def _applied(account: Account, step: Step) -> Account:
    """A directory in four lines."""
    if step.kind in ("enable", "disable"):
        return replace(account, enabled=step.kind == "enable")
    if step.kind == "move":
        return replace(account, name=step.name, container=step.container)
    if step.kind == "refer":
        kept = {k: v for k, v in account.references.items() if k != step.attribute}
        if step.attribute and step.anchor:
            kept[step.attribute] = step.anchor
        return replace(account, references=kept)
    merged = {**account.attributes, **step.attributes}
    return replace(account, attributes={k: v for k, v in merged.items() if v is not None})
