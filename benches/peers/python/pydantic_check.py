"""Checks an input with pydantic: validate its text, write the completed input."""

import sys
from collections.abc import Callable
from typing import Any

from turns import take_turns


def prepare(work: Any) -> Callable[[], str]:
    sys.path.insert(0, work["models"])
    from models import MODELS, prove

    prove()
    model = MODELS[work["node"]]
    text = work["input"]
    return lambda: model.model_validate_json(text, strict=True).model_dump_json()


take_turns(prepare)
