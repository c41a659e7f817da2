"""A second implementation of completion: what becomes of a valid input, and the notes.

It follows the published pages and docs/concepts/validation.md, not the code of the nodes.
Fields are kept as JSON text, so that 5, 5.0 and 5e0 differ.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

Fields = dict[str, str]
Notes = Counter[tuple[str, str]]

# Unicode's White_Space.
SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
URL = re.compile(r"https?://|file:", re.IGNORECASE)
DATA_PREFIX = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)
SOURCES = ("source_artifact_id", "image_url", "reference_image_url")


class Integer(int):
    """An integer that keeps its text."""

    text: str

    def __new__(cls, text: str) -> "Integer":
        value = super().__new__(cls, text)
        value.text = text
        return value


class Float(float):
    """A number with a fraction or an exponent that keeps its text."""

    text: str

    def __new__(cls, text: str) -> "Float":
        value = super().__new__(cls, text)
        value.text = text
        return value


class Completed(NamedTuple):
    """The fields of a completed input, as JSON text, and the notes by JSON Pointer and adjustment."""

    fields: Fields
    notes: Notes


def read(text: str | bytes) -> Any:
    """A document whose numbers keep their text."""
    return json.loads(text, parse_int=Integer, parse_float=Float)


def fields_of(document: dict[str, Any]) -> Fields:
    return {name: token(value) for name, value in document.items()}


def token(value: Any) -> str:
    """JSON text of a scalar, with a number as it was written."""
    return value.text if isinstance(value, Integer | Float) else json.dumps(value)


def completed(node: str, schema: dict[str, Any], document: dict[str, Any]) -> Completed:
    """The completed form of a valid input."""
    notes: Notes = Counter()
    given = fields_of({name: value for name, value in document.items() if name in schema["properties"]})
    notes.update((pointer(name), "dropped") for name in document if name not in given)
    if rule := RULES.get(node):
        rule(given, notes)
    for name, field in schema["properties"].items():
        if name in given:
            if field.get("type") == "integer" and not given[name].lstrip("-").isdigit():
                given[name] = str(int(float(given[name])))
                notes[pointer(name), "coerced"] += 1
        elif "default" in field:
            given[name] = token(field["default"])
            notes[pointer(name), "defaulted"] += 1
    if node == "image_to_video" and given["model"] == '"Pixel S"':
        notes[pointer("size"), "not_forwarded"] += 1
    return Completed(given, notes)


def poppy(given: Fields, notes: Notes) -> None:
    """ShortAPI refuses a `data:` prefix before base64."""
    image = json.loads(given["image"])
    if URL.match(image):
        return
    bare = DATA_PREFIX.sub("", image, count=1) if DATA_PREFIX.match(image) else image
    joined = bare.replace("\r", "").replace("\n", "")
    notes[pointer("image"), "coerced"] += (bare != image) + (joined != bare)
    given["image"] = json.dumps(joined)


def image2video(given: Fields, notes: Notes) -> None:
    one_source(given, notes)
    unify(given, notes, "duration_s", "seconds")


def one_source(given: Fields, notes: Notes) -> None:
    """PopiArt uses the first source; an empty text is none."""
    for source in SOURCES:
        if source in given and not json.loads(given[source]).strip(SPACE):
            del given[source]
            notes[pointer(source), "dropped"] += 1
    unify(given, notes, "image_url", "reference_image_url")
    if "source_artifact_id" in given and "image_url" in given:
        notes[pointer("image_url"), "not_forwarded"] += 1


def unify(given: Fields, notes: Notes, field: str, alias: str) -> None:
    """Reads an alias as its field, which has precedence."""
    if alias not in given:
        return
    value = given.pop(alias)
    notes[pointer(alias), "dropped" if field in given else "coerced"] += 1
    given.setdefault(field, value)


def pointer(field: str) -> str:
    return "/" + field.replace("~", "~0").replace("/", "~1")


RULES: dict[str, Callable[[Fields, Notes], None]] = {
    "shortapi/poppy-v1.0/image-to-video": poppy,
    "popiskill-video-image2video-basic-v1": image2video,
    "popiskill-image-img2img-basic-v1": one_source,
}
