"""Which attributes of a resource are sent: `attributes`, `excludedAttributes`, `returned`
(RFC 7644 section 3.9, RFC 7643 section 2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from scim.errors import invalid_value
from scim.paths import Path, PathError, join, resolve
from scim.schema import UNKNOWN, Attribute, ResourceType


@dataclass(frozen=True)
class Projection:
    """A client's choice. Empty, it means what each attribute's `returned` says."""

    wanted: frozenset[Path] = frozenset()
    unwanted: frozenset[Path] = frozenset()
    named: frozenset[str] = frozenset()
    """Paths that the client wrote just now: they are shown though returned on request only."""

    def is_default(self, kind: ResourceType) -> bool:
        """Whether stored documents can be sent as they are."""
        return not self.wanted and not self.unwanted and not _has_request_only(kind)

    def wants_rows(self, kind: ResourceType) -> bool:
        """Whether members or groups are shown."""
        if not self.wanted and not self.unwanted:
            return True
        return any(
            self._attribute(None, attribute, [dict.fromkeys(_names(attribute), "x")]) is not None
            for attribute in (kind.members, kind.groups)
            if attribute is not None
        )

    def of(self, kind: ResourceType, document: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a whole document that is sent."""
        shown: dict[str, Any] = {}
        for name, value in document.items():
            schema = kind.extension(name)
            if schema is None and not (isinstance(value, dict) and ":" in name):
                attribute = kind.attribute(name) or Attribute(name, UNKNOWN)
                kept = self._attribute(None, attribute, value)
            else:
                kept = {}
                for key, inner in value.items():
                    attribute = (schema.attribute(key) if schema else None) or Attribute(
                        key, UNKNOWN
                    )
                    part = self._attribute(name, attribute, inner)
                    if part is not None:
                        kept[key] = part
                kept = kept or None
            if kept is not None:
                shown[name] = kept
        return shown

    def _attribute(self, extension: str | None, attribute: Attribute, value: Any) -> Any:
        if attribute.returned == "always":
            return value
        if attribute.returned == "never":
            return None
        whole = self._named(self.wanted, extension, attribute, None)
        subs = {
            path.sub.name.lower()
            for path in self.wanted
            if path.sub and _same(path, extension, attribute)
        }
        if self.wanted and not whole and not subs and not _has_always(attribute):
            return None
        if not self.wanted:
            if attribute.returned == "request" and join(extension, attribute) not in self.named:
                return None
            if self._named(self.unwanted, extension, attribute, None):
                return None
        return self._subs(extension, attribute, value, None if whole or not self.wanted else subs)

    def _subs(
        self, extension: str | None, attribute: Attribute, value: Any, only: set[str] | None
    ) -> Any:
        if isinstance(value, list):
            items = [self._subs(extension, attribute, item, only) for item in value]
            return [item for item in items if item is not None] or None
        if not isinstance(value, dict):
            return value
        shown = {}
        for name, inner in value.items():
            sub = attribute.sub(name) or Attribute(name, UNKNOWN)
            named = only is not None and name.lower() in only
            if sub.returned == "always" or named:
                shown[name] = inner
            elif only is not None or sub.returned == "never":
                continue
            elif sub.returned == "request":
                if join(extension, attribute, sub) in self.named:
                    shown[name] = inner
            elif not self._named(self.unwanted, extension, attribute, sub):
                shown[name] = inner
        return shown or None

    def _named(
        self,
        paths: Iterable[Path],
        extension: str | None,
        attribute: Attribute,
        sub: Attribute | None,
    ) -> bool:
        for path in paths:
            if path.attribute is None:
                if sub is None and (path.extension or "").lower() == (extension or "").lower():
                    return True
            elif _same(path, extension, attribute):
                name = path.sub.name.lower() if path.sub else None
                if name == (sub.name.lower() if sub else None):
                    return True
        return False


DEFAULT = Projection()
_NOTHING = Path(None, Attribute("", UNKNOWN))


def read(kind: ResourceType, attributes: str | None, excluded: str | None) -> Projection:
    """The two query parameters, comma-separated. Names that nothing has are passed over.

    Raises ScimError 400 when both are given.
    """
    if not attributes and not excluded:
        return DEFAULT
    if attributes and excluded:
        raise invalid_value("attributes and excludedAttributes exclude each other.")
    return Projection(_paths(kind, attributes), _paths(kind, excluded))


def _paths(kind: ResourceType, text: str | None) -> frozenset[Path]:
    paths = set()
    for name in (text or "").split(",")[:500]:
        if name.strip():
            try:
                paths.add(resolve(kind, name.strip(), keep_unknown=True))
            except PathError:
                paths.add(_NOTHING)  # whoever names something did not ask for everything
                if name.strip().lower() == kind.schema.id.lower():
                    paths.update(Path(None, a) for a in kind.schema.attributes.values())
    return frozenset(paths)


def _names(attribute: Attribute) -> list[str]:
    return [sub.name for sub in attribute.subs.values()]


def _same(path: Path, extension: str | None, attribute: Attribute) -> bool:
    return (
        path.attribute is not None
        and (path.extension or "").lower() == (extension or "").lower()
        and path.attribute.name.lower() == attribute.name.lower()
    )


def _has_always(attribute: Attribute) -> bool:
    return any(sub.returned == "always" for sub in attribute.subs.values())


@cache
def _has_request_only(kind: ResourceType) -> bool:
    return any(
        attribute.returned == "request"
        or any(sub.returned == "request" for sub in attribute.subs.values())
        for schema in (kind.core, *(e.attributes for e in kind.extensions.values()))
        for attribute in schema.values()
    )
