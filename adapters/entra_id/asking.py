"""Questions about several people at once: whose keys these are, who holds these names.

Graph takes at most 15 clauses in one `$filter`. An answer is trusted only where it is plain
which of the questions each user in it answers: Graph may compare otherwise than we do, and
then each question is asked by itself. So it is where Graph does not take them together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from adapters.entra_id import attributes as words
from adapters.entra_id.attempt import Bin
from adapters.entra_id.deleted import has_key, was_called
from adapters.entra_id.errors import GraphError
from adapters.entra_id.users import PAGE, Users, ends_with, equals, has_address
from adapters.target import Key, NameKind

T = TypeVar("T")
Name = tuple[NameKind, str]
User = dict[str, Any]

_CLAUSES = 14
PROPERTIES: dict[NameKind, str] = {
    "accountName": "mailNickname",
    "userPrincipalName": "userPrincipalName",
    "mail": "mail",
}
"""Where Graph keeps what has to be unique."""


async def carriers(
    users: Users, keys: Sequence[Key], bin: Bin, identifier: str
) -> list[list[User]]:
    """For each key, the users who carry it: a handful at most. Along with it `bin` learns whose
    `identifier` is not in the recycle bin: an account may be made next."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, key in enumerate(keys):
        if key and all(words.is_text(v) and v.strip() for v in key.values()):
            alike.setdefault(tuple(key), []).append(number)
    pieces = [
        (attributes, piece)
        for attributes, numbers in alike.items()
        for piece in _pieces(numbers, _CLAUSES if len(attributes) == 1 else 1)
    ]
    sole = [
        [keys[number][identifier] for number in piece]
        for attributes, piece in pieces
        if attributes == (identifier,) and len(piece) > 1
    ]
    answers, _ = await asyncio.gather(
        asyncio.gather(*(_carry(users, [keys[number] for number in piece]) for _, piece in pieces)),
        asyncio.gather(*(_look_into(users, bin, identifier, values) for values in sole)),
    )
    found: list[list[User]] = [[] for _ in keys]
    for (_, piece), answer in zip(pieces, answers, strict=True):
        for number, several in zip(piece, answer, strict=True):
            found[number] = several
    return found


async def _look_into(users: Users, bin: Bin, identifier: str, values: Sequence[str]) -> None:
    try:
        found = await users.deleted(" or ".join(equals(identifier, v) for v in values), identifier)
    except GraphError as error:
        _refuse_unless_together(error, values)
        return
    if found:
        bin.gains()
    else:
        for value in values:
            bin.lacks(identifier, value)


async def _carry(users: Users, keys: Sequence[Key]) -> list[list[User]]:
    """The same for keys of one attribute."""
    if len(keys) > 1:
        try:
            listed = await users.find_any(keys)
        except GraphError as error:
            _refuse_unless_together(error, keys)
            listed = None
        if listed is not None:
            found = [
                [user for user in listed if all(has_key(user, a, v) for a, v in key.items())]
                for key in keys
            ]
            if {str(user["id"]) for several in found for user in several} == {
                str(user["id"]) for user in listed
            }:
                return found
    return list(await asyncio.gather(*(users.find(key) for key in keys)))


async def holders(users: Users, names: Sequence[Name], bin: Bin) -> list[str | None]:
    """For each name, the id of the user who holds it, in the recycle bin too; `bin` learns what
    is not there."""
    asked = [
        number
        for number, (kind, value) in enumerate(names)
        if kind in PROPERTIES and words.is_text(value) and value.strip()
    ]
    pieces = list(_pieces(asked, _CLAUSES // 2))
    answers = await asyncio.gather(
        *(_hold(users, [names[number] for number in piece], bin) for piece in pieces)
    )
    found: list[str | None] = [None] * len(names)
    for piece, answer in zip(pieces, answers, strict=True):
        for number, id in zip(piece, answer, strict=True):
            found[number] = id
    return found


async def _hold(users: Users, names: Sequence[Name], bin: Bin) -> list[str | None]:
    try:
        live, gone = await asyncio.gather(
            users.holding(" or ".join(_is_called(name) for name in names)),
            users.deleted(
                " or ".join(_was_called(name) for name in names),
                "mailNickname",
                "mail",
                "proxyAddresses",
            ),
        )
    except GraphError as error:
        _refuse_unless_together(error, names)
        return await _hold_alone(users, names, bin)
    if gone:
        bin.gains()
    for kind, value in () if gone else names:
        bin.lacks(PROPERTIES[kind], value)
    if len(names) > 1 and not (
        len(gone) < PAGE
        and all(any(_has(user, name) for name in names) for user in live)
        and all(any(_had(user, name) or _ends(user, name) for name in names) for user in gone)
    ):
        return await _hold_alone(users, names, bin)
    found: list[str | None] = []
    for name in names:
        single = len(names) == 1  # what Graph says of one name needs no second opinion
        now = [user for user in live if single or _has(user, name)]
        was = [user for user in gone if _had(user, name) or (single and not _is_mangled(name))]
        found.append(next((str(user["id"]).lower() for user in (*now, *was)), None))
    return found


async def _hold_alone(users: Users, names: Sequence[Name], bin: Bin) -> list[str | None]:
    alone = await asyncio.gather(*(_hold(users, [name], bin) for name in names))
    return [found for (found,) in alone]


def _refuse_unless_together(error: GraphError, questions: Sequence[Any]) -> None:
    """Raise `error` unless it may mean that these cannot be asked in one filter."""
    if error.status != 400 or len(questions) < 2:
        raise error


def _is_called(name: Name) -> str:
    kind, value = name
    condition = equals(PROPERTIES[kind], value)
    return f"{condition} or {has_address(value)}" if kind == "mail" else condition


def _was_called(name: Name) -> str:
    return ends_with("userPrincipalName", name[1]) if _is_mangled(name) else _is_called(name)


def _is_mangled(name: Name) -> bool:
    """Whether a deleted user has it with the id before it."""
    return name[0] == "userPrincipalName"


def _has(user: Mapping[str, Any], name: Name) -> bool:
    kind, value = name
    if _same(user.get(PROPERTIES[kind]), value):
        return True
    addresses = user.get("proxyAddresses") or () if kind == "mail" else ()
    return any(_same(one, f"smtp:{value}") for one in addresses)


def _had(user: Mapping[str, Any], name: Name) -> bool:
    return was_called(user, name[1]) if _is_mangled(name) else _has(user, name)


def _ends(user: Mapping[str, Any], name: Name) -> bool:
    """Found only because the name ends so: somebody else's."""
    principal = str(user.get("userPrincipalName") or "")
    return _is_mangled(name) and principal.casefold().endswith(name[1].casefold())


def _same(one: Any, other: str) -> bool:
    return isinstance(one, str) and one.casefold() == other.casefold()


def _pieces(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
