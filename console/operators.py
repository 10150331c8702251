"""`operator`: who may see the pages where others than this machine can reach them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from access.sign_in import BadPassword, checked, hashed
from console.tokens import OpenStore
from store import operators
from store.clocks import machine_now
from store.database import Database

FIRST = "admin"
"""Name of the first operator."""


def first_password_file(data: Path) -> Path:
    """Where the first operator's first password lies until it is changed."""
    return data / "first-password"


def first_operator(database: Database, data: Path) -> Path | None:
    """See to it that somebody can sign in; the file with a first password, if it is still
    the first one."""
    file = first_password_file(data)
    with database.read() as connection:
        known = operators.names(connection)
    if not known:
        password = secrets.token_urlsafe(18)
        with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
            out.write(password + "\n")
        kept = hashed(password)
        database.write(
            lambda tx: operators.set_password(tx, FIRST, kept, machine_now(), provisional=True)
        )
    return file if file.exists() else None


def create_operator_group(open_store: OpenStore) -> click.Group:
    """The commands over what `open_store` opens."""

    @click.group("operator")
    def group() -> None:
        """Operators of the console, who sign in with a password."""

    @group.command("set")
    @click.argument("name")
    @click.option(
        "--password",
        prompt=True,
        hide_input=True,
        confirmation_prompt=True,
        help="asked for when left out, which keeps it off the command line",
    )
    def set_password(name: str, password: str) -> None:
        """Make the operator NAME, or give them another password; their sessions end."""
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise click.ClickException("a name is 1 to 100 printable characters")
        try:
            kept = hashed(checked(password, name))
        except BadPassword as bad:
            raise click.ClickException(str(bad)) from None
        settings, database = open_store(prepared=True)
        database.write(lambda tx: operators.set_password(tx, name, kept, machine_now()))
        if name == FIRST:
            first_password_file(settings.data).unlink(missing_ok=True)
        click.echo(f"{name} can sign in")

    @group.command("list")
    def show() -> None:
        """The names of all operators."""
        _, database = open_store()
        with database.read() as connection:
            for name in operators.names(connection):
                click.echo(name)

    @group.command("remove")
    @click.argument("name")
    def remove(name: str) -> None:
        """Take the operator NAME away; their sessions end."""
        _, database = open_store()
        if not database.write(lambda tx: operators.remove(tx, name, machine_now())):
            raise click.ClickException(f"there is no operator {name}")
        click.echo(f"{name} is no operator any more")

    return group
