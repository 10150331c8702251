"""The sandbox over HTTP: its clock, rest, new start, policy, people, faults and accounts.

`docs/sandbox.md` is the contract. Answers nobody but programs on this machine; to all
others, and to web pages, there is nothing here (404). Part of the web process: the
directories live in a process of their own and are reached through `sandbox.control`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from mappings.documents import MappingError, account_name_rules, load_inbound
from provisioning import pairs, rest
from provisioning.merging import authority_problem
from sandbox.control import SandboxDown
from sandbox.faults import Fault
from settings import Settings, SettingsError, override
from store import emptying, policy, setting
from store.clocks import iso, machine_now, parse_instant
from store.database import Database

PREFIX = "/sandbox"
LONGEST_SETTLE = 300.0
"""Seconds a caller may have us wait for rest."""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_POLL = 0.03
"""Seconds between two looks whether the house is at rest."""
_PATIENCE = 0.8
"""Seconds an emptying waits for the steps in flight; a step usually takes some milliseconds."""
_CUT: list[Mapping[str, Any]] = [
    {"target": target, "operation": "*", "effect": "refuse"} for target in ("ad", "entra")
]
_EARLIEST, _LATEST = parse_instant("1970-01-01"), parse_instant("2500-01-01")
_AD_KEYS = ("url", "base_dn", "bind_dn", "password", "ca_file", "people_ou", "leavers_ou")
_log = structlog.get_logger("muster.sandbox")

Body = Mapping[str, Any]


class Directories(Protocol):
    """The stand-ins, as `sandbox.control.Remote` reaches them; see there."""

    def settings(self) -> dict[str, Any]: ...
    def reset(self) -> None: ...
    def put(self, ad: list[Body], entra: list[Body]) -> None: ...
    def dump(self) -> dict[str, Any]: ...
    def set_faults(self, faults: list[Body]) -> None: ...


class Wrong(Exception):
    """The caller's mistake; the text begins with the key that is wrong."""


def create_blueprint(
    settings: Settings,
    database: Database,
    remote: Directories | None,
    from_this_machine: Callable[[], bool],
    tokens: Mapping[str, Path],
    uploads: Callable[[str], Mapping[str, Body]] = lambda base: {},
) -> Blueprint:
    """Everything below /sandbox.

    `remote` are the stand-ins, None when every target is real; `tokens` the file of each
    source's token; `uploads` says of each source, below the address it is given, where it
    pushes by bulkUpload. Register it only where `settings.sandbox.allow`.
    """
    desk = _Desk(settings, database, remote, tokens, uploads)
    pages = Blueprint("sandbox", __name__)

    def answer(address: str = "") -> Response:
        if not from_this_machine() or _sent_by_a_page():
            return _refusal(404, "there is nothing at this address")
        return _close(desk.answer(address.strip("/")))

    for rule in ("", "/<path:address>"):
        pages.add_url_rule(
            PREFIX + rule,
            endpoint="sandbox",
            view_func=answer,
            methods=_METHODS,
            strict_slashes=False,
            merge_slashes=False,
            provide_automatic_options=False,
        )
    return pages


def _sent_by_a_page() -> bool:
    """A web page from elsewhere can send a POST to this machine; browsers then name it."""
    origin = request.headers.get("Origin")
    try:
        return origin is not None and urlsplit(origin).netloc != request.host
    except ValueError:
        return True


def _refusal(status: int, why: str) -> Response:
    response = jsonify({"error": why})
    response.status_code = status
    return _close(response)


