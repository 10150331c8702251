"""From an inbound and an outbound document back to the schema Entra imports.

What was imported and not changed goes out exactly as it came in; what was changed or is
new is written anew. What Entra cannot say is in the report, and goes out as it was before,
if it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from mappings.entra.choosing import Chosen, choose
from mappings.entra.flipping import flipped
from mappings.entra.importing import import_schema
from mappings.entra.names import GRAPH
from mappings.entra.report import Report
from mappings.entra.rewriting import NotExportable, Rewriter, same, short_enough
from mappings.entra.rows import expression_of, source_of
from mappings.entra.schema import listed
from mappings.entra.scoping import exported_groups
from mappings.entra.starting import empty_schema
from mappings.inbound import Inbound
from mappings.language.grammar import parse
from mappings.language.syntax import Attribute, Call, Node, Text, quoted, written
from mappings.outbound import Outbound
from mappings.paths import Path
from mappings.rules import Rule
from mappings.targets import ACTIVE_DIRECTORY, Kind
from mappings.wishing import AttributeRule

_FLOWS = {"own": "Always", "seed": "ObjectAddOnly", "default": "AttributeAddOnly"}
_ADDS = ("ValueAddOnly", "MultiValueAddOnly")


def export_schema(
    inbound: Inbound,
    outbound: Outbound,
    kind: Kind,
    kept: Mapping[str, Any] | None = None,
    *,
    ours: bool = False,
) -> tuple[dict[str, Any], Report]:
    """The schema, and what became of everything. `kept` is what the import put beside them.

    With `ours` it is for those who read and not for Entra: functions stay that Entra does not
    have, and what HR says of being active has its row, which the dates of hire and end bound.
    """
    return _Exporter(inbound, outbound, kind, kept, ours).run()


class _Exporter:
    def __init__(
        self,
        inbound: Inbound,
        outbound: Outbound,
        kind: Kind,
        kept: Mapping[str, Any] | None,
        ours: bool,
    ) -> None:
        self.inbound = inbound
        self.outbound = outbound
        self.kind = kind
        self.report = Report()
        self.schema: dict[str, Any]
        self.before: frozenset[str] = frozenset()
        self.groups_before: list[Any] | None = None
        if kept is None:
            self.schema = empty_schema(inbound.name, kind)
        else:
            self.schema = copy.deepcopy(kept["schema"])
            imported = import_schema(kept["schema"], "x", kept["rule"])
            self.before = imported.targets
            self.groups_before = imported.outbound.top.get("scope", {}).get("groups")
        self.chosen: Chosen = choose(self.schema, kept["rule"] if kept else None)
        self.rows = {
            str(row.get("targetAttributeName")): row
            for row in listed(self.chosen.mapping, "attributeMappings")
        }
        self.facts = {rule.rule.name.lower(): rule for rule in inbound.rules}
        self.ours = ours
        self.rewriter = Rewriter(self._in_entra, ours=ours)
        self.written: dict[str, dict[str, Any]] = {}

    def run(self) -> tuple[dict[str, Any], Report]:
        for rule in self.outbound.attributes:
            self._attribute(rule)
        self._specials()
        self._matching()
        self.chosen.mapping["attributeMappings"] = self._merged()
        self._scope()
        if self.outbound.scope is not None:
            why = "no part of the schema: it is the job's secret SkipOutOfScopeDeletions"
            self.report.add("kept", f"outside: {self.outbound.scope.outside.action}", why)
        return self.schema, self.report

    # --- rows --------------------------------------------------------------------------

    def _attribute(self, rule: AttributeRule) -> None:
        target = self._target(rule.rule.name)
        if rule.rule.expression.asks_for_password:
            self.report.add("hand", target, "Entra makes passwords itself")
            return
        before = self.rows.get(target, {})
        flow = _FLOWS.get(rule.hold)
        if before and not isinstance(before.get("source"), Mapping) and rule.hold == "default":
            flow = self._flow(target, "Always")  # a default without a source fills what is empty
        if flow is None and before.get("flowType") in _ADDS:
            flow = str(before["flowType"])
        if flow is None:
            self.report.add("hand", target, "hold: watch has no like in Entra")
            return
        if rule.absent.means == "clear":
            self.report.add("changed", target, "absent: clear needs flowNullValues in Entra")
        names = self.outbound.names.get("accountName", ())
        node: Node | None
        if written(rule.rule.expression.root).lower() == "[accountname]" and names:
            node = self._tried(target, lambda: self._select(names))
        else:
            node = self._tried(target, lambda: self.rewriter.node(rule.rule.expression.root))
        if node is not None:
            row = self._row(target, node, flow)
            row["defaultValue"] = self._default(target, rule, row)

    def _default(self, target: str, rule: AttributeRule, row: Mapping[str, Any]) -> Any:
        default = rule.absent.default
        if default is None:
            return None if isinstance(row["source"], Mapping) else row["defaultValue"]
        constant = default.expression.constant
        if not isinstance(constant, str) or rule.absent.hold != "seed":
            self.report.add("hand", target, "a default is a text, at creation only, in Entra")
            return None
        return constant

    def _specials(self) -> None:
        in_directory = self.kind is ACTIVE_DIRECTORY
        enabled: Node | None = Attribute(0, "active") if self.ours else None
        if self.outbound.enabled is not None:
            enabled = self.outbound.enabled.expression.root
        if enabled is not None:
            target, root = "accountDisabled" if in_directory else "accountEnabled", enabled
            self._rule(target, flipped(root) if in_directory else root)
        if self.outbound.container is not None and in_directory:
            self._rule("parentDistinguishedName", self.outbound.container.expression.root)
        if self.outbound.names.get("cn") and in_directory:
            names = self.outbound.names["cn"]
            node = self._tried("cn", lambda: self._select(names))
            if node is not None:
                self._row("cn", node, self._flow("cn", "ObjectAddOnly"))
        for reference in self.outbound.references:
            if written(reference.rule.expression.root).lower() == "[managerperson]":
                self._rule(reference.rule.name, Attribute(0, "manager"))
            else:
                self.report.add("hand", reference.rule.name, "only manager is a reference in Entra")
        scope = self.outbound.scope
        if scope is not None and scope.object_filter is not None:
            self._rule("objectFilter", scope.object_filter.expression.root)

    def _rule(self, target: str, node: Node) -> None:
        found = self._tried(target, lambda: self.rewriter.node(node))
        if found is not None:
            self._row(target, found, self._flow(target, "Always"))

    def _flow(self, target: str, otherwise: str) -> str:
        return str(self.rows.get(target, {}).get("flowType") or otherwise)

    def _select(self, rules: tuple[Rule, ...]) -> Node:
        """Candidates as a SelectUniqueValue; a single one as it is."""
        nodes: list[Node] = []
        for rule in rules:
            root = rule.expression.root
            inner = root.parts if rule.expression.selects else (root,)
            nodes += [self.rewriter.node(node) for node in inner]
        return nodes[0] if len(nodes) == 1 else Call(0, "SelectUniqueValue", tuple(nodes))

    def _tried(self, target: str, make: Callable[[], Node]) -> Node | None:
        try:
            return short_enough(make())
        except NotExportable as problem:
            self.report.add("hand", target, str(problem))
            if target in self.rows:
                self.written[target] = self.rows[target]  # as it was before
            return None

    def _row(self, target: str, node: Node, flow: str) -> dict[str, Any]:
        """The row as it goes out: the old source where nothing changed."""
        before = self.rows.get(target)
        row = copy.deepcopy(before) if before else _new_row(target)
        old = expression_of(row["source"]) if isinstance(row.get("source"), Mapping) else None
        if old is None and row.get("defaultValue"):
            old = quoted(str(row["defaultValue"]))
        text = written(node)
        if old is None or not same(old, text, parse):
            row["source"] = source_of(node)
            self.report.add("changed" if before else "carried", f"{target} = {text}")
        else:
            self.report.add("carried", f"{target} = {' '.join(old.split())}")
        row["flowType"] = flow
        self.written[target] = row
        return row

    def _matching(self) -> None:
        for row in self.written.values():
            row["matchingPriority"] = 0
        for number, key in enumerate(self.outbound.match_keys, 1):
            target = self._target(key[0])
            if len(key) > 1:
                self.report.add("hand", f"match {' and '.join(key)}", "Entra matches by one only")
            elif target in self.written:
                before = self.rows.get(target, {}).get("matchingPriority")
                self.written[target]["matchingPriority"] = before or number

    def _merged(self) -> list[dict[str, Any]]:
        """Rows in their old order, without what was taken out of the document; then new ones."""
        rows = []
        for target, row in self.rows.items():
            if target in self.written:
                rows.append(self.written[target])
            elif target in self.before:
                self.report.add("changed", target, "taken out")
            else:
                rows.append(row)
                self.report.add("kept", target, "as it was imported")
        return rows + [row for target, row in self.written.items() if target not in self.rows]

    def _scope(self) -> None:
        scope = self.outbound.scope
        groups = scope.groups if scope is not None else ()
        old = self.chosen.mapping.get("scope")
        found = exported_groups(groups, self._fact_name, self.groups_before, old, self.report)
        if found is not None:
            scope_now = dict(old) if isinstance(old, Mapping) else {}
            scope_now["groups"] = found
            self.chosen.mapping["scope"] = scope_now if any(scope_now.values()) else None

    # --- names -------------------------------------------------------------------------

    def _target(self, name: str) -> str:
        if self.kind is ACTIVE_DIRECTORY:
            return name
        return {graph: entra for entra, graph in GRAPH.items()}.get(name, name)

    def _fact_name(self, name: str) -> str:
        node = self._in_entra(name)
        if not isinstance(node, Attribute):
            raise NotExportable(f"[{name}] is no single attribute in Entra")
        return node.name

    def _in_entra(self, name: str) -> Node:
        """What a fact or name is in Entra. Raises NotExportable."""
        folded = name.lower()
        rule = self.facts.get(folded)
        if rule is not None and rule.entra is not None:
            return Attribute(0, rule.entra)
        if folded in ("accountname", "userprincipalname"):
            return self._name(folded)
        if rule is None:
            raise NotExportable(f"[{name}] is computed here and not known to Entra")
        paths = {node.name: path for node, path in rule.rule.expression.readers}

        def attribute(written_name: str) -> Node:
            path = next(p for n, p in paths.items() if n.strip() == written_name)
            return Attribute(0, path.text if isinstance(path, Path) else written_name)

        return Rewriter(attribute, ours=self.ours).node(rule.rule.expression.root)

    def _name(self, folded: str) -> Node:
        rules = self.outbound.names.get("accountName", ())
        if not rules:
            raise NotExportable("no rule makes an account name")
        first = rules[0].expression
        node = self.rewriter.node(first.root.parts[0] if first.selects else first.root)
        if folded == "accountname":
            return node
        return Call(0, "Join", (Text(0, "@"), node, Call(0, "DefaultDomain", ())))


def _new_row(target: str) -> dict[str, Any]:
    return {
        "defaultValue": None,
        "exportMissingReferences": False,
        "flowBehavior": "FlowWhenChanged",
        "flowType": "Always",
        "matchingPriority": 0,
        "source": None,
        "targetAttributeName": target,
    }
