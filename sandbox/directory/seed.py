"""What a new domain holds: its containers, its built-in accounts, and the schema to read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sandbox.directory import schema
from sandbox.directory.accounts import DISABLED, NO_EXPIRY, NORMAL, hashed
from sandbox.directory.domain import Domain
from sandbox.directory.schema import Attribute, Flag
from sandbox.directory.tree import Entry
from sandbox.directory.values import NEVER

SERVICE_ACCOUNT = "svc-muster"
PEOPLE = "People"
LEAVERS = "Leavers"
GROUPS = "Groups"

_ADMINISTRATOR, _ADMINS, _USERS, _COMPUTERS = 500, 512, 513, 515
_POLICY = {
    "minPwdLength": b"7",
    "pwdProperties": b"1",
    "pwdHistoryLength": b"24",
    "lockoutThreshold": b"0",
    "maxPwdAge": b"-36288000000000",
    "minPwdAge": b"-864000000000",
    "ms-DS-MachineAccountQuota": b"10",
}

# attributeSyntax, oMSyntax (MS-ADTS 3.1.1.2.2.2)
_SYNTAXES = {
    "text": (b"2.5.5.12", b"64"),
    "ascii": (b"2.5.5.5", b"22"),
    "bool": (b"2.5.5.8", b"1"),
    "int": (b"2.5.5.9", b"2"),
    "large": (b"2.5.5.16", b"65"),
    "time": (b"2.5.5.11", b"24"),
    "octets": (b"2.5.5.10", b"4"),
    "sid": (b"2.5.5.17", b"4"),
    "oid": (b"2.5.5.2", b"6"),
    "dn": (b"2.5.5.1", b"127"),
    "link": (b"2.5.5.1", b"127"),
    "back": (b"2.5.5.1", b"127"),
}


def sow(domain: Domain, password: str) -> None:
    """Fill an empty domain. `password` becomes the service account's."""
    _Seed(domain).sow(password)


class _Seed:
    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._made: list[Entry] = []

    def _entry(
        self,
        class_name: str,
        parent: Entry | None,
        name: str,
        attributes: Mapping[str, bytes] | None = None,
        critical: bool = True,
    ) -> Entry:
        kind = schema.CLASSES[class_name]
        entry = Entry(
            self._domain.new_guid(),
            parent.guid if parent else None,
            (kind.rdn, name) if parent else ("", name),
        )
        entry.attributes["objectClass"] = kind.line
        base = self._domain.base_dn
        entry.attributes["objectCategory"] = (
            f"CN={kind.category},CN=Schema,CN=Configuration,{base}".encode(),
        )
        entry.attributes["instanceType"] = (b"4" if parent else b"5",)
        if critical:
            entry.attributes["isCriticalSystemObject"] = (b"TRUE",)
        for key, value in (attributes or {}).items():
            entry.attributes[schema.attribute(key).name] = (value,)
        self._made.append(entry)
        return entry

    def sow(self, password: str) -> None:
        """Make everything in one write."""
        domain = self._domain
        root = self._entry("domaindns", None, domain.base_dn)
        root.attributes["objectSid"] = (domain.sid,)
        root.attributes |= {name: (value,) for name, value in _POLICY.items()}
        users = self._entry("container", root, "Users", {"description": b"Default container"})
        self._entry("container", root, "Computers")
        self._entry("organizationalunit", root, "Domain Controllers")
        self._entry("container", root, "Deleted Objects", {"isDeleted": b"TRUE"})
        self._entry("organizationalunit", root, PEOPLE, critical=False)
        self._entry("organizationalunit", root, LEAVERS, critical=False)
        self._entry("organizationalunit", root, GROUPS, critical=False)
        services = self._entry("organizationalunit", root, "Service Accounts")
        self._group(users, "Domain Users", _USERS)
        self._group(users, "Domain Computers", _COMPUTERS)
        admins = self._group(users, "Domain Admins", _ADMINS)
        admins.attributes["adminCount"] = (b"1",)
        administrator = self._user(users, "Administrator", _ADMINISTRATOR)
        administrator.attributes["adminCount"] = (b"1",)
        admins.links["member"] = (administrator.guid,)
        service = self._user(services, SERVICE_ACCOUNT, None)
        # The same through every reset: whoever is bound as it stays so.
        service.guid = uuid.uuid5(uuid.NAMESPACE_DNS, f"{SERVICE_ACCOUNT}.{domain.realm}").bytes_le
        service.secret = hashed(password)
        service.attributes["userAccountControl"] = (b"%d" % (NORMAL | NO_EXPIRY),)
        service.attributes["userPrincipalName"] = (f"{SERVICE_ACCOUNT}@{domain.realm}".encode(),)
        self._configuration()
        domain.commit(self._made)

    def _account(self, entry: Entry, rid: int | None) -> Entry:
        entry.attributes["sAMAccountName"] = (entry.rdn[1].encode(),)
        entry.attributes["objectSid"] = (self._domain.new_sid(rid),)
        return entry

    def _group(self, parent: Entry, name: str, rid: int) -> Entry:
        kind = {"groupType": b"-2147483646", "sAMAccountType": b"%d" % 0x10000000}
        return self._account(self._entry("group", parent, name, kind), rid)

    def _user(self, parent: Entry, name: str, rid: int | None) -> Entry:
        given = {
            "userAccountControl": b"%d" % (NORMAL | DISABLED | NO_EXPIRY),
            "sAMAccountType": b"%d" % 0x30000000,
            "primaryGroupID": b"%d" % _USERS,
            "accountExpires": b"%d" % NEVER,
            "pwdLastSet": b"0",
        }
        return self._account(self._entry("user", parent, name, given), rid)

    def _configuration(self) -> None:
        domain = self._domain
        configuration = self._entry("configuration", None, f"CN=Configuration,{domain.base_dn}")
        partitions = self._entry("crossrefcontainer", configuration, "Partitions")
        short = domain.realm.split(".")[0].upper()
        self._entry(
            "crossref",
            partitions,
            short,
            {
                "nCName": domain.base_dn.encode(),
                "nETBIOSName": short.encode(),
                "dnsRoot": domain.realm.encode(),
                "systemFlags": b"3",
            },
        )
        described = self._entry("dmd", configuration, "Schema")
        for attribute in schema.ATTRIBUTES.values():
            self._schema_entry(described, attribute)

    def _schema_entry(self, parent: Entry, attribute: Attribute) -> None:
        syntax, om_syntax = _SYNTAXES[attribute.syntax]
        system = Flag.SYSTEM in attribute.flags or attribute.syntax == "back"
        given = {
            "lDAPDisplayName": attribute.name.encode(),
            "attributeSyntax": syntax,
            "oMSyntax": om_syntax,
            "isSingleValued": b"TRUE" if attribute.single else b"FALSE",
            "searchFlags": b"1" if Flag.INDEXED in attribute.flags else b"0",
            "systemOnly": b"TRUE" if system else b"FALSE",
        }
        if attribute.upper is not None:
            lower = b"0" if attribute.syntax == "int" else b"1"
            given |= {"rangeLower": lower, "rangeUpper": b"%d" % attribute.upper}
        self._entry("attributeschema", parent, attribute.name, given)
