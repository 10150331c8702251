"""Refusals in AD's words: an LDAP result code and `0000XXXX: XxxErr: DSID-...` with the win32 code.

The shapes are AD's own; the DSID (a place in Microsoft's source) and the attribute
number are made up and mean nothing to a client.
"""

from __future__ import annotations

_PROBLEMS = {
    1001: "NO_ATTRIBUTE_OR_VAL",
    1005: "CONSTRAINT_ATT_TYPE",
    1006: "ATT_OR_VALUE_EXISTS",
    2001: "NO_OBJECT",
    2005: "NAMING_VIOLATION",
    2006: "BAD_NAME",
    4003: "INSUFF_ACCESS_RIGHTS",
    5003: "WILL_NOT_PERFORM",
    5012: "DIR_ERROR",
    6002: "OBJ_CLASS_VIOLATION",
    6003: "CANT_ON_NON_LEAF",
    6004: "CANT_ON_RDN",
    6005: "ENTRY_EXISTS",
}


class Refused(Exception):
    """The directory says no. `code`: LDAP result (RFC 4511 appendix A)."""

    def __init__(
        self, code: int, text: str, matched: str = "", referral: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.matched = matched
        self.referral = referral


def attribute(
    code: int, win32: int, problem: int, name: str, number: int, length: int | None = None
) -> Refused:
    """A refusal for the sake of one attribute (AtrErr), which the text names."""
    size = "" if length is None else f":len {length}"
    return Refused(
        code,
        f"{win32:08X}: AtrErr: DSID-03153438, #1:\n"
        f"\t0: {win32:08X}: DSID-03153438, problem {problem} ({_PROBLEMS[problem]}), "
        f"data 0, Att {number:x} ({name}){size}\n\0",
    )


def update(code: int, win32: int, problem: int) -> Refused:
    """A refusal of the write as a whole (UpdErr)."""
    return Refused(
        code,
        f"{win32:08X}: UpdErr: DSID-031A11E2, problem {problem} ({_PROBLEMS[problem]}), data 0\n\0",
    )


def service(win32: int, code: int = 53) -> Refused:
    """What the directory is unwilling to do (SvcErr)."""
    return Refused(
        code,
        f"{win32:08X}: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\0",
    )


def name(code: int, win32: int, problem: int, matched: str = "", data: int = 0) -> Refused:
    """A refusal for the sake of a name (NameErr). `matched`: the nearest entry there is."""
    return Refused(
        code,
        f"{win32:08X}: NameErr: DSID-03100245, problem {problem} ({_PROBLEMS[problem]}), "
        f"data {data}, best match of:\n\t'{matched}'\n\0",
        matched,
    )


def no_object(matched: str) -> Refused:
    """32: there is no such entry."""
    return name(32, 0x208D, 2001, matched)


def conversion(code: int, win32: int = 0x57) -> Refused:
    """An attribute that is not in the schema (16) or a value not of its syntax (21)."""
    return Refused(
        code,
        f"{win32:08X}: LdapErr: DSID-0C090D8A, comment: "
        "Error in attribute conversion operation, data 0, v4563\0",
    )


def comment(code: int, win32: int, words: str) -> Refused:
    """Any other refusal by AD's LDAP front (LdapErr)."""
    return Refused(code, f"{win32:08X}: LdapErr: DSID-0C090A5C, comment: {words}, data 0, v4563\0")


def logon(reason: str) -> Refused:
    """49: a bind that failed: 52e credentials, 533 disabled, 701 expired, 773 must change."""
    return Refused(
        49,
        "80090308: LdapErr: DSID-0C090447, comment: "
        f"AcceptSecurityContext error, data {reason}, v4563\0",
    )


def rights() -> Refused:
    """50: the caller may not."""
    return Refused(
        50,
        "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n\0",
    )
