"""The schema: which attributes there are, what they take, and on which classes.

Limits are those of AD's base schema (MS-ADA1..3), with the mail attributes that
Exchange adds and extensionAttribute1..15.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from typing import Literal, TypeAlias

from sandbox.directory import errors
from sandbox.directory.values import fold, time_key

Syntax: TypeAlias = Literal[
    "text", "ascii", "bool", "int", "large", "time", "octets", "sid", "dn", "oid", "link", "back"
]


class Flag(IntFlag):
    SYSTEM = 1
    """Kept by the directory; nobody writes it."""
    CONSTRUCTED = 2
    """Computed, and only given to who asks for it by name."""
    INDEXED = 4
    """Found without looking at every entry."""
    TOMBSTONE = 8
    """Still there after the entry was deleted."""
    SECRET = 16
    """Written, never read."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. `upper`: longest value in characters (octets: bytes), highest number."""

    name: str
    syntax: Syntax
    single: bool
    upper: int | None
    classes: str
    """u user, c contact, g group, o organizationalUnit, s other kinds; x all."""
    flags: Flag
    number: int
    partner: str | None = None
    """For links: the attribute at the other end."""
    secret: bool = False
    """Whether :attr:`flags` has SECRET: asked for with every value that is shown."""

    def key(self, value: bytes) -> Hashable:
        """What two equal values share. Raises ValueError when the value is not of the syntax."""
        if self.syntax in ("text", "oid", "ascii", "dn"):
            return fold(value.decode())
        if self.syntax in ("int", "large"):
            return int(value)
        if self.syntax == "time":
            return time_key(value)
        return value

    def check(self, value: bytes) -> None:
        """Raises Refused: 21 for a wrong syntax, 19 00002082 for a size out of range."""
        size = len(value)
        try:
            if self.syntax in ("text", "oid", "dn"):
                size = len(value.decode("utf-8").encode("utf-16-le")) // 2
            elif self.syntax == "ascii":
                value.decode("ascii")
            elif self.syntax == "bool":
                if value not in (b"TRUE", b"FALSE"):
                    raise ValueError
            elif self.syntax in ("int", "large"):
                limit = 1 << (31 if self.syntax == "int" else 63)
                number = int(value.decode("ascii"))
                if not -limit <= number < limit or value.strip() != value:
                    raise ValueError
                if self.upper is not None and not 0 <= number <= self.upper:
                    raise errors.attribute(19, 0x2082, 1005, self.name, self.number)
                return
            elif self.syntax == "time":
                time_key(value)
        except ValueError:
            raise errors.conversion(21) from None
        if size == 0 and self.syntax in ("text", "ascii", "octets", "oid"):
            raise errors.attribute(21, 0x200B, 1005, self.name, self.number, 0)
        if self.upper is not None and size > self.upper:
            raise errors.attribute(19, 0x2082, 1005, self.name, self.number, len(value))


