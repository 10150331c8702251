"""`token`: what proves who a source's client is; made, listed, rotated, revoked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from access import certificates
from access.algorithms import algorithms_for
from access_settings import SCOPES
from scim_settings import PROFILES
from settings import Settings
from store import credentials
from store.clocks import iso, machine_now
from store.credentials import NoCredential
from store.database import Database

DAY = 86_400.0
_OVERLAP_HOURS = 24.0
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


class OpenStore(Protocol):
    """Gives settings and database, which is made or brought up to date if `prepared`."""

    def __call__(self, *, prepared: bool = False) -> tuple[Settings, Database]: ...


def create_token_group(open_store: OpenStore) -> click.Group:
    """The commands over what `open_store` opens."""

    @click.group("token", cls=_Clear)
    def tokens() -> None:
        """Credentials of the sources: tokens, clients with a secret or key, certificates."""

    @tokens.command("create")
    @click.argument("source")
    @click.option("--profile", type=click.Choice(PROFILES), help="default: that of the source")
    @click.option("--user", metavar="ID", help="SCIM id of the resource that /Me is")
    @click.option(
        "--scope",
        "scopes",
        multiple=True,
        type=click.Choice(SCOPES),
        help="what it may do; give it for each (default: all)",
    )
    @click.option("--days", type=click.FloatRange(min=0.01), help="it ends after so many days")
    @click.option("--client", is_flag=True, help="id and secret: HTTP Basic, or OAuth")
    @click.option("--public-key", type=_file, help="PEM of an OAuth client that signs assertions")
    @click.option("--issuer", help="of access.issuers: whose tokens name the caller, and ...")
    @click.option("--subject", help="... how they name it")
    @click.option("--certificate", type=_file, help="PEM of a client certificate")
    def create(
        source: str,
        profile: str | None,
        user: str | None,
        scopes: tuple[str, ...],
        days: float | None,
        **way: Any,
    ) -> None:
        """Make a bearer token for SOURCE, or another credential, and print it.

        A token, and only it, is on standard output; it and a secret are shown once: Muster
        keeps a digest. With --profile SOURCE may be a name that is not configured: such a
        source only stores what it is sent, to test SCIM clients.
        """
        settings, database = open_store(prepared=True)
        if source not in settings.sources and profile is None:
            raise click.ClickException(
                f"there is no source {source}; known: {', '.join(settings.sources)}. "
                "With --profile it becomes one that only stores."
            )
        now = machine_now()
        terms: dict[str, Any] = {
            "expires": None if days is None else now + days * DAY,
            "profile": profile or "",
            "subject": user,
            "scopes": scopes or SCOPES,
        }
        click.echo(_created(settings, database, source, now, terms, **way))

    @tokens.command("list")
    @click.argument("source", required=False)
    @click.option("--json", "as_json", is_flag=True, help="as JSON")
    def show(source: str | None, as_json: bool) -> None:
        """Every credential, or those of SOURCE, oldest first."""
        _, database = open_store()
        with database.read() as connection:
            found = credentials.listed(connection, source)
        if as_json:
            click.echo(json.dumps(found, indent=2))
            return
        for row in found:
            click.echo(_line(row, machine_now()))
        click.echo(f"{len(found)} credentials")

    @tokens.command("rotate")
    @click.argument("id")
    @click.option(
        "--overlap",
        default=_OVERLAP_HOURS,
        show_default=True,
        type=click.FloatRange(0, 24 * 90),
        help="hours for which the old one is good too",
    )
    @click.option("--public-key", type=_file, help="PEM: the next key of a client with a key")
    def rotate(id: str, overlap: float, public_key: Path | None) -> None:
        """Put a new token, secret or key in the place of the credential ID and print it."""
        _, database = open_store()
        with database.read() as connection:
            whole = credentials.whole_id(connection, id)
        pem = _public_key(public_key) if public_key else None
        handle, secret = credentials.rotate(database, whole, machine_now(), overlap * 3600, pem)
        click.echo(_client(handle, secret) if handle else secret)

    @tokens.command("revoke")
    @click.argument("id")
    def revoke(id: str) -> None:
        """End the credential ID for good; everywhere within two seconds."""
        _, database = open_store()
        with database.read() as connection:
            whole = credentials.whole_id(connection, id)
        if not credentials.revoke(database, whole, machine_now()):
            raise click.ClickException(f"credential {whole} has been revoked before")
        click.echo(f"revoked {whole}")

    return tokens


class _Clear(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (NoCredential, ValueError) as error:
            raise click.ClickException(str(error)) from None


def _created(
    settings: Settings,
    database: Database,
    source: str,
    now: float,
    terms: dict[str, Any],
    *,
    client: bool,
    public_key: Path | None,
    issuer: str | None,
    subject: str | None,
    certificate: Path | None,
) -> str:
    if sum((client, public_key is not None, issuer is not None, certificate is not None)) > 1:
        raise click.UsageError("a credential is of one kind: choose one of the options")
    if (issuer is None) != (subject is None):
        raise click.UsageError("--issuer and --subject go together")
    if client:
        return _client(*credentials.create_client(database, source, now, **terms))
    if public_key is not None:
        pem = _public_key(public_key)
        return _client(credentials.register(database, "key", source, now, public_key=pem, **terms))
    if issuer is not None:
        known = [one.issuer for one in settings.access.issuers]
        if issuer not in known:
            said = f"known: {', '.join(known)}" if known else "muster.yaml names none"
            raise click.ClickException(f"there is no issuer {issuer} in access.issuers; {said}")
        handle = f"{issuer}\n{subject}"
        credentials.register(database, "jwt", source, now, handle=handle, **terms)
        return f"{subject} of {issuer}"
    if certificate is not None:
        handle = _certificate(certificate)
        credentials.register(database, "certificate", source, now, handle=handle, **terms)
        return _of_certificate(handle)
    return credentials.create(database, source, now, **terms)


def _public_key(file: Path) -> str:
    pem = file.read_bytes()
    try:
        if pem.lstrip().startswith(b"-----BEGIN CERTIFICATE"):
            key: Any = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = load_pem_public_key(pem)
        algorithms_for(key)
    except ValueError as error:
        raise click.ClickException(f"{file} is no public key for us: {error}") from None
    text: str = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return text


def _certificate(file: Path) -> str:
    try:
        return certificates.handle(x509.load_pem_x509_certificate(file.read_bytes()))
    except ValueError as error:
        raise click.ClickException(f"{file} is no certificate for us: {error}") from None


def _client(handle: str, secret: str | None = None) -> str:
    return f"client id: {handle}" + (f"\nclient secret: {secret}" if secret else "")


def _of_certificate(handle: str) -> str:
    subject, _, issuer = handle.partition("\n")
    return f"subject: {subject}\nissuer: {issuer}"


def _line(row: dict[str, Any], now: float) -> str:
    """One credential on one line; secrets are not among what is kept of it."""
    if row["revoked"] is not None:
        state = f"revoked {iso(row['revoked'])}"
    elif row["expires"] is not None and row["expires"] <= now:
        state = f"ended {iso(row['expires'])}"
    else:
        state = f"until {iso(row['expires'])}" if row["expires"] is not None else "good"
    used = f"used {iso(row['last_used'])}" if row["last_used"] is not None else "never used"
    words = [row["id"][:8], row["source"], row["kind"], row["scopes"].replace(" ", ",")]
    if row["handle"]:
        words.append(" / ".join(row["handle"].split("\n")))
    if row["profile"]:
        words.append(f"profile {row['profile']}")
    if row["replaces"]:
        words.append(f"replaces {row['replaces'][:8]}")
    return "  ".join([*words, f"made {iso(row['created'])}", used, state])
