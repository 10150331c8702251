"""What Graph tells of the expression language, and an expression tried out on an object:
`schema/functions`, `schema/filterOperators`, `schema/parseExpression`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mappings.entra.rows import source_of
from mappings.entra.scoping import spelt
from mappings.language.expression import FUNCTIONS, Expression, ExpressionError, Names
from mappings.scope import DATED, NUMERIC, OPERATORS, PATTERNED, UNARY
from mappings.trying import Literal, evaluate

LONGEST = 10_000
"""Characters of an expression, as in Entra."""
_TYPES = {"whole": "Integer", "number": "Integer", "date": "DateTime", "bool": "Boolean"}
_EVERY = ["Boolean", "DateTime", "Integer", "Reference", "String"]


class NotAnExpression(ValueError):
    """The request does not hold one; the text says what to change."""


def functions() -> list[dict[str, Any]]:
    """Every function as an attributeMappingFunctionSchema."""
    return [
        {
            "name": function.name,
            "parameters": [
                {
                    "name": parameter.name,
                    "required": not parameter.optional,
                    "allowMultipleOccurrences": parameter.repeats,
                    "type": _TYPES.get(parameter.kind, "String"),
                }
                for parameter in function.parameters
            ],
        }
        for function in FUNCTIONS.values()
    ]


def operators() -> list[dict[str, Any]]:
    """Every operator of a scope as a filterOperatorSchema, spelt as Entra spells it. Those
    that Entra does not have are ours."""
    return [
        {
            "id": spelt(name),
            "name": spelt(name),
            "arity": "Unary" if name in UNARY else "Binary",
            "multivaluedComparisonType": "All" if _is_of_all(name) else "Any",
            "supportedAttributeTypes": _supported(name),
        }
        for name in OPERATORS
    ]


def _is_of_all(operator: str) -> bool:
    """EQUALS is so in Graph's example, where scopes know no attributes of several values; of
    a fact with several values, one that equals is enough here."""
    return operator == "EQUALS" or operator.startswith(("NOT", "!"))


def _supported(operator: str) -> list[str]:
    if operator in ("IS TRUE", "IS FALSE"):
        return ["Boolean"]
    if operator in UNARY:
        return _EVERY
    if operator in DATED:
        return ["DateTime", "String"]
    if operator in NUMERIC:
        return ["Integer"]
    return ["String"] if operator in PATTERNED else ["Integer", "Reference", "String"]


def parsed(body: Mapping[str, Any], now: datetime, domain: str | None) -> dict[str, Any]:
    """A parseExpressionResponse. `domain` is what DefaultDomain() gives.

    Raises NotAnExpression when the body is no such request.
    """
    said = {key.lower(): value for key, value in body.items()}
    text = said.get("expression")
    if not isinstance(text, str) or not text.strip():
        raise NotAnExpression("expression: text is expected.")
    if len(text) > LONGEST:
        raise NotAnExpression(f"expression: it is longer than {LONGEST} characters.")
    given = _input(said.get("testinputobject"))
    try:
        tree = source_of(Expression(text, Names(Literal, {}), several=True).root)
    except ExpressionError as error:
        return _response(error=str(error))
    if given is None:
        return _response(tree)
    line = {"expression": text, "input": given, "settings": {"default_domain": domain}}
    answer = evaluate(line, now, secrets.token_hex(16))
    if "error" in answer:
        return _response(tree, error=str(answer["error"]))
    value = answer.get("value")
    found = value if isinstance(value, list) else [] if value is None else [value]
    return _response(tree, found)


def _response(
    tree: Mapping[str, Any] | None = None,
    result: list[Any] | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    wrong = {"code": "InvalidExpression" if tree is None else "EvaluationFailed", "message": error}
    return {
        "parsingSucceeded": tree is not None,
        "parsedExpression": tree,
        "evaluationSucceeded": result is not None,
        "evaluationResult": result or [],
        "error": None if error is None else wrong,
    }


def _input(given: Any) -> dict[str, Any] | None:
    """The test object's values by name; None when there is no object."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise NotAnExpression("testInputObject: an object is expected.")
    said = {key.lower(): value for key, value in given.items()}
    pairs = said.get("properties") or []
    pairs = [pairs] if isinstance(pairs, dict) else pairs
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
        raise NotAnExpression("testInputObject.properties: a list of key and value is expected.")
    values = {}
    for pair in pairs:
        folded = {key.lower(): value for key, value in pair.items()}
        values[str(folded.get("key"))] = _value(folded.get("value"))
    return values


def _value(value: Any) -> Any:
    """Lists may come as Graph writes a collection: an object with `value` or `values` in it."""
    if isinstance(value, dict):
        return next((value[key] for key in ("values", "value") if key in value), None)
    return value