# name, syntax, single or multi, upper limit, classes, flags (S system, C constructed,
# I indexed, T kept by a tombstone, P secret)
_TABLE = """
objectClass oid m - x T
objectCategory dn s - x -
objectGUID octets s 16 x ST
objectSid sid s - ug STI
cn text s 64 x -
ou text m 64 o -
dc text s 255 s S
name text s 255 x ST
distinguishedName dn s - x ST
instanceType int s - x ST
whenCreated time s - x ST
whenChanged time s - x ST
uSNCreated large s - x ST
uSNChanged large s - x ST
isDeleted bool s - x ST
lastKnownParent dn s - x ST
isCriticalSystemObject bool s - x S
systemFlags int s - x S
showInAdvancedViewOnly bool s - x -
adminCount int s - ug -
adminDescription text s 256 x -
adminDisplayName text s 256 x -
canonicalName text m - x SC
createTimeStamp time s - x SC
modifyTimeStamp time s - x SC
structuralObjectClass oid m - x SC
parentGUID octets s - x SC
allowedAttributes oid m - x SC
allowedAttributesEffective oid m - x SC
allowedChildClasses oid m - x SC
allowedChildClassesEffective oid m - x SC
primaryGroupToken int s - g SC
tokenGroups sid m - u SC
msDS-User-Account-Control-Computed int s - u SC
msDS-UserPasswordExpiryTimeComputed large s - u SC
msDS-PrincipalName text s - ug SC
description text m 1024 x -
displayName text s 256 x -
displayNamePrintable ascii s 256 x -
info text s 1024 ucg -
comment text s 1024 u -
url text m - ucgo -
wWWHomePage text s 2048 ucgo -
sn text s 64 uc -
givenName text s 64 uc -
initials text s 6 uc -
middleName text s 64 uc -
personalTitle text s 64 uc -
generationQualifier text s 64 uc -
title text s 128 uc -
department text s 64 uc -
departmentNumber text m - uc -
division text s 256 uc -
company text s 64 uc -
physicalDeliveryOfficeName text s 128 ucog -
roomNumber text m - uc -
businessCategory text m 128 ucog -
streetAddress text s 1024 uco -
street text s 1024 uco -
l text s 128 uco -
st text s 128 uco -
postalCode text s 40 uco -
postOfficeBox text m 40 uco -
postalAddress text m 4096 uco -
homePostalAddress text s 4096 uc -
co text s 128 uco -
c text s 3 uco -
countryCode int s 65535 uco -
telephoneNumber text s 64 ucgo -
mobile text s 64 uc -
facsimileTelephoneNumber text s 64 uco -
homePhone text s 64 uc -
pager text s 64 uc -
ipPhone text s 64 uc -
otherTelephone text m 64 uc -
otherMobile text m 64 uc -
otherHomePhone text m 64 uc -
otherPager text m 64 uc -
otherIpPhone text m 512 uc -
otherFacsimileTelephoneNumber text m 64 uc -
mail text s 256 ucg I
otherMailbox text m - uc -
proxyAddresses text m 1123 ucg I
mailNickname text s 64 ucg I
targetAddress text s 1123 ucg -
legacyExchangeDN text s 512 ucg -
msExchHideFromAddressLists bool s - ucg -
employeeID text s 16 uc I
employeeNumber text s 512 uc I
employeeType text s 256 uc -
carLicense text m - uc -
preferredLanguage text s - uc -
uid text m 256 uc -
labeledURI text m - uc -
jpegPhoto octets m - uc -
photo octets m - uc -
thumbnailPhoto octets s 102400 uc -
thumbnailLogo octets s 32767 ucgo -
audio octets m 250000 uc -
userCertificate octets m 32768 uc -
userSMIMECertificate octets m 32768 uc -
mS-DS-ConsistencyGuid octets s 16 ucg -
msDS-ExternalDirectoryObjectId text s 256 ucg -
msDS-PhoneticFirstName text s 64 uc -
msDS-PhoneticLastName text s 64 uc -
msDS-PhoneticDepartment text s 64 uc -
msDS-PhoneticCompanyName text s 64 uc -
msDS-PhoneticDisplayName text s 256 uc -
scriptPath text s 512 u -
profilePath text s 512 u -
homeDirectory text s 512 u -
homeDrive text s 64 u -
userWorkstations text s 1024 u -
userParameters text s 32767 u -
logonHours octets s 21 u -
uidNumber int s - ug -
gidNumber int s - ug -
gecos ascii s 10240 u -
loginShell ascii s 1024 u -
unixHomeDirectory ascii s 2048 u -
sAMAccountName text s 256 ug TI
userPrincipalName text s 1024 u I
altSecurityIdentities text m - u -
servicePrincipalName text m - u -
dNSHostName text s 2048 u -
operatingSystem text s - u -
userAccountControl int s - u T
sAMAccountType int s - ug S
primaryGroupID int s - u S
groupType int s - g T
accountExpires large s - u -
pwdLastSet large s - u -
lockoutTime large s - u -
lastLogon large s - u S
lastLogoff large s - u S
lastLogonTimestamp large s - u S
badPasswordTime large s - u S
badPwdCount int s - u S
logonCount int s - u S
codePage int s 65535 u -
unicodePwd octets s - u P
nTSecurityDescriptor octets s - x SP
gPLink text s - os -
uPNSuffixes text m - s -
nCName dn s - s S
nETBIOSName text s 16 s S
dnsRoot text m 255 s S
minPwdLength int s - s S
maxPwdAge large s - s S
minPwdAge large s - s S
pwdHistoryLength int s - s S
pwdProperties int s - s S
lockoutThreshold int s - s S
ms-DS-MachineAccountQuota int s - s S
lDAPDisplayName text s 256 s S
attributeSyntax oid s - s S
oMSyntax int s - s S
isSingleValued bool s - s S
rangeLower int s - s S
rangeUpper int s - s S
linkID int s - s S
searchFlags int s - s S
systemOnly bool s - s S
"""

# forward attribute, single or multi, classes, back link
_LINKS = """
member m g memberOf
manager s uc directReports
managedBy s gos managedObjects
secretary m uc -
assistant s uc -
"""

_FLAGS = {"S": Flag.SYSTEM, "C": Flag.CONSTRUCTED, "I": Flag.INDEXED}
_FLAGS |= {"T": Flag.TOMBSTONE, "P": Flag.SECRET}

ATTRIBUTES: dict[str, Attribute] = {}
"""Every attribute by its name in lower case."""


