"""The protocol between the benchmarks and a peer: one line with its work, then one line a turn.

The peer times each operation itself, so that the pipe is not measured.
"""

import json
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any


def take_turns(prepare: Callable[[Any], Callable[[], str]]) -> None:
    """Answers until standard input ends. `prepare` returns the operation for the work."""
    operation = prepare(json.loads(sys.stdin.readline()))
    write(operation())
    for line in sys.stdin:
        turn = json.loads(line)
        write(take(operation, turn["operations"], turn["nanoseconds"]))


def take(operation: Callable[[], str], most: int, nanoseconds: int) -> list[int]:
    """Nanoseconds of each operation, until `most` operations or `nanoseconds` are reached."""
    taken: list[int] = []
    begun = perf_counter_ns()
    while len(taken) < most and perf_counter_ns() - begun < nanoseconds:
        before = perf_counter_ns()
        operation()
        taken.append(perf_counter_ns() - before)
    return taken


def write(document: Any) -> None:
    print(json.dumps(document), flush=True)
