"""Compares `zoetrope check --jsonl` of all nodes with the schemas that `zoetrope nodes` serves.

    python3 tests/schemas/compare.py [--count N] [--seed N] [--node NAME] [--zoetrope FILE]

Inputs are drawn from each served schema and from weaker ones (generator.py). For each of them,
these must agree:

- accepted or refused, and all violations: zoetrope, Python's `jsonschema` with the served schema,
  and pydantic with the published one
- the completed input and its notes: zoetrope and completion.py; numbers keep their text
- the completed input, checked again: the same bytes, and no note of a change

Every disagreement is counted, the shortest are printed, and the exit code is 1.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/pydantic"))

# Otherwise hypothesis writes its tables to the current directory.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / "target/hypothesis"))

try:
    import hypothesis
    import hypothesis_jsonschema  # noqa: F401
    import pydantic
    from hypothesis.internal.conjecture.utils import many
    from jsonschema import Draft202012Validator

    many.more  # noqa: B018
except (ImportError, AttributeError) as missing:
    sys.exit(f"{missing}. Install what this script needs: pip install -r tests/schemas/requirements.txt")

import errors
import published
from completion import Notes, completed, fields_of, pointer, read
from generator import Generator
from program import answers, environment
from violations import Violations, violations

SHOWN = 3
CLASSES_SHOWN = 12

# Notes that do not change the input.
UNCHANGED = {"not_forwarded", "advice"}


class Node:
    """A node's schemas, and what must be the result of an input."""

    def __init__(self, name: str, served: dict[str, Any]) -> None:
        self.name = name
        self.served = served
        self.by_served = Draft202012Validator(served)
        text = (ROOT / "schemas" / name / "input.json").read_text("utf-8")
        schema = json.loads(text)
        self.by_published = Draft202012Validator(schema)
        self.model = published.model(schema)
        fields = schema["properties"]
        self.types = {name: field.get("type") for name, field in fields.items()}
        self.defaults = {name: field["default"] for name, field in fields.items() if "default" in field}

    def by_pydantic(self, text: str) -> tuple[dict[str, Any] | None, set[tuple[str, str]]]:
        """The input with defaults, and the violations, both by the published schema."""
        document = json.loads(text)
        if isinstance(document, dict):
            # 20.0 is an integer in JSON Schema, but not in pydantic's strict mode.
            document = {key: self.whole(key, value) for key, value in document.items()}
        try:
            filled = self.model.model_validate(document, strict=True)
        except pydantic.ValidationError as error:
            found = errors.violations(self.model, error)
            return None, {("", word) if word == "required" else (pointer, word) for pointer, word in found}
        return self.defaults | filled.model_dump(exclude_unset=True), set()

    def filled(self, text: str) -> dict[str, Any]:
        """The known fields of a valid input, with defaults. Pydantic's numbers are floats."""
        known = self.defaults | {key: value for key, value in json.loads(text).items() if key in self.types}
        return {key: float(value) if self.types[key] == "number" else value for key, value in known.items()}

    def notes(self, notes: Iterable[tuple[str, str]]) -> Notes:
        """The notes to compare. Unknown keys are counted: control characters in them are replaced."""
        known = {pointer(field) for field in self.types}
        return Counter((place if place in known else "/?", what) for place, what in notes if what != "advice")

    def whole(self, key: str, value: Any) -> Any:
        is_whole = self.types.get(key) == "integer" and isinstance(value, float) and value.is_integer()
        return int(value) if is_whole else value


