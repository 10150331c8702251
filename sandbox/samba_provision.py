"""Provision the sandbox's AD domain. Run by Debian's own /usr/bin/python3, never imported.

Reads one JSON object from stdin (see `SambaDomain.ensure`) and leaves a domain in
`folder`: base schema, OU=People, OU=Leavers, OU=Groups and the service account with rights on
those OUs and on what it has deleted. Samba's Python API takes a third of the time of
`samba-tool domain provision`, which also insists on file-share ACLs that a directory does
not need.
"""

import json
import logging
import sys
from pathlib import Path

from samba import dsdb, provision, sd_utils  # type: ignore[import-not-found]
from samba.auth import system_session  # type: ignore[import-not-found]
from samba.param import LoadParm  # type: ignore[import-not-found]
from samba.samdb import SamDB  # type: ignore[import-not-found]

USER = "bf967aba-0de6-11d0-a285-00aa003049e2"  # schemaIDGUID of class user
GROUP = "bf967a9c-0de6-11d0-a285-00aa003049e2"  # schemaIDGUID of class group
MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"  # schemaIDGUID of attribute member
RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"  # MS-ADTS 5.1.3.2.1
REANIMATE = "45ec5156-db7e-47bb-b53f-dbeb2d03c40f"  # Reanimate-Tombstones, likewise
DELEGATION = (
    "(OA;CI;CCDC;{user};;{sid})"  # create and delete users
    "(OA;CIIO;RPWP;;{user};{sid})"  # read and write their properties
    "(OA;CIIO;CR;{reset};{user};{sid})"  # set their passwords
    "(OA;CIIO;RPWP;{member};{group};{sid})"  # put them into groups and take them out
)
BIN = "(A;CI;LCRP;;;{sid})"  # see what lies in Deleted Objects
BACK = "(OA;;CR;{reanimate};;{sid})"  # bring it back: a right on the whole domain


def main() -> None:
    order = json.load(sys.stdin)
    folder = Path(order["folder"])
    parameters = LoadParm()
    parameters.load(order["smb_conf"])
    parameters.set("ldb:nosync", "true")
    provision.provision(
        logging.getLogger("provision"),
        system_session(),
        smbconf=order["smb_conf"],
        realm=order["realm"],
        domain=order["domain"],
        hostname=order["host"],
        hostip=order["address"],
        adminpass=order["administrator_password"],
        serverrole="active directory domain controller",
        dom_for_fun_level=dsdb.DS_DOMAIN_FUNCTION_2008_R2,
        dns_backend="NONE",
        skip_sysvolacl=True,
        batch_mode=True,
        lp=parameters,
    )
    samdb = SamDB(str(folder / "private" / "sam.ldb"), lp=parameters, session_info=system_session())
    base = str(samdb.domain_dn())
    samdb.transaction_start()
    for name in order["ous"]:
        samdb.add({"dn": f"OU={name},{base}", "objectClass": "organizationalUnit", "ou": name})
    account = order["service_account"]
    dn = f"CN={account},CN=Users,{base}"
    samdb.add(
        {
            "dn": dn,
            "objectClass": "user",
            "sAMAccountName": account,
            "userPrincipalName": f"{account}@{order['realm']}",
            "description": "Muster's service account: users and members of groups in these OUs",
            "userAccountControl": "66048",  # normal account, password never expires
            "unicodePwd": f'"{order["service_password"]}"'.encode("utf-16-le"),
        }
    )
    security = sd_utils.SDUtils(samdb)
    sid = security.get_object_sid(dn)
    rights = DELEGATION.format(user=USER, reset=RESET_PASSWORD, member=MEMBER, group=GROUP, sid=sid)
    for name in order["ous"]:
        security.dacl_prepend_aces(f"OU={name},{base}", rights)
    security.dacl_prepend_aces(
        f"CN=Deleted Objects,{base}", BIN.format(sid=sid), controls=["show_deleted:1"]
    )
    security.dacl_prepend_aces(base, BACK.format(reanimate=REANIMATE, sid=sid))
    samdb.transaction_commit()


main()
