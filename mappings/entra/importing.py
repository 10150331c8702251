"""From a rule of an Entra schema to an inbound and an outbound document, and a report."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappings.entra.choosing import Chosen, choose
from mappings.entra.drafts import Draft
from mappings.entra.flipping import flipped
from mappings.entra.names import CHANGED, GRAPH
from mappings.entra.report import Report
from mappings.entra.rows import Row, read_row
from mappings.entra.schema import SchemaError, attribute_definitions, listed, metadata
from mappings.entra.words import Words
from mappings.language.grammar import parse
from mappings.language.syntax import Attribute, Call, quoted, written
from mappings.scope import UNARY, operator_named
from mappings.targets import ACTIVE_DIRECTORY

NEVER_CUT = frozenset({
    "employeeid", "employeenumber", "samaccountname", "userprincipalname", "mail", "mailnickname",
    "c", "usagelocation", "postalcode", "telephonenumber", "mobile", "facsimiletelephonenumber",
})  # fmt: skip
"""Half a key, an address or a number is none."""
NEEDED = ("samaccountname", "userprincipalname", "mailnickname")
"""Without these no account is made."""


@dataclass(frozen=True)
class Imported:
    """What an import makes: two documents, what is kept beside them, and what became of it all."""

    chosen: Chosen
    inbound: Draft
    outbound: Draft
    kept: dict[str, Any]
    report: Report
    targets: frozenset[str]
    """Entra's names of the attributes that became part of the documents."""


def import_schema(schema: Mapping[str, Any], name: str, rule: str | None = None) -> Imported:
    """The documents `NAME_in` and `NAME_out` of one rule. Raises SchemaError."""
    return _Importer(schema, choose(schema, rule), name).run()