class Tally:
    """The results of one node."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.violations: Counter[str] = Counter()
        self.disagreements: dict[str, list[tuple[str, str, str]]] = {}

    def disagree(self, kind: str, text: str, ours: object, theirs: object) -> None:
        """The class of a disagreement has the violations of one side alone, so that each is shown."""
        self.counts[f"disagree: {kind.partition(':')[0]}"] += 1
        self.disagreements.setdefault(kind, []).append((text, shown(ours), shown(theirs)))


def shown(result: object) -> str:
    if isinstance(result, Counter | set | frozenset):
        counts = Counter(result)
        return " ".join(
            f"{pointer or '(whole)'}:{word}" + (f" x{times}" if times > 1 else "")
            for (pointer, word), times in sorted(counts.items())
        ) or "nothing"
    return result if isinstance(result, str) else json.dumps(result, sort_keys=True)


def compare(node: Node, others: list[str], count: int, seed: int, zoetrope: Path, folder: Path) -> Tally:
    tally = Tally()
    generator = Generator(node.name, node.served, others, count, seed)
    inputs = list(generator.generate(count))
    tally.kinds.update(kind for kind, _ in inputs)
    texts = [text for _, text in inputs]
    accepted = []
    for text, answer in zip(texts, checked(node, texts, zoetrope, folder), strict=True):
        if (again := judge(node, text, answer, tally)) is not None:
            accepted.append((text, again))
    second = checked(node, [again for _, again in accepted], zoetrope, folder)
    for (text, before), answer in zip(accepted, second, strict=True):
        changes = {one["adjustment"] for one in json.loads(answer).get("notes", [])} - UNCHANGED
        after = input_of(answer)
        if after != before or changes:
            what = after if after != before else f"notes {sorted(changes)}"
            tally.disagree("read again", text, what, before)
    return tally


def checked(node: Node, texts: list[str], zoetrope: Path, folder: Path) -> list[bytes]:
    if not texts:
        return []
    path = folder / "inputs.jsonl"
    path.write_text("".join(text + "\n" for text in texts), "utf-8", newline="\n")
    return list(answers(node.name, "strict", path, zoetrope, folder))


def judge(node: Node, text: str, answer: bytes, tally: Tally) -> str | None:
    """Compares one answer. Returns the completed input of an accepted one, as its bytes."""
    document = read(text)
    expected = violations(node.by_served, document)
    result = json.loads(answer)
    ours: Violations = Counter()
    if not result["ok"]:
        ours.update((one["instance_path"], one["keyword"]) for one in result["error"]["violations"])
    tally.counts["accepted" if result["ok"] else "refused"] += 1
    tally.violations.update(word for _, word in ours)
    if ours != expected:
        outcome = "outcome" if bool(ours) != bool(expected) else "violations"
        tally.disagree(f"{outcome}: {shown(ours - expected)} / {shown(expected - ours)}", text, ours, expected)
    else:
        by_pydantic(node, text, set(ours) - added(node, document, expected), tally)
    if not result["ok"]:
        return None
    if not expected:
        model = completed(node.name, node.served, document)
        fields = fields_of(read(answer)["input"])
        if fields != model.fields:
            tally.disagree("completed", text, fields, model.fields)
        notes = node.notes((one["instance_path"], one["adjustment"]) for one in result["notes"])
        wanted = node.notes(model.notes.elements())
        if notes != wanted:
            tally.disagree(f"notes: {shown(notes - wanted)} / {shown(wanted - notes)}", text, notes, wanted)
    return input_of(answer)


def added(node: Node, document: Any, expected: Violations) -> set[tuple[str, str]]:
    """The violations of rules that the served schema adds to the published one."""
    return set(expected - violations(node.by_published, document))


def by_pydantic(node: Node, text: str, ours: set[tuple[str, str]], tally: Tally) -> None:
    """Compares with pydantic. `ours` has no violations of rules that are not published."""
    filled, theirs = node.by_pydantic(text)
    if ours != theirs:
        only = f"{shown(ours - theirs)} / {shown(theirs - ours)}"
        tally.disagree(f"pydantic: {only}", text, ours, theirs)
    elif filled is not None and filled != node.filled(text):
        tally.disagree("pydantic's completion", text, node.filled(text), filled)


def input_of(answer: bytes) -> str:
    """The text of the completed input in an answer, which has no space between its parts."""
    text = answer.decode()
    decoder = json.JSONDecoder()
    end = 0
    while text[end] in "{,":
        key, colon = decoder.raw_decode(text, end + 1)
        _, end = decoder.raw_decode(text, colon + 1)
        if key == "input":
            return text[colon + 1 : end]
    return "no input: " + text.rstrip()


def served_schemas(zoetrope: Path, folder: Path) -> dict[str, dict[str, Any]]:
    command = [zoetrope, "nodes", "--json", "--data-dir", str(folder / "data")]
    output = subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment()).stdout
    return {node["name"]: node["input_schema"] for node in json.loads(output)}


def run(arguments: tuple[str, int, int, Path]) -> tuple[str, Tally]:
    name, count, seed, zoetrope = arguments
    with tempfile.TemporaryDirectory(prefix="zoetrope-schemas-") as folder:
        schemas = served_schemas(zoetrope, Path(folder))
        fields = schemas[name]["properties"]
        others = sorted({one for schema in schemas.values() for one in schema["properties"]} - set(fields))
        node = Node(name, schemas[name])
        return name, compare(node, others, count, seed, zoetrope, Path(folder))


def report(tallies: dict[str, Tally], seconds: float) -> None:
    for name, tally in tallies.items():
        total = tally.counts["accepted"] + tally.counts["refused"]
        print(f"{name}: {total:,} inputs")
        for counts in (tally.counts, tally.kinds, tally.violations):
            print("    " + ", ".join(f"{what} {times:,}" for what, times in sorted(counts.items())))
    for name, tally in tallies.items():
        # The shortest of each class, the most frequent class first.
        classes = sorted(tally.disagreements.items(), key=lambda item: -len(item[1]))
        for kind, found in classes[:CLASSES_SHOWN]:
            print(f"\n{name}: {len(found):,} disagree in {kind}", file=sys.stderr)
            for text, ours, theirs in sorted(found, key=lambda one: len(one[0]))[:SHOWN]:
                print(f"  input    {text[:600]}", file=sys.stderr)
                print(f"    zoetrope {ours[:600]}\n    expected {theirs[:600]}", file=sys.stderr)
    print(f"{seconds:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000, help="inputs of each node")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--node", help="this node alone")
    parser.add_argument("--zoetrope", type=Path, default=ROOT / "target/debug/zoetrope")
    arguments = parser.parse_args()
    zoetrope = arguments.zoetrope.resolve()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zoetrope-schemas-") as folder:
        names = list(served_schemas(zoetrope, Path(folder)))
    if arguments.node:
        names = [arguments.node]
    work = [(name, arguments.count, arguments.seed, zoetrope) for name in names]
    with multiprocessing.Pool() as pool:
        tallies = dict(pool.map(run, work, chunksize=1))
    versions = f"hypothesis {hypothesis.__version__}, pydantic {pydantic.VERSION}"
    print(f"{versions}, seed {arguments.seed}")
    report(tallies, time.monotonic() - begun)
    return 1 if any(tally.disagreements for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
