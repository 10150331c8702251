"""Bulk (RFC 7644 section 3.7): many operations in one request, each with its own outcome.

Ids of new resources are given out before anything is done, so that a `bulkId:` reference
can be replaced wherever it stands. An operation comes after those that it refers to;
operations that refer to each other in a circle succeed or fail together. Up to `_BATCH`
operations share one durable commit, each standing or falling for itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from scim.discovery import Limits
from scim.errors import ScimError, invalid_syntax, invalid_value
from scim.patch import PATCH_URN
from scim.schema import ResourceType
from scim.service import Client, Service, Work, Written
from scim.versions import Precondition
from store import members
from store.ids import new_id
from store.statement import savepoint

REQUEST_URN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE_URN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_BATCH = 100
_REFERENCE = re.compile(r'bulkId:([^"\\\s\[\]/]+)')
_STATUS = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}

FindKind = Callable[[str], ResourceType | None]


@dataclass
class _Operation:
    method: str
    path: str
    bulk_id: str | None
    version: str | None
    data: Any
    problem: ScimError | None = None
    kind: ResourceType | None = None
    id: str | None = None  # of the resource; for a POST the one that it will have
    refers: bool = False
    needs: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Outcome:
    status: int
    written: Written | None = None
    error: ScimError | None = None


class Progress(Protocol):
    """Remembers what came of a request that may be carried out in several attempts."""

    @property
    def done(self) -> Mapping[int, Mapping[str, Any]]:
        """Entries of the answer from before, by position."""
        ...

    def id_of(self, position: int) -> str:
        """The id of what the operation there makes: the same in every attempt."""
        ...

    def record(self, tx: Connection, entries: Mapping[int, Mapping[str, Any]]) -> None:
        """Store entries in the transaction that carries them out."""
        ...


class Bulk:
    """Carries out one Bulk request of `client`, with `progress` in several attempts."""

    def __init__(
        self,
        service: Service,
        client: Client,
        limits: Limits,
        base: str,
        find: FindKind,
        progress: Progress | None = None,
    ) -> None:
        self._service = service
        self._client = client
        self._limits = limits
        self._base = base
        self._find = find
        self._progress = progress
        self._ids: dict[str, str] = {}
        self._failed: set[str] = set()

    def run(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The BulkResponse. Raises ScimError 400 for what is no Bulk request, 413. With
        `progress` also what the database raises when it is busy."""
        operations, bearable = self.read(body)
        outcomes = self._carry_out(operations, bearable)
        before = self._progress.done if self._progress else {}
        entries = [
            before[at] if at in before else self._entry(operation, outcomes[at])
            for at, operation in enumerate(operations)
            if at in outcomes or at in before
        ]
        return {"schemas": [RESPONSE_URN], "Operations": entries}

    def read(self, body: Mapping[str, Any]) -> tuple[list[_Operation], int | None]:
        """The operations and failOnErrors. Raises ScimError 400, 413."""
        message = {key.lower(): value for key, value in body.items()}
        loosely = self._client.profile.read_loosely
        schemas = message.get("schemas")
        if not loosely and (not isinstance(schemas, list) or REQUEST_URN not in schemas):
            raise invalid_syntax(f"schemas: a Bulk request names {REQUEST_URN}.")
        listed = message.get("operations")
        if not isinstance(listed, list):
            raise invalid_syntax("Operations: a list of operations is required.")
        most = self._limits.max_operations
        if len(listed) > most:
            raise ScimError(413, f"More operations than the maxOperations ({most}).")
        bearable = message.get("failonerrors")
        if bearable is not None and (not isinstance(bearable, int) or isinstance(bearable, bool)):
            raise invalid_value("failOnErrors: a whole number is expected.")
        operations = [self._read(entry) for entry in listed]
        self._give_ids(operations)
        return operations, bearable

    # Reading

    def _read(self, entry: Any) -> _Operation:
        said = (
            {key.lower(): value for key, value in entry.items()} if isinstance(entry, dict) else {}
        )
        names = ("method", "path", "bulkid", "version")
        texts = {name: said[name] if isinstance(said.get(name), str) else None for name in names}
        method, bulk_id = (texts["method"] or "").strip().upper(), texts["bulkid"]
        data = _patch_message(said.get("data")) if method == "PATCH" else said.get("data")
        operation = _Operation(
            method, (texts["path"] or "").strip(), bulk_id, texts["version"], data
        )
        try:
            self._judge(operation)
        except ScimError as problem:
            operation.problem = problem
        return operation

    def _judge(self, operation: _Operation) -> None:
        method, path = operation.method, operation.path
        if method not in _STATUS:
            raise invalid_syntax("method: POST, PUT, PATCH or DELETE is expected.")
        if not path:
            raise invalid_syntax("path: the address of a resource or of a type is required.")
        name, _, id = path.removeprefix(self._base).strip("/").partition("/")
        operation.kind = self._find("/" + name)
        if operation.kind is None or "/" in id:
            raise ScimError(404, f"There is nothing at {path[:200]!r}.")
        if method == "POST":
            if id:
                raise invalid_syntax("path: a POST goes to a resource type.")
            if not operation.bulk_id and not self._client.profile.read_loosely:
                raise invalid_syntax("bulkId: a POST needs one.")
        elif not id:
            raise invalid_syntax(f"path: a {method} goes to a resource.")
        operation.id = id or None
        if method != "DELETE" and not isinstance(operation.data, dict):
            raise invalid_syntax(f"data: a {method} needs an object.")

    def _give_ids(self, operations: Sequence[_Operation]) -> None:
        for position, operation in enumerate(operations):
            if operation.method != "POST" or operation.problem is not None:
                continue
            operation.id = self._progress.id_of(position) if self._progress else new_id()
            if operation.bulk_id is None:
                continue
            if operation.bulk_id in self._ids:
                operation.problem = invalid_value("bulkId: there is another of this name.")
            else:
                self._ids[operation.bulk_id] = operation.id
        for operation in operations:
            if operation.problem is None:
                own = {operation.bulk_id} if operation.method == "POST" else set()
                operation.refers = _may_refer(operation.data)
                found = set(_references(operation.data)) if operation.refers else set()
                if operation.method != "POST":
                    found |= set(_REFERENCE.findall(operation.path))
                operation.needs = found - own

    # Doing

    def _carry_out(
        self, operations: Sequence[_Operation], bearable: int | None
    ) -> dict[int, _Outcome]:
        outcomes: dict[int, _Outcome] = {}
        batch: list[list[int]] = []
        groups = list(_in_order(operations))
        if self._progress:
            before = self._progress.done
            groups = [group for group in groups if group[0] not in before]
            failed = [at for at, entry in before.items() if _is_error(entry)]
            self._failed = {operations[at].bulk_id or "" for at in failed}
            if bearable is not None and len(failed) >= max(bearable, 1):
                return {}
        for at, group in enumerate(groups):
            batch.append(group)
            # Where errors are counted, they have to be known before the next is begun.
            if sum(map(len, batch)) < _BATCH and at + 1 < len(groups):
                continue
            done, ended = self._batch(operations, batch, outcomes, bearable)
            outcomes.update(done)
            if ended:
                break
            batch = []
        return outcomes

    def _batch(
        self,
        operations: Sequence[_Operation],
        groups: Sequence[list[int]],
        before: Mapping[int, _Outcome],
        bearable: int | None,
    ) -> tuple[dict[int, _Outcome], bool]:
        """Groups of operations in one transaction; whether failOnErrors ended it."""
        failed = set(self._failed)
        # Messages are read before others have to wait for the transaction.
        works = {at: self._read_work(operations[at]) for group in groups for at in group}

        def work(tx: Connection) -> tuple[dict[int, _Outcome], bool]:
            self._failed = set(failed)  # the transaction may run again
            done: dict[int, _Outcome] = {}
            errors = sum(outcome.error is not None for outcome in before.values())
            if self._progress:
                errors += sum(map(_is_error, self._progress.done.values()))
            ended = False
            for group in groups:
                done.update(self._group(tx, operations, group, works))
                errors += sum(done[position].error is not None for position in group)
                ended = bearable is not None and errors >= max(bearable, 1)
                if ended:
                    break
            if self._progress:
                entries = {at: self._entry(operations[at], one) for at, one in done.items()}
                self._progress.record(tx, entries)
            return done, ended

        try:
            return self._service.write(work)
        except OperationalError:
            if self._progress:
                raise
            busy = ScimError(429, "Too much to do at this moment; try again.")
            return {at: _Outcome(429, error=busy) for group in groups for at in group}, True

    def _group(
        self,
        tx: Connection,
        operations: Sequence[_Operation],
        group: Sequence[int],
        works: Mapping[int, Work | ScimError],
    ) -> dict[int, _Outcome]:
        done: dict[int, _Outcome] = {}
        position = group[0]
        try:
            with savepoint(tx):
                for position in group:
                    done[position] = self._one(tx, operations[position], works[position])
                if len(group) > 1:  # they named each other before they were there
                    for one in (operations[at] for at in group):
                        if one.kind is not None and one.id is not None:
                            members.appear(tx, one.id, one.kind.name)
        except (ScimError, IntegrityError) as error:
            refused = error if isinstance(error, ScimError) else _taken()
            for other in group:
                self._failed.add(operations[other].bulk_id or "")
                done[other] = _Outcome(409, error=_in_vain(operations[position]))
            done[position] = _Outcome(refused.status, error=refused)
        return done

    def _one(self, tx: Connection, operation: _Operation, work: Work | ScimError) -> _Outcome:
        if operation.problem is not None:
            raise operation.problem
        for bulk_id in operation.needs:
            if bulk_id not in self._ids:
                raise ScimError(409, f"No operation has the bulkId {bulk_id[:80]!r}.")
            if bulk_id in self._failed:
                raise ScimError(409, f"The operation with the bulkId {bulk_id[:80]!r} failed.")
        if isinstance(work, ScimError):
            raise work
        return _Outcome(_STATUS[operation.method], work(tx))

    def _read_work(self, operation: _Operation) -> Work | ScimError:
        """What is to be done in the transaction, or why the message itself is refused."""
        try:
            return operation.problem or self._work(operation)
        except ScimError as problem:
            return problem

    def _work(self, operation: _Operation) -> Work:
        service, client, kind = self._service, self._client, operation.kind
        assert kind is not None
        assert operation.id is not None
        data = self._filled(operation.data) if operation.refers else operation.data
        if operation.method == "POST":
            return service.creating(client, kind, data, operation.id)
        id = operation.id = self._text(operation.id)
        precondition = Precondition(operation.version)
        if operation.method == "DELETE":
            return service.deleting(client, kind, id, precondition)
        if operation.method == "PUT":
            return service.replacing(client, kind, id, data, precondition)
        return service.patching(client, kind, id, data, precondition)

    def _filled(self, value: Any) -> Any:
        """`value` with ids in place of references."""
        if isinstance(value, dict):
            return {
                key: self._text(inner)
                if key.lower() == "path" and isinstance(inner, str)
                else self._filled(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith("bulkId:"):
            return self._ids.get(value[7:], value)
        return value

    def _text(self, text: str) -> str:
        return _REFERENCE.sub(lambda found: self._ids.get(found[1], found[0]), text)

    # Answering

    def _entry(self, operation: _Operation, outcome: _Outcome) -> dict[str, Any]:
        entry: dict[str, Any] = {"method": operation.method or None}
        if operation.bulk_id is not None:
            entry["bulkId"] = operation.bulk_id
        written = outcome.written
        if written is not None and operation.method != "DELETE":
            entry["version"] = f'W/"{written.resource.version}"'
        if operation.kind is not None and operation.id is not None:
            if operation.method != "POST" or written is not None:
                entry["location"] = f"{self._base}{operation.kind.endpoint}/{operation.id}"
        elif operation.method != "POST" and operation.path:
            entry["location"] = f"{self._base}/{operation.path.lstrip('/')}"
        if outcome.error is not None:
            entry["response"] = outcome.error.body()
        entry["status"] = str(outcome.status)
        return {key: value for key, value in entry.items() if value is not None}


def _may_refer(message: Any) -> bool:
    """Whether there is any reference in a message: most have none, and that is soon seen."""
    inside = [message]
    for value in inside:
        if isinstance(value, str):
            if "bulkId:" in value:
                return True
        elif isinstance(value, dict):
            inside += value.values()
        elif isinstance(value, list):
            inside += value
    return False


def _references(value: Any, key: str = "") -> Iterator[str]:
    """Every bulkId that a message refers to."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _references(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner, key)
    elif isinstance(value, str):
        if key.lower() == "path":
            yield from _REFERENCE.findall(value)
        elif value.startswith("bulkId:"):
            yield value[7:]


def _in_order(operations: Sequence[_Operation]) -> Iterator[list[int]]:
    """Positions of operations, those first that others refer to, else as they came;
    operations in a circle together (Tarjan's strongly connected components)."""
    makers = {
        operation.bulk_id: position
        for position, operation in reversed(list(enumerate(operations)))
        if operation.method == "POST" and operation.problem is None
    }
    needs = [
        sorted(makers[name] for name in operation.needs if name in makers)
        for operation in operations
    ]
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in range(len(operations)):
        if root in index:
            continue
        path = [(root, iter(needs[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while path:
            at, rest = path[-1]
            further = next(rest, None)
            if further is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[at])
                if low[at] == index[at]:
                    cut = stack.index(at)
                    component, stack[cut:] = stack[cut:], []
                    on_stack.difference_update(component)
                    yield sorted(component)
            elif further not in index:
                index[further] = low[further] = len(index)
                stack.append(further)
                on_stack.add(further)
                path.append((further, iter(needs[further])))
            elif further in on_stack:
                low[at] = min(low[at], index[further])


def _patch_message(data: Any) -> Any:
    """The PATCH message in an operation: the example of section 3.7.3 leaves out all that
    stands around the list of its operations."""
    if isinstance(data, list):
        data = {"Operations": data}
    if isinstance(data, dict) and not any(key.lower() == "schemas" for key in data):
        data = {"schemas": [PATCH_URN], **data}
    return data


def _is_error(entry: Mapping[str, Any]) -> bool:
    return int(entry["status"]) >= 400


def _taken() -> ScimError:
    return ScimError(409, "A value that has to be unique is taken.", "uniqueness")


def _in_vain(operation: _Operation) -> ScimError:
    named = json.dumps((operation.bulk_id or operation.path)[:80])
    return ScimError(409, f"It refers in a circle to {named}, which failed.")
