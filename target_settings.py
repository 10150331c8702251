"""`targets:` of muster.yaml: what each kind of target is told, as marshmallow schemas.

Apart from `settings.py` because it is a subject of its own; read and checked there.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema


def _secret(text: str) -> None:
    if not text.startswith(("env:", "file:")) or not text.partition(":")[2]:
        raise ValidationError(
            "is a secret and must be a reference|Write env:NAME or file:PATH instead of the value."
        )


def _ldaps(urls: object) -> None:
    listed = urls if isinstance(urls, list) else [urls]
    if not listed or not all(isinstance(u, str) and u.startswith("ldaps://") for u in listed):
        raise ValidationError("is not an ldaps:// URL|Muster speaks to AD over TLS only.")


def _https(text: str) -> None:
    if not text.startswith("https://"):
        raise ValidationError("is not an https:// URL|Tokens travel over TLS only.")


class ActiveDirectorySchema(Schema):
    url = fields.Raw(required=True, validate=_ldaps)
    base_dn = fields.String(required=True)
    people_ou = fields.String(required=True)
    leavers_ou = fields.String(load_default=None, allow_none=True)
    bind_dn = fields.String(required=True)
    password = fields.String(required=True, validate=_secret)
    ca_file = fields.String(load_default=None, allow_none=True)
    privileged = fields.String(
        load_default="report", validate=validate.OneOf(["report", "disable"])
    )
    connect_timeout = fields.Integer(
        strict=True, load_default=5, validate=validate.Range(min=1, max=120)
    )
    receive_timeout = fields.Integer(
        strict=True, load_default=20, validate=validate.Range(min=1, max=600)
    )

    @validates_schema
    def _inside(self, data: dict[str, Any], **_: Any) -> None:
        base = data.get("base_dn", "").casefold()
        for key in ("people_ou", "leavers_ou"):
            if data.get(key) and not data[key].casefold().endswith(base):
                raise ValidationError("lies outside base_dn|Give a DN below base_dn.", key)


class EntraSchema(Schema):
    tenant_id = fields.String(required=True)
    client_id = fields.String(required=True)
    client_secret = fields.String(load_default=None, validate=_secret)
    certificate = fields.String(load_default=None)
    graph = fields.String(load_default="https://graph.microsoft.com/v1.0", validate=_https)
    authority = fields.String(load_default="https://login.microsoftonline.com", validate=_https)
    ca_file = fields.String(load_default=None, allow_none=True)
    proxy = fields.String(load_default=None, allow_none=True)
    hybrid = fields.Boolean(load_default=False)
    usage_location = fields.String(load_default=None, validate=validate.Regexp(r"^[A-Z]{2}$"))
    connect_timeout = fields.Float(load_default=5.0, validate=validate.Range(min=0.1, max=120))
    answer_timeout = fields.Float(load_default=30.0, validate=validate.Range(min=0.1, max=600))
    writes_per_second = fields.Float(load_default=18.0, validate=validate.Range(min=0, max=1000))

    @validates_schema
    def _one_of_two(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("client_secret") is None) == (data.get("certificate") is None):
            raise ValidationError(
                "or certificate is needed, and not both|Give one of them.", "client_secret"
            )


KINDS: dict[str, type[Schema]] = {
    "active_directory": ActiveDirectorySchema,
    "entra_id": EntraSchema,
}
"""By kind."""
