"""Error texts of Samba (as seen on 4.17) and of Windows (as documented), and what they mean."""

from __future__ import annotations

import pytest

from adapters.active_directory.connection import Answer
from adapters.active_directory.errors import is_transient, raise_for_read, refusal
from adapters.target import StepKind, TargetDown, TargetRefused

NAMES = ("sAMAccountName", "userPrincipalName", "givenName", "title")
SECRET = "jdoe"  # stands for personal values in the server's texts

CASES: list[tuple[StepKind, int, str, str, str | None]] = [
    # Samba
    ("create", 68, "Entry CN=jdoe,OU=People already exists", "name", "cn"),
    (
        "create",
        68,
        "00002071: samldb: samAccountName 'jdoe' already in use!",
        "name",
        "sAMAccountName",
    ),
    (
        "modify",
        68,
        "00002071: samldb: samAccountName 'jdoe' already in use!",
        "name",
        "sAMAccountName",
    ),
    (
        "create",
        19,
        "0000202F: samldb: userPrincipalName 'jdoe@x' is already in use ",
        "name",
        "userPrincipalName",
    ),
    (
        "create",
        19,
        "0000202F: samldb: userPrincipalName 'jdoe@x' is already in use "
        "(implied by sAMAccountName)",
        "name",
        "sAMAccountName",
    ),
    (
        "create",
        19,
        "0000202F: samldb: sAMAccountName contains invalid '/' character\n",
        "value",
        "sAMAccountName",
    ),
    ("create", 19, "0000202F: samldb: sAMAccountName ends with '.'", "value", "sAMAccountName"),
    (
        "modify",
        21,
        "0000200B: objectclass_attrs: attribute 'givenName' on entry 'CN=jdoe' contains at least "
        "one invalid value!",
        "value",
        "givenName",
    ),
    (
        "modify",
        16,
        "acl_modify: attribute 'title' on entry 'CN=jdoe' was not found in the schema!",
        "config",
        "title",
    ),
    (
        "create",
        16,
        "0000200A: objectclass_attrs: attribute 'title' on entry 'CN=jdoe' was not found",
        "config",
        "title",
    ),
    (
        "modify",
        20,
        "0000200D: SINGLE-VALUE attribute givenName on CN=jdoe specified more than once",
        "value",
        "givenName",
    ),
    ("create", 21, "Element givenName has empty attribute in ldb message", "value", "givenName"),
    ("modify", 32, "Base-DN '<GUID=b2b368c4>' not found", "gone", None),
    ("move", 80, "00002095: objectclass: Cannot rename CN=jdoe, parent", "config", None),
    ("create", 50, "acl: unable to get access to CN=jdoe\n", "rights", None),
    ("modify", 50, "00002098: Object CN=jdoe has no write property access\n", "rights", None),
    ("refer", 19, "000020B5: Referenced object not found at ../../source4/x.c", "reference", None),
    ("enable", 16, "attribute 'userAccountControl': no matching value", "stale", None),
    ("create", 19, "0000052D: Constraint violation - check_password_restrictions", "config", None),
    ("modify", 67, "00002016: Modify of RDN 'CN' on CN=jdoe not permitted", "bug", None),
    ("modify", 53, "00002035: objectclass_attrs: delete protected attribute", "bug", None),
    ("modify", 34, "could not parse foo as a 1.3.6.1.4.1.1466.115.121.1.12 DN", "value", None),
    # Windows
    (
        "create",
        68,
        "00002071: UpdErr: DSID-0305038D, problem 6005 (ENTRY_EXISTS), data 0\n\0",
        "name",
        "cn",
    ),
    (
        "create",
        68,
        "00000524: UpdErr: DSID-031A11FA, problem 6005 (ENTRY_EXISTS), data 0\n\0",
        "name",
        "sAMAccountName",
    ),
    (
        "modify",
        19,
        "000021C8: AtrErr: DSID-03200BBA, #1:\n\t0: 000021C8: DSID-03200BBA, problem 1005 "
        "(CONSTRAINT_ATT_TYPE), data 0, Att 90290 (userPrincipalName)\n\0",
        "name",
        "userPrincipalName",
    ),
    (
        "modify",
        19,
        "00002082: AtrErr: DSID-03151A4B, #1:\n\t0: 00002082: DSID-03151A4B, problem 1005 "
        "(CONSTRAINT_ATT_TYPE), data 0, Att 2a (givenName):len 130\n\0",
        "value",
        "givenName",
    ),
    (
        "create",
        19,
        "00002082: AtrErr: DSID-03151907, #1:\n\t0: 00002082: problem 1005, data 0, "
        "Att 90001 (name):len 130\n\0",
        "value",
        "cn",
    ),
    ("create", 80, "00000523: SysErr: DSID-031A0FB6, problem 22 (Invalid argument)", "value", None),
    ("enable", 53, "0000052D: SvcErr: DSID-031A12D2, problem 5003", "config", None),
    ("create", 53, "0000001F: SvcErr: DSID-031A12D2, problem 5003", "config", None),
    ("modify", 32, "0000208D: NameErr: DSID-03100245, problem 2001 (NO_OBJECT)", "gone", None),
    ("create", 32, "00002089: UpdErr: DSID-031B0D23, problem 5012 (DIR_ERROR)", "container", None),
    ("modify", 50, "00002098: SecErr: DSID-03150F94, problem 4003", "rights", None),
    ("move", 50, "00000005: SecErr: DSID-031A11F5, problem 4003", "rights", None),
    ("move", 71, "00002018: SvcErr: DSID-031A0FC0, problem 5003", "config", None),
    ("disable", 16, "00002085: AtrErr: DSID-03151A4B, problem 1001", "stale", None),
    ("modify", 53, "0000209A: SvcErr: DSID-031A1236, problem 5003", "bug", None),
    ("modify", 10, "0000202B: RefErr: DSID-0310082F, data 0, 1 access points", "config", None),
    ("modify", 123, "a text nobody has ever seen", "config", None),
]  # fmt: skip


