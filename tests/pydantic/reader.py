"""A second, slow implementation of the strict profile's reader of JSON.

`first_fault` reads JSON in document order and returns the first fault for which the
profile refuses the text before validation by the schema. `compare.py` assigns a
difference from pydantic to a class by it. The limits are those that
`node-sdk/src/json.rs` documents.
"""

import json
import math
import re
from typing import Any, NamedTuple

from errors import escaped

DEEPEST = 127

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
STRING = re.compile(
    r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
)
SPACE = re.compile(r"[ \t\r\n]*")
SURROGATE = re.compile(r"[\ud800-\udfff]")
WORDS = {"true": True, "false": False, "null": None}
NON_FINITE = ("NaN", "Infinity", "-Infinity")


class Fault(NamedTuple):
    """The kind of a fault of the text, and the JSON Pointer that is reported."""

    kind: str
    pointer: str = ""


class _Found(Exception):
    def __init__(self, kind: str, pointer: str = "") -> None:
        super().__init__(kind)
        self.fault = Fault(kind, pointer)


def first_fault(text: bytes) -> Fault | None:
    """The first fault of a text; `None` for a text that the schema validates."""
    try:
        read(text)
    except _Found as found:
        return found.fault
    return None


def read(text: bytes) -> Any:
    """The document."""
    try:
        scanner = _Scanner(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise _Found("encoding") from None
    document = scanner.value("", 0)
    scanner.skip()
    if scanner.at != len(scanner.text):
        raise _Found("syntax")
    return document


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> str:
        self.at = SPACE.match(self.text, self.at).end()
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> bool:
        if self.skip() != character:
            return False
        self.at += 1
        return True

    def expect(self, character: str) -> None:
        if not self.take(character):
            raise _Found("syntax")

    def value(self, pointer: str, depth: int) -> Any:
        first = self.skip()
        if first == '"':
            return self.string()
        if first in ("{", "["):
            if depth == DEEPEST:
                raise _Found("nesting")
            self.at += 1
            read = self.object if first == "{" else self.array
            return read(pointer, depth + 1)
        for word in NON_FINITE:
            if self.text.startswith(word, self.at):
                raise _Found("non-finite-number")
        for word, value in WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        return self.number()

    def number(self) -> int | float:
        match = NUMBER.match(self.text, self.at)
        if not match:
            raise _Found("syntax")
        self.at = match.end()
        value = float(match[0])
        if math.isinf(value):
            raise _Found("number-beyond-f64")
        return value if match[1] or match[2] else int(match[0])

    def string(self) -> str:
        match = STRING.match(self.text, self.at)
        if not match:
            raise _Found("syntax")
        self.at = match.end()
        value = json.loads(match[0])
        if SURROGATE.search(value):
            raise _Found("surrogate")
        return value

    def array(self, pointer: str, depth: int) -> list[Any]:
        items: list[Any] = []
        if self.take("]"):
            return items
        while True:
            items.append(self.value(f"{pointer}/{len(items)}", depth))
            if not self.take(","):
                self.expect("]")
                return items

    def object(self, pointer: str, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        if self.take("}"):
            return entries
        while True:
            if self.skip() != '"':
                raise _Found("syntax")
            key = self.string()
            place = f"{pointer}/{escaped(key)}"
            if key in entries:
                raise _Found("duplicate-key", place)
            self.expect(":")
            entries[key] = self.value(place, depth)
            if not self.take(","):
                self.expect("}")
                return entries