def _close(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def stand_ins(settings: Settings, remote: Directories) -> dict[str, Any]:
    """The accounts of those stand-ins that are targets here. Raises SandboxDown."""
    reached = _reached(settings, remote)
    return {name: found for name, found in remote.dump().items() if name in reached}


def _reached(settings: Settings, remote: Directories) -> dict[str, dict[str, Any]]:
    """How to reach the stand-ins that are targets here. A real target is not among them,
    even while the stand-in it replaces is running."""
    found = remote.settings()
    reached: dict[str, dict[str, Any]] = {}
    for target in settings.targets.values():
        if target.kind == "active_directory" and target.options["url"] == found["ad"]["url"]:
            reached["ad"] = {key: found["ad"].get(key) for key in _AD_KEYS}
        elif target.kind == "entra_id" and target.options["graph"] == found["entra"]["graph"]:
            reached["entra"] = found["entra"]
    return reached


class _Desk:
    """Takes orders. Keeps nothing between them."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        remote: Directories | None,
        tokens: Mapping[str, Path],
        uploads: Callable[[str], Mapping[str, Body]],
    ) -> None:
        self._uploads = uploads
        self._settings = settings
        self._database = database
        self._remote = remote
        self._tokens = tokens
        self._business = setting.business_clock(database)
        self._orders: dict[str, dict[str, Callable[[], Any]]] = {
            "": {"GET": self._show},
            "clock": {"PUT": self._set_clock},
            "settle": {"POST": self._settle},
            "reset": {"POST": self._reset},
            "settings": {"PUT": self._override},
            "directory": {"PUT": self._put},
            "faults": {"POST": self._set_faults},
            "accounts": {"GET": self._accounts},
        }

    def answer(self, address: str) -> Response:
        """The answer to any request; never raises."""
        orders = self._orders.get(address)
        if orders is None:
            return _refusal(404, "there is nothing at this address")
        order = orders.get("GET" if request.method == "HEAD" else request.method)
        if order is None:
            refused = _refusal(405, f"{request.method} is not for this address")
            refused.headers["Allow"] = ", ".join([*orders, *(["HEAD"] if "GET" in orders else [])])
            return refused
        try:
            return jsonify(order())
        except Wrong as wrong:
            return _refusal(400, str(wrong))
        except HTTPException as error:  # the body is too long, or does not come
            return _refusal(error.code or 400, error.description or "the request is refused")
        except SandboxDown as down:
            return _refusal(503, str(down))
        except RecursionError:
            return _refusal(400, "the body is nested too deeply")
        except OperationalError:
            return _refusal(503, "the database is busy; try again")
        except Exception as error:  # ours; the message may hold anything
            _log.error("the sandbox failed", order=address, error=type(error).__name__)
            return _refusal(500, "something failed here; it is in the log")

    # -- looking in ------------------------------------------------------------------------

    def _show(self) -> dict[str, Any]:
        stand_ins = self._stand_ins()
        return {
            "clock": iso(self._business.now()),
            "scim": f"{request.host_url}scim/v2",
            "bulkUpload": self._uploads(request.host_url.rstrip("/")),
            "tokens": {
                source: file.read_text().strip()
                for source, file in self._tokens.items()
                if file.exists()
            },
            "ad": stand_ins.get("ad") or self._real_ad(),
            "entra": stand_ins.get("entra"),
        }

    def _accounts(self) -> dict[str, Any]:
        found = stand_ins(self._settings, self._remote) if self._remote is not None else {}
        return {name: found.get(name, []) for name in ("ad", "entra")}

    def _stand_ins(self) -> dict[str, dict[str, Any]]:
        return {} if self._remote is None else _reached(self._settings, self._remote)

    def _real_ad(self) -> dict[str, Any] | None:
        """A domain that is not ours; its password is shown only if a sandbox made it, which
        it then keeps in the data folder."""
        for target in self._settings.targets.values():
            if target.kind == "active_directory":
                secret = target.options["password"]
                kind, _, place = secret.reference.partition(":")
                ours = kind == "file" and Path(place).is_relative_to(self._settings.data)
                known = {key: target.options.get(key) for key in _AD_KEYS}
                try:
                    return known | {"password": secret.get() if ours else None}
                except SettingsError:
                    return known | {"password": None}
        return None

    # -- the clock, and rest -----------------------------------------------------------------

    def _set_clock(self) -> dict[str, Any]:
        given = _body("now")
        if "now" not in given:
            raise Wrong("now: is missing; give an instant, or null for real time")
        seconds = None if given["now"] is None else _instant(given["now"])
        self._database.write(lambda tx: setting.set_business_time(tx, seconds))
        return {"clock": iso(self._business.now())}

    def _settle(self) -> dict[str, Any]:
        timeout = _body("timeout").get("timeout", 30)
        if not _is_number(timeout) or not 0 <= timeout <= LONGEST_SETTLE:
            raise Wrong(f"timeout: must be a number of seconds from 0 to {LONGEST_SETTLE:.0f}")
        give_up = time.monotonic() + timeout
        while not (settled := self._is_settled()) and time.monotonic() < give_up:
            time.sleep(max(0.0, min(_POLL, give_up - time.monotonic())))
        looks = self._database.write(rest.count_looks)
        now = self._business.now()
        with self._database.read() as connection:
            return {
                "settled": settled,
                "looks": looks,
                "held": [asdict(pair) for pair in rest.held(connection)],
                "waiting": [asdict(pair) for pair in rest.waiting(connection)],
                "unsettled": [asdict(pair) for pair in rest.unsettled(connection, now)],
            }

    def _is_settled(self) -> bool:
        with self._database.read() as connection:
            return not rest.busy(connection, self._business.now())

    # -- changing things ----------------------------------------------------------------------

    def _reset(self) -> dict[str, Any]:
        """In this order: nothing hangs any more; no look may take another step, and those
        in flight come to their end; then rows and directories are emptied as one."""
        _body()
        if self._remote is not None:
            self._remote.set_faults([])
        give_up = time.monotonic() + _PATIENCE
        while not self._database.write(partial(self._empty, time.monotonic() >= give_up)):
            time.sleep(_POLL)
        return {"reset": sorted(self._stand_ins())}

    def _empty(self, at_once: bool, tx: Connection) -> bool:
        """Whether all is empty; not while a step is in flight, unless `at_once`. What is
        done outside the database may be repeated."""
        in_flight = emptying.revoke(tx)
        if in_flight and not at_once:
            return False
        emptying.empty(tx)
        rest.forget_looks(tx)
        if self._remote is not None:
            if in_flight:
                self._remote.set_faults(_CUT)  # connections are cut: what is late comes to nothing
            self._remote.reset()
        return True

    def _override(self) -> dict[str, Any]:
        given = _body(None)

        def work(tx: Connection) -> dict[str, Any]:
            found = policy.put(tx, given)
            _check_policy(self._settings, found)
            pairs.ask_all(tx, machine_now())
            return found

        _check_policy(self._settings, given)
        return {"overrides": self._database.write(work)}

    def _put(self) -> dict[str, Any]:
        given = _body("ad", "entra")
        people = {name: _objects(given, name) for name in ("ad", "entra")}
        stand_ins = self._stand_ins()
        put = {}
        for name, listed in people.items():
            put[name] = len(listed) if name in stand_ins else 0
            if listed and self._remote is not None and name in stand_ins:
                try:
                    self._remote.put(
                        listed if name == "ad" else [], listed if name == "entra" else []
                    )
                except ValueError as error:
                    raise Wrong(f"{name}: {error}") from None
        return {"put": put}

    def _set_faults(self) -> dict[str, Any]:
        given = _body("faults")
        if "faults" not in given:
            raise Wrong("faults: is missing; [] clears them")
        faults = _objects(given, "faults")
        stand_ins = self._stand_ins()
        for number, fault in enumerate(faults):
            try:
                target = Fault.parse(fault).target
            except (ValueError, TypeError, OverflowError) as error:
                raise Wrong(f"faults[{number}].{error}") from None
            if target not in stand_ins:
                raise Wrong(f"faults[{number}].target: {target} is not a sandbox here")
        if self._remote is not None:
            try:
                self._remote.set_faults(faults)
            except ValueError as error:
                raise Wrong(f"faults: {error}") from None
        return {"faults": len(faults)}


# -- bodies -------------------------------------------------------------------------------------


def _body(*known: str | None) -> dict[str, Any]:
    """The request's JSON object, {} when there is no body. `known` are its keys; a None
    among them means any. Raises Wrong."""
    sent = request.get_data()
    if not sent.strip():
        return {}
    try:
        found = json.loads(sent, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Wrong("the body is not JSON") from None
    if not isinstance(found, dict):
        raise Wrong("the body is not a JSON object")
    if None not in known and (unknown := sorted(set(found) - set(known))):
        names = ", ".join(name for name in known if name) or "none"
        raise Wrong(f"{unknown[0]}: is not a key of this request; known: {names}")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _objects(given: Mapping[str, Any], key: str) -> list[Body]:
    listed = given.get(key, [])
    if not isinstance(listed, list):
        raise Wrong(f"{key}: must be a list of objects")
    for number, one in enumerate(listed):
        if not isinstance(one, dict):
            raise Wrong(f"{key}[{number}]: must be an object")
    return listed


def _instant(value: object) -> float:
    try:
        seconds = parse_instant(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        seconds = None
    if seconds is None or not _EARLIEST <= seconds <= _LATEST:
        raise Wrong("now: must be an instant such as 2026-03-16T09:00:00Z, from 1970 to 2500")
    return seconds


def _check_policy(settings: Settings, changes: Mapping[str, Any]) -> None:
    """Raises Wrong naming the key."""
    try:
        found = override(settings, changes)
        account_name_rules(found.account_name, "names")
        documents = [
            load_inbound(source.mapping, settings.mapping_folders)
            for source in settings.sources.values()
            if source.mapping and found.people.authority
        ]
        facts = {rule.rule.name for document in documents for rule in document.rules}
        if mistake := authority_problem(found.people, facts):
            fact, problem, remedy = mistake
            raise Wrong(f"people.authority.{fact} {problem}. {remedy}")
    except SettingsError as error:
        raise Wrong(str(error)) from None
    except MappingError as error:
        raise Wrong(f"names.{error.problem}; {error.remedy}") from None