def _define(
    name: str,
    syntax: Syntax,
    single: bool,
    upper: int | None,
    classes: str,
    flags: Flag,
    partner: str | None = None,
) -> None:
    number = 0x90000 + len(ATTRIBUTES)
    ATTRIBUTES[name.lower()] = Attribute(
        name, syntax, single, upper, classes, flags, number, partner, Flag.SECRET in flags
    )


def _define_all() -> None:
    for line in _TABLE.strip().splitlines():
        name, syntax, count, upper, classes, letters = line.split()
        flags = Flag(0)
        for letter in letters.replace("-", ""):
            flags |= _FLAGS[letter]
        limit = None if upper == "-" else int(upper)
        _define(name, syntax, count == "s", limit, classes, flags)  # type: ignore[arg-type]
    for line in _LINKS.strip().splitlines():
        name, count, classes, back = line.split()
        partner = None if back == "-" else back
        _define(name, "link", count == "s", None, classes, Flag(0), partner)
        if partner:
            _define(partner, "back", False, None, "x", Flag.SYSTEM, name)
    for place in range(1, 16):
        name = f"extensionAttribute{place}"
        _define(name, "text", True, 1024 if place <= 10 else 2048, "ucg", Flag(0))
    for place in range(1, 21):
        _define(f"msDS-cloudExtensionAttribute{place}", "text", True, 4000, "ucg", Flag(0))


_define_all()


def attribute(name: str) -> Attribute:
    """The attribute of this name, in any case. Raises Refused (16) when there is none."""
    found = ATTRIBUTES.get(name.lower())
    if found is None:
        raise errors.conversion(16)
    return found


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """A structural class: its line of ancestors, its kind, its naming attribute."""

    line: tuple[bytes, ...]
    kind: str
    """The letter that :attr:`Attribute.classes` uses."""
    rdn: str
    category: str
    """cn of the classSchema entry that objectCategory names."""
    parents: str
    """Kinds of entry below which it may stand."""


_PERSON = (b"top", b"person", b"organizationalPerson")

CLASSES = {
    "user": ObjectClass((*_PERSON, b"user"), "u", "CN", "Person", "os"),
    "inetorgperson": ObjectClass((*_PERSON, b"user", b"inetOrgPerson"), "u", "CN", "Person", "os"),
    "computer": ObjectClass((*_PERSON, b"user", b"computer"), "u", "CN", "Computer", "os"),
    "contact": ObjectClass((*_PERSON, b"contact"), "c", "CN", "Person", "os"),
    "group": ObjectClass((b"top", b"group"), "g", "CN", "Group", "os"),
    "organizationalunit": ObjectClass(
        (b"top", b"organizationalUnit"), "o", "OU", "Organizational-Unit", "od"
    ),
    "container": ObjectClass((b"top", b"container"), "s", "CN", "Container", "ds"),
    "domaindns": ObjectClass((b"top", b"domain", b"domainDNS"), "d", "DC", "Domain-DNS", ""),
    "configuration": ObjectClass((b"top", b"configuration"), "s", "CN", "Configuration", ""),
    "dmd": ObjectClass((b"top", b"dMD"), "s", "CN", "DMD", "s"),
    "crossref": ObjectClass((b"top", b"crossRef"), "s", "CN", "Cross-Ref", "s"),
    "crossrefcontainer": ObjectClass(
        (b"top", b"crossRefContainer"), "s", "CN", "Cross-Ref-Container", "s"
    ),
    "attributeschema": ObjectClass(
        (b"top", b"attributeSchema"), "s", "CN", "Attribute-Schema", "s"
    ),
}

CLIENT_CLASSES = frozenset(
    {"user", "inetorgperson", "computer", "contact", "group", "organizationalunit", "container"}
)
"""What a client may add; the rest is there from the beginning."""

_ABSTRACT = frozenset({"top", "person", "organizationalperson", "domain"})


@lru_cache(maxsize=256)
def structural(names: tuple[bytes, ...]) -> ObjectClass:
    """The most derived class among the given ones.

    Raises Refused: 16 for an unknown class, 65 when none or two unrelated are given.
    """
    given = [name.decode("utf-8", "replace").lower() for name in names]
    found: ObjectClass | None = None
    for one in given:
        if one in _ABSTRACT:
            continue
        candidate = CLASSES.get(one)
        if candidate is None:
            raise errors.conversion(16)
        if found is None or set(found.line) <= set(candidate.line):
            found = candidate
        elif not set(candidate.line) <= set(found.line):
            raise errors.update(65, 0x207D, 6002)
    if found is None:
        raise errors.update(65, 0x207D, 6002)
    return found


def allowed(attribute: Attribute, kind: str) -> bool:
    """Whether entries of this kind may hold the attribute."""
    if attribute.classes == "x":
        return True
    return ("s" if kind == "d" else kind) in attribute.classes
