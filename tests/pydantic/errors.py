"""Pydantic's errors as violations: JSON Pointers and schema keywords.

JSON Schema's keywords are independent: 0.5 violates `type` and `minimum`, and 5 in an enum of
texts violates `type` and `enum`. Pydantic stops at a wrong type, and its Literal compares
values alone. The keywords that it leaves out are added here.
"""

from typing import Any

import annotated_types
from pydantic import BaseModel, ValidationError

# The schema keywords behind pydantic's error types.
KEYWORDS = {
    "bool_parsing": "type",
    "bool_type": "type",
    "finite_number": "type",
    "float_type": "type",
    "greater_than_equal": "minimum",
    "int_from_float": "type",
    "int_parsing": "type",
    "int_type": "type",
    "json_invalid": "json",
    "less_than_equal": "maximum",
    "literal_error": "enum",
    "missing": "required",
    "model_type": "type",
    "string_too_long": "maxLength",
    "string_type": "type",
}


def violations(model: type[BaseModel], error: ValidationError) -> frozenset[tuple[str, str]]:
    """All violations, by JSON Pointer and keyword. A missing field is reported at the field."""
    found = set()
    for one in error.errors(include_url=False, include_context=False):
        pointer = "".join("/" + escaped(str(token)) for token in one["loc"])
        found.update((pointer, keyword) for keyword in keywords(model, one))
    return frozenset(found)


def keywords(model: type[BaseModel], error: dict[str, Any]) -> list[str]:
    value = error["input"]
    # Too large for pydantic's integers, so beyond every limit of the schemas.
    if error["type"] == "int_parsing_size":
        return ["minimum" if str(value).lstrip().startswith("-") else "maximum"]
    found = [KEYWORDS[error["type"]]]
    # The enums of the schemas have texts alone.
    if error["type"] == "literal_error" and not isinstance(value, str):
        found.append("type")
    if found == ["type"] and isinstance(value, int | float) and not isinstance(value, bool):
        found += broken_limits(model, error["loc"], value)
    return found


def broken_limits(model: type[BaseModel], loc: tuple[Any, ...], value: float) -> list[str]:
    field = model.model_fields.get(str(loc[0])) if len(loc) == 1 else None
    broken = []
    for limit in field.metadata if field else []:
        if isinstance(limit, annotated_types.Ge) and value < limit.ge:
            broken.append("minimum")
        if isinstance(limit, annotated_types.Le) and value > limit.le:
            broken.append("maximum")
    return broken


def escaped(token: str) -> str:
    """A reference token of a JSON Pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")
