"""The violations of a document by Python's `jsonschema`, in zoetrope's form.

One rule of zoetrope is not JSON Schema's (docs/concepts/validation.md): the `anyOf` of a nullable
field is reported by the branch of the value's type, or as a wrong type if no branch has it. The
`anyOf` of the document as a whole, one of several fields, is reported as it is.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

Violations = Counter[tuple[str, str]]


def violations(validator: Draft202012Validator, document: Any) -> Violations:
    """The JSON Pointers and keywords, each as often as it is violated."""
    return Counter(one for error in validator.iter_errors(document) for one in described(error))


def described(error: ValidationError) -> Iterator[tuple[str, str]]:
    pointer = "".join("/" + escaped(str(part)) for part in error.absolute_path)
    if error.validator != "anyOf" or not pointer:
        yield pointer, error.validator
    elif (branch := meant_branch(error)) is None:
        yield pointer, "type"
    else:
        for inner in branch:
            yield from described(inner)


def meant_branch(error: ValidationError) -> list[ValidationError] | None:
    for number in range(len(error.validator_value)):
        branch = [inner for inner in error.context if inner.relative_schema_path[0] == number]
        if not any(inner.validator == "type" and not inner.relative_path for inner in branch):
            return branch
    return None


def escaped(token: str) -> str:
    """A reference token of a JSON Pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")
