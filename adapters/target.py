"""What a target must offer, and nothing more.

A target is an AD domain or an Entra tenant. Everything Muster knows of it passes
through the methods of :class:`Target`, which is four small protocols in one;
`tests/conformance` holds the suite that every implementation must pass. The planner
(`provisioning/plan.py`) turns an :class:`Account` as it is into a list of
:class:`Step`; only `Target.apply` writes.

Values are canonical, so that "equal" means "nothing to write": single values are
`str`, `int` or `bool`, multi-values a `tuple` of `str` in a stable order, and what
the directory holds no value for is missing from the mapping.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

Value: TypeAlias = str | int | bool | tuple[str, ...]

NameKind: TypeAlias = Literal["accountName", "userPrincipalName", "mail", "cn"]
"""What has to be unique. `accountName` is sAMAccountName in AD and mailNickname in Entra."""

StepKind: TypeAlias = Literal[
    "create",
    "restore",
    "disable",
    "revoke",
    "move",
    "modify",
    "refer",
    "grant",
    "enable",
    "delete",
]
"""In the order in which a plan holds them: who leaves is disabled before anything
else, then stripped, then moved; who returns is moved and corrected before being enabled."""

Key: TypeAlias = Mapping[str, str]
"""What an account is found by: attribute -> value, all of which have to agree."""

GrantKind: TypeAlias = Literal["group", "license"]
"""What an account can be given. Licences exist in Entra alone."""


@dataclass(frozen=True, order=True)
class Grant:
    """Something an account is given directly, not through a group."""

    kind: GrantKind
    anchor: str
    """objectGUID or Entra id of the group, skuId of the licence; lower-case, with dashes."""


@dataclass(frozen=True)
class Link:
    """Where a person's account was last seen. `anchor` is the identity, `hint` is not."""

    anchor: str
    """objectGUID or Entra object id, lower-case text with dashes."""
    hint: str | None = None
    """Last known DN or userPrincipalName: for people to read, never to address by."""


@dataclass(frozen=True)
class Account:
    """An account as the target holds it now."""

    anchor: str
    hint: str
    enabled: bool
    attributes: Mapping[str, Value]
    name: str | None = None
    """RDN value (cn) where the target has one."""
    container: str | None = None
    """DN of the parent where the target has one."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Forward links by attribute, as anchors: `{"manager": anchor}`."""
    protected: str | None = None
    """Why Muster must not touch it (`adminCount=1`), or None."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """The adapter's own notes from the read, for optimistic writes (userAccountControl)."""


@dataclass(frozen=True)
class Step:
    """One operation of a plan: data, journaled before it is applied.

    create   name, container, attributes: makes the account *disabled*, with a
             password that nobody knows, so that `enable` may follow; a target that can do
             `enabled` and `references` in the same write does, and says so in
             `Outcome.account`
    restore  anchor, name, container: brings it back from the recycle bin, *disabled*,
             with whatever the target kept of it; as `create`, it has no account yet.
             attributes: names to come back under if its own are taken, where it can
    disable  / enable: the one bit, leaving all others as they are
    revoke   / grant: takes or gives `given`; done already is success
    move     name and container as they should be (rename and move are one write)
    modify   attributes: new values; None removes the value
    refer    attribute, anchor: sets a forward link; anchor None removes it
    delete   the account, into the recycle bin where there is one; gone already is success
    """

    kind: StepKind
    attributes: Mapping[str, Value | None] = field(default_factory=dict)
    name: str | None = None
    container: str | None = None
    attribute: str | None = None
    anchor: str | None = None
    given: Grant | None = None
    enabled: bool = False
    """create: `enable` would follow, after at most some `refer`."""
    references: Mapping[str, str] = field(default_factory=dict)
    """create: attribute -> anchor of the `refer` that would follow."""
    required: frozenset[str] = frozenset()
    """create, modify: attributes without which the step is refused as a whole (keys, names)."""


RefusalKind: TypeAlias = Literal[
    "value",  # the directory does not take this value: drop it, report it, go on
    "name",  # sAMAccountName, userPrincipalName or RDN is taken: burn it, take the next
    "gone",  # the account is no longer there: look again
    "container",  # the OU is missing
    "reference",  # the referenced account or group is not there (yet)
    "seats",  # no seat of the licence is left
    "rights",  # the service account may not: configuration, not retry
    "protected",  # adminCount and its like
    "stale",  # somebody changed it between our look and our write: look again
    "config",  # TLS, schema, policy: the operator must change something
    "bug",  # a write no directory would take: a mapping or program error
]


