"""The pages: people, one person, and the same as JSON.

Where nothing but this machine can reach the server, they answer a browser on it without
further ado: a proxied request, or one that came by another host name (DNS rebinding), is
refused. Everywhere else operators sign in first (`sign_in.py`). Every value is escaped,
and no script or style from elsewhere runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, render_template, request

from console import queries
from console.directories import DirectoriesDown, Dump, side_by_side
from store.clocks import machine_now
from store.database import Database

if TYPE_CHECKING:
    from access.sign_in import Desk

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PROXIED = ("Forwarded", "Via", "X-Real-Ip")
_LONGEST_TEXT = 200


def create_blueprint(
    database: Database,
    targets: Sequence[str],
    directories: Callable[[], Dump] | None = None,
    desk: Desk | None = None,
    base_url: str = "",
) -> Blueprint:
    """The console over `database`; `targets` are shown in this order.

    `directories` (a sandbox has it) reads both directories, or raises DirectoriesDown.
    Operators sign in at `desk`; without one the console answers this machine alone.
    """
    pages = Blueprint(
        "console",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/console",
    )

    if desk is not None:
        from console import sign_in  # with what hashes passwords, where there are any

        sign_in.add(pages, desk, base_url)
    else:
        pages.before_request(_only_this_machine)

    @pages.after_request
    def closed_in(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    @pages.context_processor
    def rooms() -> dict[str, Any]:
        return {"has_directories": directories is not None}

    def people() -> dict[str, Any]:
        text, page = asked()
        show = request.args.get("show", "")
        with database.read() as connection:
            return queries.people(
                connection, targets, machine_now(), text=text, show=show, page=page
            ) | {"text": text, "show": show if show in queries.CONDITIONS else ""}

    def one_person(id: str) -> dict[str, Any]:
        if "\0" in id:  # PostgreSQL does not take it, and no id holds it
            abort(404)
        with database.read() as connection:
            found = queries.one_person(connection, id, machine_now())
        if found is None:
            abort(404, "There is no such person.")
        return found

    @pages.get("/")
    def home() -> str:
        beside = _beside(database, directories) if directories is not None else None
        return render_template(
            "console/people.html", **people(), conditions=queries.CONDITIONS, beside=beside
        )

    @pages.get("/people.json")
    def people_json() -> Response:
        return jsonify(people())

    @pages.get("/person/<id>")
    def person(id: str) -> str:
        return render_template("console/person.html", person=one_person(id))

    @pages.get("/person/<id>.json")
    def person_json(id: str) -> Response:
        return jsonify(one_person(id))

    if directories is not None:
        _add_side_by_side(pages, database, directories)
    return pages


def _only_this_machine() -> None:
    if not from_this_machine():
        abort(
            403,
            "The console answers only a browser on the machine it runs on, unless server.host, "
            "base_url or trusted_proxies says that others can reach it: then operators sign in.",
        )


def _both(database: Database, read: Callable[[], Dump]) -> dict[str, Any]:
    """Both directories as the request wants to see them. Raises DirectoriesDown."""
    dump = read()
    text, page = asked()
    with database.read() as connection:
        return side_by_side(connection, dump, machine_now(), text=text, page=page) | {"text": text}


def _beside(database: Database, read: Callable[[], Dump]) -> dict[str, Any]:
    try:
        return _both(database, read)
    except DirectoriesDown as down:
        return {"problem": str(down)}


def _add_side_by_side(pages: Blueprint, database: Database, read: Callable[[], Dump]) -> None:
    @pages.get("/directories")
    def directories_page() -> str:
        # A problem is answered as a page like any other, so that an open one shows it too.
        return render_template("console/directories.html", **_beside(database, read))

    @pages.get("/directories.json")
    def directories_json() -> tuple[Response, int]:
        try:
            return jsonify(_both(database, read)), 200
        except DirectoriesDown as down:
            return jsonify(problem=str(down)), 503


def asked() -> tuple[str, int]:
    """What the current request filters by, and the page it wants."""
    text = request.args.get("q", "").strip()[:_LONGEST_TEXT].replace("\0", "")
    return text, max(1, min(request.args.get("page", 1, type=int), 1_000_000))


def from_this_machine() -> bool:
    """Whether the current request came over loopback, addressed to loopback, unproxied."""
    if any(name.lower().startswith("x-forwarded") for name in request.headers.keys()):  # noqa: SIM118
        return False
    if any(name in request.headers for name in _PROXIED):
        return False
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        return False
    return _is_loopback(request.remote_addr) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False
