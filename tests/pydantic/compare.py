"""Compares `zoetrope check --jsonl` with pydantic, each profile with the corresponding mode.

    python3 tests/pydantic/compare.py [--profile lax] [--count N] [--seed N] [--zoetrope FILE]

Both read the same texts and must agree on accept or refuse, on the completed input of
each accepted text, and on the path and keyword of every violation of each refused one.
A difference must match the rule of a documented class (docs/concepts/validation.md); any other
difference is printed, and the exit code is 1.
"""

import argparse
import json
import math
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pydantic

import errors
import inputs
import reader
import traps
from models import INTEGERS, MODELS, canonical, prove
from program import answers

ROOT = Path(__file__).resolve().parents[2]
SHOWN = 20

# The mutations of inputs; for the lax profile, half of them are its own.
MUTATIONS = {
    "strict": inputs.ALL,
    "lax": [mutation for other in zip(inputs.ALL, traps.ALL * len(inputs.ALL)) for mutation in other],
}

MISSING = re.compile(r"The field `(.+)` is missing\.")

# Faults of the text that pydantic accepts or reports at another path.
CLASSES_OF_FAULTS = {"duplicate-key", "nesting", "non-finite-number", "number-beyond-f64"}

# Texts of integers that pydantic refuses for their size, and zoetrope as not a number.
SIGNIFICANT = re.compile(r"\s*[+-]?[0_]*([1-9](?:_?[0-9])*)(?:\.0+)?\s*")
MINUS_AFTER_ZEROS = re.compile(r"\s*\+?0[0_]*-.*", re.DOTALL)


class Verdict(NamedTuple):
    """The result of a reader: the completed input, or the violations by pointer and keyword."""

    accepted: str | None
    violations: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        if self.accepted is not None:
            return f"accepts {self.accepted}"
        return "refuses " + " ".join(f"{pointer or '(whole)'}:{word}" for pointer, word in sorted(self.violations))


def of_zoetrope(answer: bytes) -> Verdict:
    document = json.loads(answer)
    if document["ok"]:
        return Verdict(canonical(document["input"]), frozenset())
    found = set()
    for violation in document["error"]["violations"]:
        pointer, keyword = violation["instance_path"], violation["keyword"]
        # JSON Schema reports a missing field at the object, pydantic at the field.
        if missing := keyword == "required" and MISSING.fullmatch(violation["message"]):
            pointer += "/" + errors.escaped(missing[1])
        found.add((pointer, keyword))
    return Verdict(None, frozenset(found))


def of_pydantic(node: str, text: bytes | str, profile: str) -> Verdict:
    try:
        read = MODELS[node].model_validate_json(text, strict=profile == "strict")
    except pydantic.ValidationError as error:
        return Verdict(None, errors.violations(MODELS[node], error))
    return Verdict(canonical(read.model_dump(mode="json")), frozenset())


def class_of(node: str, text: bytes, ours: Verdict, profile: str) -> str | None:
    """The class of a difference, if its rule gives `ours`."""
    if fault := reader.first_fault(text):
        expected = Verdict(None, frozenset({(fault.pointer, "json")}))
        return fault.kind if fault.kind in CLASSES_OF_FAULTS and ours == expected else None
    document = reader.read(text)
    if not isinstance(document, dict):
        return None
    found = []
    for name, rewrite in REWRITES[profile].items():
        rewritten = {key: rewrite(value) if key in INTEGERS[node] else value for key, value in document.items()}
        if canonical(rewritten) != canonical(document):
            found.append(name)
            document = rewritten
    return " + ".join(found) if found and of_pydantic(node, json.dumps(document), profile) == ours else None


def whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def held_by_f64(value: object) -> object:
    digits = SIGNIFICANT.fullmatch(value) if isinstance(value, str) else None
    return "no number" if digits and math.isinf(float(digits[1])) else value


def without_late_minus(value: object) -> object:
    return "no number" if isinstance(value, str) and MINUS_AFTER_ZEROS.fullmatch(value) else value


# Rewritten values for which pydantic must give zoetrope's result.
REWRITES: dict[str, dict[str, Callable[[object], object]]] = {
    "strict": {"whole-number-float": whole},
    "lax": {"text-beyond-f64": held_by_f64, "minus-after-zeros": without_late_minus},
}