@dataclass(frozen=True)
class Refusal:
    """A definite no from the target. `message` and `remedy` never hold a personal value."""

    kind: RefusalKind
    code: str
    """LDAP result and win32 code (`68/00000524`) or HTTP status and Graph code."""
    message: str
    remedy: str
    attribute: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a step. Three-valued: a write may also be *unknown*.

    applied   the step took effect; `refusals` lists single attributes left out
    refused   nothing took effect; `refusals` says why
    unknown   the answer was lost: read back before anything else is tried
    """

    result: Literal["applied", "refused", "unknown"]
    refusals: tuple[Refusal, ...] = ()
    link: Link | None = None
    """create, restore, move: where the account is now."""
    account: Account | None = field(default=None, compare=False)
    """create: the account as it is now where that needs no reading, good for further steps."""


def folded(value: str) -> str:
    """A name or key as the strictest target compares: case and accents make no difference in
    AD."""
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip()


class TargetDown(Exception):
    """The target cannot be asked now (connect, TLS, time-out, busy). Nothing was written.

    `retry_after`: seconds the target asked for, or None. `remedy` is for the operator.
    """

    def __init__(self, message: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.retry_after = retry_after


class TargetRefused(Exception):
    """A read was refused (rights, wrong base DN, bad credentials): retrying alone cannot help."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Ambiguous(Exception):
    """More than one account carries the key: a case for a person, never a coin toss."""

    def __init__(self, hints: tuple[str, ...]) -> None:
        super().__init__(f"{len(hints)} accounts carry the same key")
        self.hints = hints


class Accounts(Protocol):
    """Looking."""

    def read(self, link: Link | None, key: Key | None) -> Account | None:
        """The account at `link`; without a link, or if it is gone, the one that carries
        `key` (exactly one, or :class:`Ambiguous`)."""
        ...

    def several(self, anchors: Collection[str]) -> dict[str, Account]:
        """Those of these accounts that are there, by anchor: as `read` by link gives each,
        in far fewer requests."""
        ...

    def carriers(self, keys: Sequence[Key]) -> list[tuple[Account, ...]]:
        """For each key the accounts that carry it, of which `read` takes the only one: in far
        fewer requests. Not more of them than it takes to see that they are several."""
        ...

    def every(self) -> Iterator[Account]:
        """All people's accounts of the target, in no order, a page at a time."""
        ...

    def in_bin(self, link: Link) -> bool:
        """Whether this account was deleted and `restore` can bring it back."""
        ...


class Names(Protocol):
    """Uniqueness."""

    def holder(self, kind: NameKind, value: str) -> str | None:
        """The anchor of the account that holds this name, compared as the target compares."""
        ...

    def holders(self, names: Sequence[tuple[NameKind, str]]) -> list[str | None]:
        """`holder` of each of these names, in far fewer requests."""
        ...


class Grants(Protocol):
    """Groups and licences."""

    def find_grant(self, kind: GrantKind, name: str) -> Grant | None:
        """The group or licence known by this name: an AD group by DN or sAMAccountName, an
        Entra group by id or displayName, a licence by skuId or skuPartNumber. None when there
        is none, or it is of a sort that members cannot be added to. Raises
        :class:`Ambiguous` when several are."""
        ...

    def grants(self, account: Account) -> frozenset[Grant]:
        """Everything that is given to the account directly. Without the primary group."""
        ...


class Target(Accounts, Names, Grants, Protocol):
    """An AD domain or an Entra tenant. Safe to call from several threads at once.

    All methods raise :class:`TargetDown` when it cannot be reached and
    :class:`TargetRefused` when it will not answer.
    """

    def apply(self, account: Account | None, step: Step) -> Outcome:
        """Do one step on `account` (None for create and restore). Never repeats a write by
        itself."""
        ...

    def close(self) -> None:
        """Drop all connections."""
        ...


@runtime_checkable
class Together(Protocol):
    """A target that does steps of several accounts sooner than one by one."""

    def apply_together(
        self, asked: Sequence[tuple[Account | None, Step]]
    ) -> list[tuple[Outcome | Exception, float]]:
        """What `Target.apply` answers or raises for each, independent of the others, and how
        many seconds that took."""
        ...
