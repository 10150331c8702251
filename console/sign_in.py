"""Signing in to the pages, signing out, a new password; and nobody in without.

Another way to sign in (OpenID Connect) is a route of its own among `_OPEN` that ends, as
`sign_in` does, with `desk.begin` and the cookie.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from access import Denied
from access.sign_in import BadPassword, Desk, form_token
from console.pages import from_this_machine

COOKIE = "muster_session"
REFRESH = "Muster-Refresh"
"""Header by which a page that refreshes itself says so: nobody is at work."""
_OPEN = ("console.sign_in", "console.signed_in", "console.static")
"""What is answered to anybody."""
_FIRST = ("console.password", "console.changed", "console.sign_out")
"""What is answered to who has to change the password first."""
_SAFE = ("GET", "HEAD", "OPTIONS")


def add(pages: Blueprint, desk: Desk, base_url: str) -> None:
    """Let nobody at `pages` who has not signed in at `desk`. The world knows this server as
    `base_url`."""
    at = urlsplit(base_url)

    @pages.before_request
    def known() -> BaseResponse | None:
        if request.method not in _SAFE and not _from_here(at.netloc):
            abort(403, "This was sent by a page of another site.")
        if request.endpoint in _OPEN:
            return None
        secret = request.cookies.get(COOKIE, "")
        session = desk.session(secret, active=REFRESH not in request.headers)
        if session is None:
            return _sign_in_first()
        if request.method not in _SAFE and not hmac.compare_digest(
            request.form.get("form", "").encode(), form_token(secret).encode()
        ):
            abort(403, "This form is not of your session; load the page again.")
        g.operator, g.session_secret, g.provisional = session.operator, secret, session.provisional
        if session.provisional and request.endpoint not in _FIRST:
            return redirect(url_for("console.password"))
        return None

    @pages.context_processor
    def who() -> dict[str, Any]:
        if "operator" not in g:
            return {}
        return {"operator": g.operator, "form_token": form_token(g.session_secret)}

    def with_cookie(secret: str) -> BaseResponse:
        response = redirect(url_for("console.home"), 303)
        response.set_cookie(
            COOKIE,
            secret,
            path=request.script_root or "/",
            secure=at.scheme == "https" and not from_this_machine(),  # as through a tunnel
            httponly=True,
            samesite="Lax",
        )
        return response

    @pages.get("/sign-in")
    def sign_in() -> str:
        return render_template("console/sign_in.html")

    @pages.post("/sign-in")
    def signed_in() -> BaseResponse:
        form = request.form
        try:
            secret = desk.sign_in(form.get("name", ""), form.get("password", ""), _address())
        except Denied as denied:
            return _denied(denied, "console/sign_in.html")
        desk.end(request.cookies.get(COOKIE, ""))
        return with_cookie(secret)

    @pages.post("/sign-out")
    def sign_out() -> BaseResponse:
        desk.end(g.session_secret)
        response = redirect(url_for("console.sign_in"), 303)
        response.delete_cookie(COOKIE, path=request.script_root or "/")
        return response

    @pages.get("/password")
    def password() -> str:
        return render_template("console/password.html", provisional=g.provisional)

    @pages.post("/password")
    def changed() -> BaseResponse:
        form, page = request.form, "console/password.html"
        try:
            if form.get("new") != form.get("again"):
                raise BadPassword("The new password is not the same both times.")
            old, new = form.get("old", ""), form.get("new", "")
            secret = desk.change_password(g.operator, old, new, _address())
        except Denied as denied:
            return _denied(denied, page)
        except BadPassword as bad:
            return _page(400, page, str(bad))
        return with_cookie(secret)


def _address() -> str:
    return request.remote_addr or ""


def _sign_in_first() -> BaseResponse:
    if request.path.endswith(".json"):
        response = jsonify(error="sign in first")
        response.status_code = 401
        return response
    return redirect(url_for("console.sign_in"), 303)


def _from_here(own: str) -> bool:
    """Whether a browser says that a page of ours sent this request, or nobody says anything:
    programs have no cookies that another site could use."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc in (own, request.headers.get("Host"))
    except ValueError:
        return False


def _denied(denied: Denied, page: str) -> BaseResponse:
    response = _page(denied.status, page, denied.detail)
    response.headers.update(denied.headers)
    return response


def _page(status: int, page: str, problem: str) -> Response:
    shown = render_template(page, problem=problem, provisional=g.get("provisional", False))
    return Response(shown, status, content_type="text/html; charset=utf-8")
