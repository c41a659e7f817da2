"""Checks an input with Python's `jsonschema`: read, validate, fill defaults, write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from turns import take_turns


def prepare(work: Any) -> Callable[[], str]:
    schema = json.loads(Path(work["schema"]).read_text("utf-8"))
    validator = Draft202012Validator(schema)
    defaults = {
        name: field["default"]
        for name, field in schema["properties"].items()
        if "default" in field
    }
    text = work["input"]

    def check() -> str:
        document = json.loads(text)
        validator.validate(document)
        for name, default in defaults.items():
            document.setdefault(name, default)
        return json.dumps(document)

    return check


take_turns(prepare)