@pytest.mark.parametrize(("step", "result", "text", "kind", "attribute"), CASES)
def test_meaning(step: StepKind, result: int, text: str, kind: str, attribute: str | None) -> None:
    found = refusal(step, Answer(result, text), NAMES)
    assert found.kind == kind
    if attribute:
        assert found.attribute == attribute
    assert found.remedy
    assert SECRET not in found.message + found.remedy
    assert found.code.startswith(str(result))


def test_code_shows_result_and_windows_code() -> None:
    assert Answer(68, "00000524: UpdErr: DSID").code == "68/00000524"
    assert Answer(68, "Entry already exists").code == "68"
    assert Answer(19, "0000052D: x").win32 == 0x52D
    assert Answer(1, "").win32 is None


def test_the_remedy_for_missing_rights_is_the_delegation() -> None:
    for step, right in (
        ("create", "CCDC;user"),
        ("modify", "RPWP;;user"),
        ("disable", "userAccountControl"),
        ("refer", "RPWP;manager"),
        ("move", "the new OU"),
    ):
        found = refusal(step, Answer(50, "00002098: SecErr"))  # type: ignore[arg-type]
        assert "dsacls" in found.remedy
        assert right in found.remedy


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (51, "0000200E: SvcErr: DSID-02080490, problem 5001 (BUSY), data 0"),
        (52, "0000200F: LdapErr"),
        (53, "00002010: SvcErr: DSID, problem 5003"),
        (1, "000004DC: LdapErr: DSID-0C090A5C, comment: a successful bind must be completed"),
        (1, "00000057: LdapErr: DSID-0C090850, comment: Error processing control"),
    ],
)
def test_busy_servers_are_waited_for(result: int, text: str) -> None:
    assert is_transient(Answer(result, text))
    with pytest.raises(TargetDown):
        raise_for_read(Answer(result, text))


def test_an_invalid_parameter_elsewhere_is_not_transient() -> None:
    assert not is_transient(Answer(53, "00000057: SvcErr: DSID-031A0FC0"))


@pytest.mark.parametrize(
    ("result", "kind"), [(50, "rights"), (32, "config"), (10, "config"), (34, "config")]
)
def test_refused_reads(result: int, kind: str) -> None:
    with pytest.raises(TargetRefused) as caught:
        raise_for_read(Answer(result, ""))
    assert caught.value.refusal.kind == kind
    assert caught.value.refusal.remedy
