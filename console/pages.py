"""The pages: people, one person, and the same as JSON. For this machine's eyes only.

Until the console has logins of its own it answers nobody but a browser on this very
machine: a proxied request, or one that came by another host name (DNS rebinding), is
refused. Every value is escaped, and no script or style from elsewhere runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, render_template, request

from console import queries
from store.clocks import machine_now
from store.database import Database

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


def create_blueprint(database: Database, targets: Sequence[str]) -> Blueprint:
    """The console over `database`; `targets` are shown in this order."""
    pages = Blueprint(
        "console",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/console",
    )

    @pages.before_request
    def only_this_machine() -> None:
        if not from_this_machine():
            abort(403, "The console answers only a browser on the machine it runs on.")

    @pages.after_request
    def closed_in(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    def people() -> dict[str, Any]:
        text = request.args.get("q", "").strip()[:_LONGEST_TEXT].replace("\0", "")
        show = request.args.get("show", "")
        page = max(1, min(request.args.get("page", 1, type=int), 1_000_000))
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
        return render_template("console/people.html", **people(), conditions=queries.CONDITIONS)

    @pages.get("/people.json")
    def people_json() -> Response:
        return jsonify(people())

    @pages.get("/person/<id>")
    def person(id: str) -> str:
        return render_template("console/person.html", person=one_person(id))

    @pages.get("/person/<id>.json")
    def person_json(id: str) -> Response:
        return jsonify(one_person(id))

    return pages


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
