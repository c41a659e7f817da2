"""Pydantic models of the published schemas, made by `create_model`.

They know the published rules alone, not what the served schemas add.
"""

from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, Field, create_model

TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}
LIMITS = {"maxLength": "max_length", "minLength": "min_length", "minimum": "ge", "maximum": "le"}
# Keywords without a rule for values.
WORDS = {"title", "description", "examples", "default"}


def model(schema: dict[str, Any]) -> type[BaseModel]:
    """The model of an object of scalars. Any other schema is an error."""
    known(schema, {"type", "properties", "required", "$schema"})
    fields: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        # A field without a default may be absent; `exclude_unset` then leaves it out.
        default = ... if name in schema.get("required", []) else field.get("default")
        fields[name] = (type_of(field), Field(default, **limits(field)))
    return create_model("Input", **fields)


def type_of(schema: dict[str, Any]) -> Any:
    known(schema, {"type", "enum", "anyOf", *LIMITS})
    if "anyOf" in schema:
        return Union[tuple(bounded(branch) for branch in schema["anyOf"])]
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    return TYPES[schema["type"]]


def bounded(schema: dict[str, Any]) -> Any:
    return Annotated[type_of(schema), Field(**limits(schema))] if limits(schema) else type_of(schema)


def limits(schema: dict[str, Any]) -> dict[str, Any]:
    return {LIMITS[key]: value for key, value in schema.items() if key in LIMITS}


def known(schema: dict[str, Any], rules: set[str]) -> None:
    if unknown := schema.keys() - rules - WORDS:
        raise SystemExit(f"no pydantic model for the keywords {sorted(unknown)}")
