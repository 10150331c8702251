"""Microsoft's addresses, below /v1.0 and /beta: a Flask blueprint around the rest of the room.

`docs/bulk-upload.md` is the contract. A token belongs to a source: it sees one service
principal with one job, its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request
from sqlalchemy import Connection

from adapters.bulk_upload import (
    addresses,
    answers,
    asked,
    directory_schema,
    expressions,
    logs,
    odata,
    on_demand,
    ordering,
    principal,
    verdicts,
)
from adapters.bulk_upload import request as upload_request
from adapters.bulk_upload.addresses import Call
from adapters.bulk_upload.answers import Refusal
from adapters.bulk_upload.house import House
from adapters.bulk_upload.uploads import Full, Uploads
from mappings.entra.schema import SchemaError
from mappings.targets import ENTRA_ID
from scim.auth import admit
from scim.errors import ScimError
from scim.messages import MEDIA_TYPE, body, failure
from scim.service import Client, Service
from store import resources, uploads
from store.clocks import to_datetime

VERSIONS = ("v1.0", "beta")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SCOPES = {
    "none", "connectordatastore", "escrows", "watermark", "quarantinestate", "full",
}  # fmt: skip
_LONGEST_START = 60.0
"""Seconds; the web server ends a request after twice as long."""
_log = logging.getLogger("muster.bulk_upload")


Handler = Callable[[Call, Client], Response]


def create_blueprint(house: House) -> Blueprint:
    """Everything below /v1.0 and /beta."""
    desk = _Desk(house)
    pages = Blueprint("bulk_upload", __name__)
    for version in VERSIONS:
        view = partial(desk.answer, version)
        for rule in ("", "/<path:address>"):
            pages.add_url_rule(
                f"/{version}{rule}",
                endpoint=version.partition(".")[0],
                view_func=view,
                methods=_METHODS,
                strict_slashes=False,
                merge_slashes=False,
                provide_automatic_options=False,
            )
    return pages


class _Desk:
    """Takes a request, finds who asks for what, and answers."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._db = house.db
        scim_base = house.base.rstrip("/") + "/scim/v2"
        service = Service(house.db, house.registry, house.listener, house.now, scim_base)
        self._scim_base = scim_base
        self._uploads = Uploads(
            house.db,
            service,
            house.registry,
            house.business,
            house.now,
            house.clearing,
            house.most_waiting,
        )

    def answer(self, version: str, address: str = "") -> Response:
        """The answer to any request; never raises."""
        try:
            return self._dispatch(version, address)
        except Refusal as refusal:
            return answers.refused(refusal)
        except Exception as error:
            return answers.refused(answers.from_scim(failure(error, _log)))

    # -- addresses ---------------------------------------------------------------------------

    def _dispatch(self, version: str, address: str) -> Response:
        call = addresses.read(version, address)
        if request.method == "OPTIONS":  # asked by browsers, without a token
            client = None
        else:
            client = admit(self._house.gate, request.environ, {}, addresses.scope(call))
        found = self._methods(call, client)
        if found is None:
            raise answers.not_found(address)
        allowed = ", ".join([*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"])
        if client is None:
            return answers.options(allowed)
        handler = found.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            why = f"{request.method[:20]} is not for this address."
            raise Refusal(405, "Request_BadRequest", why, {"Allow": allowed})
        return handler(call, client)

    def _methods(self, call: Call, client: Client | None) -> Mapping[str, Handler] | None:
        """What can be done at an address, by method; None when it does not exist. Raises
        Refusal where it is another source's; `client` None is a browser that only asks."""
        match [part.lower() for part in call.parts[:1]] + call.parts[1:]:
            case ["serviceprincipals"]:
                return {"GET": self._principals}
            case ["auditlogs", what] if what.lower() == "provisioning":
                return {"GET": self._audit}
            case ["serviceprincipals", id, *rest]:
                if client is not None:
                    self._check(client, id, principal.principal_id, principal.app_id)
                return self._of_principal(rest, client)
        return None

    def _of_principal(
        self, parts: list[str], client: Client | None
    ) -> Mapping[str, Handler] | None:
        match [part.lower() for part in parts]:
            case []:
                return {"GET": self._principal}
            case ["synchronization", "jobs"]:
                return {"GET": self._jobs}
            case ["synchronization", "jobs", _, *rest]:
                if client is not None:
                    self._check(client, parts[2], principal.job_id)
                return self._of_job([part.removeprefix("microsoft.graph.") for part in rest])
        return None

    def _of_job(self, parts: list[str]) -> Mapping[str, Handler] | None:
        match parts:
            case []:
                return {"GET": self._job}
            case ["schema"]:
                return {"GET": self._schema, "PUT": self._put_schema, "DELETE": self._reset_schema}
            case ["schema", "functions" | "functions()"]:
                return {"GET": self._functions}
            case ["schema", "filteroperators" | "filteroperators()"]:
                return {"GET": self._operators}
        actions = {
            ("bulkupload",): self._upload,
            ("start",): self._start,
            ("pause",): self._pause,
            ("restart",): self._restart,
            ("validatecredentials",): self._validate,
            ("provisionondemand",): self._provision,
            ("schema", "parseexpression"): self._parse,
        }
        action = actions.get(tuple(parts))
        return None if action is None else {"POST": action}

    def _check(self, client: Client, id: str, *ids: Callable[[str], str]) -> None:
        """Raises Refusal when `id` is not the client's."""
        wanted = id.lower()
        if any(make(client.source).lower() == wanted for make in ids):
            return
        others = (make(source).lower() for source in self._house.sources for make in ids)
        raise answers.denied() if wanted in others else answers.not_found(id)

    # -- who is who --------------------------------------------------------------------------

    def _principals(self, call: Call, client: Client) -> Response:
        wanted = asked.condition()
        own = principal.principal(client.source)
        found = [own] if wanted is None or wanted.meets(own) else []
        more = {"@odata.count": len(found)} if asked.said("count") == "true" else {}
        return answers.listed(self._context(call, "servicePrincipals"), found, **more)

    def _principal(self, call: Call, client: Client) -> Response:
        context = self._context(call, "servicePrincipals/$entity")
        return answers.shown({"@odata.context": context, **principal.principal(client.source)})

    def _jobs(self, call: Call, client: Client) -> Response:
        return answers.listed(self._job_context(call, client), [self._job_of(client.source)])

    def _job(self, call: Call, client: Client) -> Response:
        context = self._job_context(call, client, "/$entity")
        return answers.shown({"@odata.context": context, **self._job_of(client.source)})

    def _job_of(self, source: str) -> dict[str, Any]:
        with self._db.read() as connection:
            job = uploads.job(connection, source)
            people = sum(n for _, n in resources.buckets(connection, source, "User"))
        return principal.job(source, paused=job.paused, people=people, last=job.last)

    # -- the upload --------------------------------------------------------------------------

    def _upload(self, call: Call, client: Client) -> Response:
        if request.mimetype != MEDIA_TYPE:
            raise answers.invalid(f"the Content-Type is to be {MEDIA_TYPE}.")
        try:
            operations = upload_request.read(body(request.environ, self._house.limits))
        except ScimError as error:
            raise answers.from_scim(error, of_body=True) from None
        except upload_request.NotARequest as wrong:
            raise answers.invalid(str(wrong)) from None
        rehearse = asked.flag("dryRun")
        explain = rehearse or asked.prefers_representation()
        try:
            taken = self._uploads.take(client, operations, rehearse=rehearse, explain=explain)
        except Full:
            later = {"Retry-After": "300"}
            raise Refusal(500, "InternalServerError", answers.FULL, later) from None
        if not explain:
            return answers.empty(202, {"Location": self._log_of(call, client)})
        told = verdicts.body(taken, operations, self._scim_base, rehearsed=rehearse)
        if rehearse:
            return answers.shown(told)
        response = answers.shown(told, 202)
        response.headers["Location"] = self._log_of(call, client)
        response.headers["Preference-Applied"] = "return=representation"
        return response

    def _log_of(self, call: Call, client: Client) -> str:
        wanted = quote(f"jobid eq '{principal.job_id(client.source)}'", safe="'")
        return f"{self._root(call)}/auditLogs/provisioning/?$filter={wanted}"

    def _audit(self, call: Call, client: Client) -> Response:
        wanted = asked.condition() or odata.EVERYTHING
        job = principal.job_id(client.source)
        if wanted.pinned.get("jobid", job).lower() != job.lower():
            others = [principal.job_id(source).lower() for source in self._house.sources]
            if wanted.pinned["jobid"].lower() in others:
                raise answers.denied()
            return answers.listed(self._context(call, "auditLogs/provisioning"), [])
        found, following = self._entries(client.source, wanted)
        more = {}
        if following is not None:
            here = f"{self._root(call)}/auditLogs/provisioning"
            more["@odata.nextLink"] = f"{here}?$skiptoken={following}{asked.others()}"
        return answers.listed(self._context(call, "auditLogs/provisioning"), found, **more)

    def _entries(self, source: str, wanted: odata.Filter) -> tuple[list[dict[str, Any]], Any]:
        """A page of the log, and the token of the next."""
        top, now = asked.number("top", 100, 1, logs.MOST), self._house.now()
        order = asked.order()
        if order is None:
            token = asked.number("skiptoken", None, 1, 2**62)
            with self._db.read() as connection:
                return logs.page(connection, source, wanted, top, token, now)
        with self._db.read() as connection:
            return ordering.page(connection, source, wanted, top, order, now)

    # -- the job -----------------------------------------------------------------------------

    def _start(self, call: Call, client: Client) -> Response:
        """What waits is taken in before the answer; what is more than a minute's work, by
        further calls."""
        if not self._uploads.start(client, _LONGEST_START):
            raise answers.busy()
        return answers.empty(204)

    def _pause(self, call: Call, client: Client) -> Response:
        self._db.write(lambda tx: uploads.pause(tx, client.source, paused=True))
        return answers.empty(204)

    def _restart(self, call: Call, client: Client) -> Response:
        """What waits is thrown away, as in Entra; who was pushed keeps what was pushed."""
        criteria = _folded(self._body()).get("criteria") or {}
        if not isinstance(criteria, dict):
            raise answers.invalid("criteria: an object is expected.")
        said = _folded(criteria).get("resetscope") or "None"
        scopes = [scope.strip().lower() for scope in str(said).split(",")]
        if "forcedeletes" in scopes:
            why = "ForceDeletes: what breakers hold is released by an operator (app.py release)."
            raise Refusal(403, "Authorization_RequestDenied", why)
        if unknown := [scope for scope in scopes if scope not in _SCOPES]:
            raise answers.bad_request(f"resetScope: {unknown[0][:40]!r} is not known.")

        def work(tx: Connection) -> None:
            uploads.purge(tx, client.source)
            uploads.pause(tx, client.source, paused=False)

        self._db.write(work)
        if "full" in scopes or "watermark" in scopes:
            on_demand.ask_everybody(self._db, client.source, self._house.targets)
        return answers.empty(204)

    def _validate(self, call: Call, client: Client) -> Response:
        """The caller's own token has been looked at already; a SecretToken is, where one is
        given to be looked at instead of what is saved."""
        said = _folded(self._body())
        given = said.get("credentials")
        saved = said.get("usesavedcredentials") is True
        pairs = given if isinstance(given, list) and not saved else []
        for pair in (_folded(one) for one in pairs if isinstance(one, dict)):
            if pair.get("key") == "SecretToken":
                asked = {
                    "HTTP_AUTHORIZATION": f"Bearer {pair.get('value')}",
                    "REMOTE_ADDR": request.remote_addr or "",
                }
                try:
                    found = admit(self._house.gate, asked, {})
                except ScimError:
                    found = None
                if found is None or found.source != client.source:
                    raise Refusal(400, "InvalidCredentials", "SecretToken: it is not valid here.")
        return answers.empty(204)

    def _provision(self, call: Call, client: Client) -> Response:
        try:
            ids = on_demand.subjects(self._body())
            kinds = {target: kind for target, (_, kind) in self._house.outbounds().items()}
            # Entra's clients read what comes first, and expect Entra.
            targets = sorted(self._house.targets, key=lambda one: kinds.get(one) != ENTRA_ID.name)
            told = on_demand.provision(self._db, client.source, ids, targets, self._house.patience)
        except on_demand.NotASubject as wrong:
            raise answers.bad_request(str(wrong)) from None
        context = self._context(call, "microsoft.graph.stringKeyStringValuePair")
        return answers.shown({"@odata.context": context, **told})

    # -- the schema --------------------------------------------------------------------------

    def _schema(self, call: Call, client: Client) -> Response:
        with self._db.read() as connection:
            added = uploads.job(connection, client.source).attributes
        context = self._job_context(call, client, f"('{principal.job_id(client.source)}')/schema")
        return answers.shown({"@odata.context": context, **self._schema_of(client.source, added)})

    def _schema_of(self, source: str, added: Sequence[Mapping[str, Any]] = ()) -> Mapping[str, Any]:
        user = self._house.registry.type_named("User")
        assert user is not None
        inbound = self._house.inbounds().get(source)
        try:
            return directory_schema.shown(source, inbound, self._house.outbounds(), user, added)
        except (SchemaError, KeyError, OSError, ValueError) as error:
            _log.error("a schema kept beside a mapping is unusable: %s", type(error).__name__)
            why = "A schema that was imported here cannot be read any more; see the log."
            raise Refusal(500, "InternalServerError", why) from None

    def _put_schema(self, call: Call, client: Client) -> Response:
        try:
            added = directory_schema.additions(self._body(), self._schema_of(client.source))
        except directory_schema.NotASchema as wrong:
            raise answers.bad_request(str(wrong)) from None
        self._db.write(lambda tx: uploads.keep_attributes(tx, client.source, added))
        return answers.empty(204)

    def _reset_schema(self, call: Call, client: Client) -> Response:
        self._db.write(lambda tx: uploads.keep_attributes(tx, client.source, None))
        return answers.empty(204)

    def _functions(self, call: Call, client: Client) -> Response:
        context = self._context(call, "Collection(microsoft.graph.attributeMappingFunctionSchema)")
        return answers.listed(context, expressions.functions())

    def _operators(self, call: Call, client: Client) -> Response:
        context = self._context(call, "Collection(microsoft.graph.filterOperatorSchema)")
        return answers.listed(context, expressions.operators())

    def _parse(self, call: Call, client: Client) -> Response:
        now = to_datetime(self._house.business.now())
        try:
            found = expressions.parsed(self._body(), now, self._house.domain)
        except expressions.NotAnExpression as wrong:
            raise answers.bad_request(str(wrong)) from None
        context = self._context(call, "microsoft.graph.parseExpressionResponse")
        return answers.shown({"@odata.context": context, **found})

    # -- words -------------------------------------------------------------------------------

    def _body(self) -> dict[str, Any]:
        """The JSON object of a request, {} when it has no body."""
        if not request.content_length and not request.headers.get("Transfer-Encoding"):
            return {}
        try:
            return body(request.environ, self._house.limits)
        except ScimError as error:
            raise answers.from_scim(error, of_body=True) from None

    def _root(self, call: Call) -> str:
        return f"{self._house.base.rstrip('/')}/{call.version}"

    def _context(self, call: Call, what: str) -> str:
        return f"{self._root(call)}/$metadata#{what}"

    def _job_context(self, call: Call, client: Client, rest: str = "") -> str:
        own = principal.principal_id(client.source)
        return self._context(call, f"servicePrincipals('{own}')/synchronization/jobs{rest}")


def _folded(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in mapping.items()}
