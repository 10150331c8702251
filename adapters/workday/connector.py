"""Workers in XML become SCIM users by `workers.xsl`. Whoever sends it is not trusted: no DTD,
so no entities; no network; libxml2's own limits of depth and size."""

from __future__ import annotations

import codecs
import re
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from scim.bodies import decode
from scim.errors import ScimError, invalid_syntax

STYLESHEET = Path(__file__).with_name("workers.xsl")
_DECLARED = re.compile(r"""\A<\?xml[^>]*?encoding\s*=\s*["']([^"']{1,40})["'][^>]*\?>""")
_UTF16 = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CORE_CONNECTOR, _GET_WORKERS = "urn:com.workday/workersync", "urn:com.workday/bsvc"
_ANSWERS = (
    f"{{{_CORE_CONNECTOR}}}Worker_Sync",
    f"{{{_GET_WORKERS}}}Get_Workers_Response",
    f"{{{_GET_WORKERS}}}Response_Data",
)
"""Elements in which workers stand, if there are any."""
_DTD = re.compile(r"(?>\s|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.I | re.S)
"""A DTD stands before the root element; further on it is text. Possessive: what was read as a
comment is never read again as something longer."""


def users(raw: bytes) -> list[Any]:
    """The SCIM users in an XML document; none in that of a run in which nothing had changed.
    Raises ScimError 400."""
    root = _parse(_text(raw))
    try:
        written = str(_transformation()(root))
    except etree.XSLTError:
        raise invalid_syntax("The XML cannot be transformed: a value is too odd.") from None
    found: list[Any] = decode(written.encode())["workers"]
    if not found and next(root.iter(*_ANSWERS), None) is None:
        raise invalid_syntax(
            f"The XML holds no Worker; its root is {etree.QName(root).localname[:80]}."
            " Core Connector: Worker or Get_Workers is expected."
        )
    return found


def _text(raw: bytes) -> str:
    """The document as text: UTF-8, or UTF-16 with its mark."""
    encoding = next((name for mark, name in _UTF16 if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise invalid_syntax(
            f"The XML is not {encoding.upper()}: byte {error.start} is wrong."
        ) from None
    text = text.lstrip()
    declared = _DECLARED.match(text)
    if declared and not encoding.startswith(declared[1].lower().replace("utf8", "utf-8")):
        raise invalid_syntax(
            f"The XML says that it is {declared[1]}; UTF-8, or UTF-16 with a byte order mark,"
            " is expected."
        )
    if _DTD.match(text):
        raise _dtd()
    return text


def _parse(text: str) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise _not_xml(error.msg or "", line or 0, column or 0) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _dtd()
    return root


def _dtd() -> ScimError:
    return invalid_syntax("The XML has a DTD or entities, which are not accepted.")


def _not_xml(said: str, line: int, column: int) -> ScimError:
    # libxml2 quotes from the document only names of elements and entities, at most 80 letters.
    why = re.sub(r", line \d+, column \d+.*", "", said)[:160]
    return invalid_syntax(
        f"The body is not XML: {why or 'it is empty'} at line {line} column {column}."
    )


@cache
def _transformation() -> etree.XSLT:
    stylesheet = etree.parse(STYLESHEET)
    return etree.XSLT(stylesheet, access_control=etree.XSLTAccessControl.DENY_ALL)