class _Importer:
    def __init__(self, schema: Mapping[str, Any], chosen: Chosen, name: str) -> None:
        self.schema = schema
        self.chosen = chosen
        self.name = name
        self.report = Report()
        self.words = Words(chosen, schema, self.report)
        self.definitions = attribute_definitions(
            schema,
            str(chosen.rule.get("targetDirectoryName")),
            str(chosen.mapping.get("targetObjectName")),
        )
        self.attributes: dict[str, Any] = {}
        self.references: dict[str, Any] = {}
        self.names: dict[str, list[str]] = {}
        self.top: dict[str, Any] = {}
        self.scope: dict[str, Any] = {}
        self.targets: set[str] = set()

    def run(self) -> Imported:
        rows = [
            row
            for written_row in listed(self.chosen.mapping, "attributeMappings")
            if (row := read_row(written_row, self.report)) is not None
        ]
        for row in rows:
            self._row(row)
        self._match(rows)
        self._read_scope()
        self._say_what_is_kept()
        return Imported(
            self.chosen,
            self._inbound(),
            self._outbound(),
            copy.deepcopy(dict(self.schema)),
            self.report,
            frozenset(self.targets),
        )

    # --- one attribute -----------------------------------------------------------------

    def _row(self, row: Row) -> None:
        target = row.target
        definition = self.definitions.get(target.lower(), {})
        if definition.get("type") == "Reference" or target.lower() == "manager":
            done = self._reference(row)
        else:
            value = self.words.rewritten(row)
            done = value is not None and self._value(row, value, definition)
        if done:
            self.targets.add(target)
            if row.kind != "own" and row.hold is None:
                why = f"{row.flow} only adds values; here the difference is reported (hold: watch)"
                self.report.add("hand", target, why)

    def _reference(self, row: Row) -> bool:
        node = parse(row.expression)
        fact = self.words.fact(node.name.strip()) if isinstance(node, Attribute) else None
        if row.target.lower() != "manager" or fact != "manager":
            why = "a reference to another object; only manager is linked here"
            self.report.add("hand", f"{row.target} = {row.expression}", why)
            return False
        self.references["manager"] = self._with_hold("[managerPerson]", row)
        self.report.add("carried", f"manager = {row.expression}")
        return True

    def _value(self, row: Row, value: str, definition: Mapping[str, Any]) -> bool:
        folded = row.target.lower()
        in_directory = self.chosen.target is ACTIVE_DIRECTORY
        if folded == "objectfilter":
            self.scope["object_filter"] = value
        elif folded in ("accountdisabled", "accountenabled"):
            node = parse(value)
            disabled = folded == "accountdisabled"
            self.top["enabled"] = written(flipped(node)) if disabled else value
            why = "as enabled:; beside it the dates of hire and end decide, and nobody is "
            self.report.add("changed", row.shown, f"{why}disabled because active is not said")
            return self._no_default(row)
        elif in_directory and folded == "parentdistinguishedname":
            self.top["container"] = value
        elif in_directory and folded == "cn":
            self.names["cn"] = _candidates(value)
        elif folded == "samaccountname" or (folded == "mailnickname" and not in_directory):
            self.names["accountName"] = _candidates(value)
            self.attributes[row.target] = self._rule(row, "[accountName]", definition)
            why = "as names: accountName:; one name for every target, numbered when all are taken"
            self.report.add("changed", row.shown, why)
            return True
        else:
            name = row.target if in_directory else GRAPH.get(row.target, row.target)
            self.attributes[name] = self._rule(row, value, definition)
            self.report.add("carried", row.shown)
            return True
        self.report.add("carried", row.shown)
        return self._no_default(row)

    def _no_default(self, row: Row) -> bool:
        if row.default is not None and row.has_source:
            self.report.add("kept", f"{row.target}: default value {row.default}")
        return True

    def _rule(self, row: Row, value: str, definition: Mapping[str, Any]) -> Any:
        """The keys of a rule: type, limits and holds as Entra and the target have them."""
        folded = row.target.lower()
        keys: dict[str, Any] = {"value": value}
        kind = {"Boolean": "bool", "Integer": "integer"}.get(str(definition.get("type")))
        in_entra = self.chosen.target is not ACTIVE_DIRECTORY
        if definition.get("multivalued") is True or (in_entra and folded == "telephonenumber"):
            kind = "list"
        if folded in ("accountexpires", "countrycode"):
            kind = "integer"
        if kind is not None:
            keys["type"] = kind
        self._hold(keys, row)
        limit = self._limit(row.target, definition)
        if limit is not None and kind in (None, "list"):
            keys["max"] = limit
            if folded in NEVER_CUT or row.priority:
                keys["long"] = "refuse"
        if folded in NEEDED or row.priority:
            keys["required"] = True
        if row.default is not None and row.has_source:
            keys["absent"] = {"default": quoted(row.default), "hold": "seed"}
        return keys if len(keys) > 1 else value

    def _limit(self, target: str, definition: Mapping[str, Any]) -> int | None:
        said = metadata(definition).get("MaximumLength")
        name = target if self.chosen.target is ACTIVE_DIRECTORY else GRAPH.get(target, target)
        known = self.chosen.target.limit(name)
        limits = [limit for limit in (said, known) if isinstance(limit, int)]
        return min(limits, default=None)

    def _hold(self, keys: dict[str, Any], row: Row) -> None:
        hold = row.hold or "watch"
        if hold != "own":
            keys["hold"] = hold

    def _with_hold(self, value: str, row: Row) -> Any:
        keys: dict[str, Any] = {"value": value}
        self._hold(keys, row)
        return keys if len(keys) > 1 else value

    # --- the document ------------------------------------------------------------------

    def _match(self, rows: list[Row]) -> None:
        ranked = sorted((row for row in rows if row.priority), key=lambda row: row.priority)
        graph = GRAPH if self.chosen.target is not ACTIVE_DIRECTORY else {}
        keys = [graph.get(row.target, row.target) for row in ranked if row.target in self.targets]
        usable = [key for key in keys if key in self.attributes]
        for key in keys:
            if key not in usable:
                self.report.add("hand", f"matching by {key}", "it is no attribute of its own here")
        if not usable:
            self.report.add("hand", "matching", "no attribute matches; write match:")
            usable = ["employeeID" if graph == {} else "employeeId"]
            self.attributes.setdefault(
                usable[0], {"value": "[workerId]", "max": 16, "long": "refuse", "required": True}
            )
        self.top["match"] = usable[0] if len(usable) == 1 else usable
        self.report.add("carried", f"matching by {', then '.join(usable)}")

    def _read_scope(self) -> None:
        scope = self.chosen.mapping.get("scope") or {}
        groups = [group for found in listed(scope, "groups") if (group := self._group(found))]
        if groups:
            self.scope["groups"] = groups
        for key in ("inputFilterGroups", "categoryFilterGroups"):
            if listed(scope, key):
                self.report.add(
                    "hand", f"scope: {key}", "no like of it here; kept for the way back"
                )
        if self.scope:
            self.scope["outside"] = "disable"
            self.report.add(
                "changed",
                "who falls out of scope is disabled (outside: disable)",
                "write keep if the job had SkipOutOfScopeDeletions, which is no part of the schema",
            )

    def _group(self, written_group: Mapping[str, Any]) -> dict[str, Any] | None:
        clauses = [self._clause(clause) for clause in listed(written_group, "clauses")]
        if not clauses:
            return None
        name = str(written_group.get("name") or "")
        self.report.add("carried", f"scope group {name or '(unnamed)'}: {len(clauses)} clauses")
        return {**({"name": name} if name else {}), "clauses": clauses}

    def _clause(self, clause: Mapping[str, Any]) -> dict[str, Any]:
        written_operator = str(clause.get("operatorName"))
        operator = operator_named(written_operator)
        values = [str(value) for value in listed(clause.get("targetOperand") or {}, "values")]
        if len(values) > 1:
            operator = {"EQUALS": "IN", "NOT EQUALS": "NOT IN"}.get(operator or "", operator)
        if operator is None or (len(values) > 1 and operator not in ("IN", "NOT IN")):
            raise SchemaError(
                f"the scoping operator {written_operator} is not known; "
                "change the clause in Entra, or in the file"
            )
        fact = self.words.fact(str(clause.get("sourceOperandName")))
        found: dict[str, Any] = {"fact": fact, "operator": operator}
        if operator not in UNARY:
            found["value"] = values if operator in ("IN", "NOT IN") else "".join(values)
        return found

    def _say_what_is_kept(self) -> None:
        mapping, rule = self.chosen.mapping, self.chosen.rule
        add = self.report.add
        for other in listed(rule, "objectMappings"):
            if other is not mapping:
                add(
                    "hand",
                    f"object mapping {other.get('name')}",
                    "only one mapping of users is read",
                )
        for other in listed(self.schema, "synchronizationRules"):
            if other is not rule:
                add("kept", f"rule {other.get('name')}")
        if mapping.get("enabled") is False:
            add("hand", "the mapping was switched off in Entra", "use it only if that is past")
        flows = {flow.strip() for flow in str(mapping.get("flowTypes") or "").split(",")}
        for flow, why in (
            ("Add", "new people get no account there; here they do"),
            ("Update", "accounts are not corrected there; here they are"),
            ("Delete", "leavers are left alone there; here the life cycle decides"),
        ):
            if flow not in flows:
                add("hand", f"flow {flow} was off", why)
        keys = sorted(
            {key for holder in (rule, mapping, *listed(mapping, "attributeMappings"))
             for key in metadata(holder)}
        )  # fmt: skip
        if keys:
            add("kept", f"metadata {', '.join(keys)}")
        for directory in listed(self.schema, "directories"):
            count = sum(len(listed(one, "attributes")) for one in listed(directory, "objects"))
            add("kept", f"directory {directory.get('name')} with {count} attributes")
        for fact in sorted(self.words.used):
            if fact in CHANGED:
                add("changed", f"{self.words.used[fact]} is the fact {fact}", CHANGED[fact])

    def _inbound(self) -> Draft:
        comment = (
            f"From Entra's rule {self.chosen.rule.get('name')}: what\n"
            f"{self.chosen.source.directory} calls things, as facts.\n"
            "entra: is the name of the attribute there."
        )
        top = {"extends": self.chosen.source.mapping}
        return Draft(comment, top, {"facts": self.words.facts})

    def _outbound(self) -> Draft:
        comment = (
            f"From Entra's rule {self.chosen.rule.get('name')}: what an account holds.\n"
            f"{self.name}.report.md says what became of every part."
        )
        top: dict[str, Any] = {"entra": f"{self.name}.entra.json"}
        if self.words.own:
            top["own_facts"] = sorted(self.words.own)
        top["match"] = self.top["match"]
        for key in ("enabled", "container"):
            if key in self.top:
                top[key] = self.top[key]
        if self.scope:
            top["scope"] = self.scope
        self._account_name()
        sections = {
            "attributes": self.attributes,
            "references": self.references,
            "names": self.names,
        }
        return Draft(comment, top, sections)

    def _account_name(self) -> None:
        """Where the schema makes no account name, the user principal name's first part is one."""
        if "accountName" in self.names:
            return
        rule = self.attributes.get("userPrincipalName")
        value = rule["value"] if isinstance(rule, dict) else rule
        if value is None:
            self.report.add("hand", "account names", "no rule makes one; write names: accountName:")
            return
        self.names["accountName"] = [f'Word({one}, 1, "@")' for one in _candidates(value)]
        self.report.add("changed", "account names", "what stands before the @ of userPrincipalName")


def _candidates(value: str) -> list[str]:
    """The rules of a SelectUniqueValue, or the one rule there is."""
    node = parse(value)
    if not isinstance(node, Call) or node.name.lower() != "selectuniquevalue":
        return [value]
    return [written(rule) for rule in node.arguments]
