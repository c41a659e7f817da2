"""A peer as the benchmarks speak to it: one line with its work, and then one line a turn.

Each operation is timed by itself, in here, so that no pipe is measured.
"""

import json
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any


def take_turns(prepare: Callable[[Any], Callable[[], str]]) -> None:
    """Answers until standard input ends. `prepare` makes the operation of the work."""
    operation = prepare(json.loads(sys.stdin.readline()))
    say(operation())
    for line in sys.stdin:
        turn = json.loads(line)
        say(take(operation, turn["operations"], turn["nanoseconds"]))


def take(operation: Callable[[], str], most: int, nanoseconds: int) -> list[int]:
    """Nanoseconds of each operation, until there are enough or their time is over."""
    taken: list[int] = []
    begun = perf_counter_ns()
    while len(taken) < most and perf_counter_ns() - begun < nanoseconds:
        before = perf_counter_ns()
        operation()
        taken.append(perf_counter_ns() - before)
    return taken


def say(document: Any) -> None:
    print(json.dumps(document), flush=True)
