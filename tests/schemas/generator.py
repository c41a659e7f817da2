"""Generated inputs of a node, from its served schema alone.

`hypothesis-jsonschema` draws documents and values: from the schema, and from weaker schemas that are
derived from it by rule. It draws about a hundred documents a second, so it draws some hundreds
for a node, and the rest is assembled from these: the fields of one document, with values
that were drawn for its fields, left out, added and exchanged at random. Numbers are also
written in ways that no JSON library has: 5.50, 2E1, 16 digits.
"""

import json
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy
from hypothesis_jsonschema import from_schema

Schema = dict[str, Any]
Document = dict[str, str]

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
LENGTHS = ("minLength", "maxLength")

# Documents that are drawn for each schema, and values for each schema of a field.
MOST_DOCUMENTS = 500
MOST_VALUES = 40


class Generator:
    """The drawn documents and values of a node, and random numbers that assemble them."""

    def __init__(self, node: str, schema: Schema, other_names: list[str], count: int, seed: int) -> None:
        documents = max(20, min(MOST_DOCUMENTS, count // 20))
        values = max(8, min(MOST_VALUES, count // 50))
        self.rng = random.Random(f"{seed} {node}")
        self.schema = schema
        self.names = list(schema["properties"])
        self.other_names = other_names
        self.valid = drawn(schema, documents, self.rng)
        self.weak = [drawn(one, documents // 2, self.rng) for one in weakened(schema)]
        self.anything = drawn({}, values * 2, self.rng)
        self.by_type = {name: drawn({"type": name}, values, self.rng) for name in TYPES}
        self.keys = drawn({"type": "string"}, values, self.rng)
        self.of_field = {
            name: [drawn(field, values, self.rng)] + [drawn(one, values, self.rng) for one in near(field)]
            for name, field in schema["properties"].items()
        }

    def generate(self, count: int) -> Iterator[tuple[str, str]]:
        """Inputs, as texts of one line, with their kind."""
        # First the drawn documents as they are, then each kind in turn.
        whole = [("drawn: valid", one) for one in self.valid]
        whole += [("drawn: weakened", one) for group in self.weak for one in group]
        for name, document in whole[:count]:
            yield name, self.token(document)
        for number in range(count - len(whole)):
            kind = KINDS[number % len(KINDS)]
            document = self.start()
            for _ in range(self.rng.choice((1, 1, 2))):
                kind(self, document)
            yield kind.__name__, self.written(document)

    def start(self) -> Document:
        """A drawn valid document, with some other fields filled with values drawn for them."""
        drawn_document = self.rng.choice(self.valid)
        document = {name: self.token(value) for name, value in drawn_document.items()}
        for name in self.names:
            if name not in document and self.rng.random() < 0.3:
                document[name] = self.token(self.rng.choice(self.of_field[name][0]))
        return document

    def field(self) -> str:
        return self.rng.choice(self.names)

    def token(self, value: Any) -> str:
        """JSON text, half of it with every character beyond ASCII escaped."""
        return json.dumps(value, ensure_ascii=self.rng.random() < 0.5)

    def written(self, document: Document) -> str:
        entries = list(document.items())
        self.rng.shuffle(entries)
        comma, colon = self.rng.choice(((",", ":"), (", ", ": ")))
        return "{" + comma.join(self.token(key) + colon + value for key, value in entries) + "}"


def drawn(schema: Schema, count: int, rng: random.Random) -> list[Any]:
    """Examples of a schema. The same random numbers give the same examples."""
    examples: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)
        collect(from_schema(schema), count, rng.getrandbits(64), examples)
    return examples


def collect(strategy: SearchStrategy[Any], count: int, number: int, examples: list[Any]) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(example: Any) -> None:
        examples.append(example)

    keep()


def weakened(schema: Schema) -> Iterator[Schema]:
    """Schemas of documents: without the rules of fields, without required fields, any JSON."""
    fields = schema["properties"]
    yield schema | {"properties": dict.fromkeys(fields, {})}
    optional = {key: rule for key, rule in schema.items() if key not in ("required", "anyOf", "allOf", "oneOf")}
    yield optional
    yield optional | {"properties": dict.fromkeys(fields, {})}
    yield {}


def near(field: Schema) -> Iterator[Schema]:
    """Schemas of values at a field's limits, on both sides."""
    for rule in subschemas(field):
        for bound in BOUNDS:
            if bound in rule:
                for type_ in ("number", "integer"):
                    yield {"type": type_, "minimum": rule[bound] - 2, "maximum": rule[bound] + 2}
        for length in LENGTHS:
            if length in rule:
                least = max(0, rule[length] - 2)
                yield {"type": "string", "minLength": least, "maxLength": rule[length] + 2}
        if "pattern" in rule:
            yield {"type": "string"}
            yield {"type": "string", "pattern": rule["pattern"]}
    named = [value for key in ("examples", "enum") for value in field.get(key, [])]
    named += [field["default"]] if "default" in field else []
    if named:
        yield {"enum": named}


def subschemas(schema: Schema) -> Iterator[Schema]:
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(key, []):
            yield from subschemas(branch)


# Kinds of assembled inputs.


def valid(generator: Generator, document: Document) -> None:
    """A value drawn for the field."""
    name = generator.field()
    document[name] = generator.token(generator.rng.choice(generator.of_field[name][0]))


def near_the_limit(generator: Generator, document: Document) -> None:
    for name in generator.rng.sample(generator.names, len(generator.names)):
        if groups := generator.of_field[name][1:]:
            document[name] = generator.token(generator.rng.choice(generator.rng.choice(groups)))
            return


def wrong_type(generator: Generator, document: Document) -> None:
    group = generator.by_type[generator.rng.choice(TYPES)]
    document[generator.field()] = generator.token(generator.rng.choice(group))


def any_value(generator: Generator, document: Document) -> None:
    document[generator.field()] = generator.token(generator.rng.choice(generator.anything))


def value_of_another_field(generator: Generator, document: Document) -> None:
    groups = generator.of_field[generator.field()]
    document[generator.field()] = generator.token(generator.rng.choice(generator.rng.choice(groups)))


def missing_fields(generator: Generator, document: Document) -> None:
    share = generator.rng.choice((0.3, 0.6, 1))
    for name in generator.names:
        if generator.rng.random() < share:
            document.pop(name, None)


def extra_key(generator: Generator, document: Document) -> None:
    rng = generator.rng
    name = generator.field()
    cased = rng.choice((name.upper(), name.capitalize(), name + " ", name[1:]))
    key = rng.choice((rng.choice(generator.keys), rng.choice(generator.other_names), cased))
    if key not in generator.names:
        document[key] = generator.token(rng.choice(generator.anything))


def number_as_written(generator: Generator, document: Document) -> None:
    fields = generator.schema["properties"]
    numbers = [name for name in generator.names if types(fields[name]) & {"integer", "number"}]
    for name in numbers or generator.names:
        if generator.rng.random() < 0.6:
            document[name] = literal(generator.rng)


def number_beside_a_limit(generator: Generator, document: Document) -> None:
    """More digits than a 64-bit float holds: `jsonschema` and zoetrope compare the nearest float."""
    name = generator.field()
    rules = subschemas(generator.schema["properties"][name])
    limits = [rule[bound] for rule in rules for bound in BOUNDS if bound in rule]
    limit = generator.rng.choice(limits or [generator.rng.randint(2, 60)])
    zeros, nines = "0" * generator.rng.randint(12, 24), "9" * generator.rng.randint(12, 24)
    document[name] = generator.rng.choice((f"{limit}.{zeros}1", f"{limit - 1}.{nines}", f"{limit}.{zeros}"))


def blank_text(generator: Generator, document: Document) -> None:
    text = "".join(generator.rng.choices(" \t\n\r\u3000\xa0", k=generator.rng.randint(0, 3)))
    for name in generator.names:
        if generator.rng.random() < 0.3 and "string" in types(generator.schema["properties"][name]):
            document[name] = generator.token(text)


def types(field: Schema) -> set[str]:
    return {one["type"] for one in subschemas(field) if isinstance(one.get("type"), str)}


KINDS: list[Callable[[Generator, Document], None]] = [
    valid, near_the_limit, wrong_type, any_value, value_of_another_field, missing_fields, extra_key,
    number_as_written, number_beside_a_limit, blank_text,
]  # fmt: skip


def literal(rng: random.Random) -> str:
    """A number as a person or another library may write it."""
    digits = "".join(rng.choices("0123456789", k=rng.choice((1, 2, 15, 16, 17, 25))))
    whole = str(rng.choice((rng.randint(1, 60), rng.randint(1, 10**6), rng.randint(2**63, 2**65), int("1" + digits))))
    small = str(rng.randint(1, 60))
    sign = rng.choice(("", "", "", "-"))
    exponent = rng.choice("eE") + rng.choice(("", "+", "-")) + rng.choice(("0", "1", "01", "7"))
    return sign + rng.choice(
        (
            "0",
            "0.0",
            "0e5",
            "1e-400",
            "0." + digits,
            small + "." + digits,
            small + ".5" + "0" * rng.randint(0, 3),
            small + ".0" + "0" * rng.randint(0, 20),
            small + exponent,
            small + "0" + rng.choice("eE") + "-1",
            small + "." + digits + exponent,
            whole,
            whole,
            whole + digits,
            whole + "e250",
        )
    )
