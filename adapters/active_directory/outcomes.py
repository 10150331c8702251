"""What all writes share: a look at an address, and what an answer makes of a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.active_directory import errors
from adapters.active_directory.connection import Answer, Entry, Session
from adapters.active_directory.requests import BASE, present
from adapters.target import Outcome, Refusal, RefusalKind

ANYTHING = present("objectClass")


@dataclass
class Progress:
    """Whether a step of several writes has written anything yet."""

    any: bool = False


def refused(refusal: Refusal) -> Outcome:
    """Nothing took effect, for one reason."""
    return Outcome("refused", (refusal,))


def of(text: errors.Text, code: str) -> tuple[RefusalKind, str, str, str]:
    """The leading fields of a Refusal."""
    kind, message, remedy = text
    return kind, code, message, remedy


def settled(answer: Answer) -> Answer:
    """The answer, unless the server is merely busy: then raises TargetDown."""
    if errors.is_transient(answer):
        raise errors.busy()
    return answer


def look(
    session: Session, address: str, *attributes: str, controls: Sequence[bytes] = ()
) -> Entry | None:
    """The entry at an address, or None when there is none."""
    answer = session.search(address, ANYTHING, BASE, attributes, controls=controls)
    if answer.result == 32:
        return None
    errors.raise_for_read(answer)
    return answer.entries[0] if answer.entries else None


def protected(why: str) -> Refusal:
    """A privileged account stays as it is."""
    return Refusal(
        "protected",
        why,
        f"the account is privileged ({why}) and is not touched",
        "change it by hand, or set `privileged: disable` to let leavers be disabled",
    )