class Tally:
    """The results of one node."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.by_class: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.unexplained: list[str] = []
        self.mutations: Counter[str] = Counter()

    def count(self, node: str, name: str, text: bytes, ours: Verdict, profile: str) -> None:
        self.mutations.update(name.split("+"))
        # zoetrope reads a byte-order mark, and pydantic refuses it as no JSON.
        text = text.removeprefix(b"\xef\xbb\xbf")
        theirs = of_pydantic(node, text, profile)
        if ours == theirs:
            if ours.accepted is None:
                self.refused += 1
            else:
                self.accepted += 1
            return
        found = class_of(node, text, ours, profile)
        if found is None:
            shown = f"{name}\n  input    {text[:600]!r}\n  zoetrope {ours}\n  pydantic {theirs}"
            self.unexplained.append(shown)
            return
        if ours.accepted is None and theirs.accepted is None:
            found += " (both refuse)"
        self.by_class[found] += 1
        example = text.decode("utf-8", "replace")
        if len(example) < len(self.examples.get(found, example + " ")):
            self.examples[found] = example

    @property
    def inputs(self) -> int:
        return self.accepted + self.refused + self.by_class.total() + len(self.unexplained)


def compare(node: str, profile: str, count: int, rng: random.Random, zoetrope: Path, folder: Path) -> Tally:
    tally = Tally()
    path = folder / f"{node}.jsonl"
    names = []
    with path.open("wb") as file:
        for name, text in inputs.generate(node, count, rng, MUTATIONS[profile]):
            # Zoetrope skips blank lines.
            if not text.decode(errors="replace").replace("\ufeff", "").strip():
                continue
            names.append(name)
            file.write(text + b"\n")
    with path.open("rb") as file:
        lines = zip(names, file, answers(node, profile, path, zoetrope, folder), strict=True)
        for name, line, answer in lines:
            tally.count(node, name, line[:-1], of_zoetrope(answer), profile)
    return tally


def report(tallies: dict[str, Tally], seconds: float) -> None:
    nodes = list(tallies)
    rows = [
        ("inputs", [tally.inputs for tally in tallies.values()]),
        ("agree: both accept", [tally.accepted for tally in tallies.values()]),
        ("agree: both refuse", [tally.refused for tally in tallies.values()]),
    ]
    for name in sorted({name for tally in tallies.values() for name in tally.by_class}):
        rows.append((f"disagree: {name}", [tally.by_class[name] for tally in tallies.values()]))
    rows.append(("disagree, in no class", [len(tally.unexplained) for tally in tallies.values()]))
    print(f"{'':42}" + "".join(f"{node:>20}" for node in [*nodes, "all"]))
    for name, counts in rows:
        print(f"{name:42}" + "".join(f"{count:>20,}" for count in [*counts, sum(counts)]))
    mutations = sum((tally.mutations for tally in tallies.values()), Counter())
    rarest, times = min(mutations.items(), key=lambda item: item[1])
    print(f"{len(mutations)} kinds of input, each at least {times:,} times ({rarest}); {seconds:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=list(MUTATIONS), default="strict")
    parser.add_argument("--count", type=int, default=100_000, help="inputs, over both nodes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--zoetrope", type=Path, default=ROOT / "target/debug/zoetrope")
    parser.add_argument("--examples", action="store_true", help="print the shortest example of each class")
    arguments = parser.parse_args()
    prove()
    begun = time.monotonic()
    tallies = {}
    with tempfile.TemporaryDirectory(prefix="zoetrope-pydantic-") as folder:
        for number, node in enumerate(MODELS):
            share = (arguments.count + number) // len(MODELS)
            rng = random.Random(f"{arguments.seed} {node}")
            tallies[node] = compare(
                node, arguments.profile, share, rng, arguments.zoetrope.resolve(), Path(folder)
            )
    print(f"pydantic {pydantic.VERSION}, {arguments.profile}, seed {arguments.seed}")
    report(tallies, time.monotonic() - begun)
    if arguments.examples:
        for node, tally in tallies.items():
            for name, example in sorted(tally.examples.items()):
                print(f"{node} {name}: {example[:400]}")
    unexplained = [shown for tally in tallies.values() for shown in tally.unexplained]
    for shown in unexplained[:SHOWN]:
        print(f"\nIn no class: {shown}", file=sys.stderr)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
