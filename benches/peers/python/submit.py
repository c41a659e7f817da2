"""The node as a Python program: pydantic validates the input, httpx sends the submit."""

import sys
from collections.abc import Callable
from typing import Any

import httpx
from pydantic import BaseModel
from turns import take_turns


class Job(BaseModel):
    """The fields of the reply that are used."""

    id: str
    status: str


def prepare(work: Any) -> Callable[[], str]:
    sys.path.insert(0, work["models"])
    from models import MODELS

    node, text, url = work["node"], work["input"], work["url"]
    model = MODELS[node]
    # No proxy: the provider is on loopback. Connections are reused, which is the default.
    client = httpx.Client(headers=work["headers"], trust_env=False)

    def submit() -> str:
        given = model.model_validate_json(text, strict=True)
        reply = client.post(url, json={"action": node, "input": given.model_dump()})
        reply.raise_for_status()
        return Job.model_validate_json(reply.content).id

    return submit


take_turns(prepare)
