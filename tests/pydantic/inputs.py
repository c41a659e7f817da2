"""Inputs: valid ones, and mutations of them for every known difficulty.

A document is a list of `[key, value]`, both JSON text, so that a mutation can write
texts that no JSON library would: `20.0`, `NaN`, a duplicate key, half an escape.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import get_args

from models import INTEGERS, MODELS, Size

Document = list[list[str]]
Mutation = Callable[["Draft"], None]

REQUIRED = {
    node: [name for name, field in model.model_fields.items() if field.is_required()]
    for node, model in MODELS.items()
}
FIELDS = {node: list(model.model_fields) for node, model in MODELS.items()}
LIMITED = ("prompt", "negative_prompt")
LIMIT = 904

WORDS = "A push in over the sea, waves — élan 波 🎞️ slowly rotating; pan left".split()
# One code point each, or several that look like one character.
CHARACTERS = ["a", "é", "波", "😀", "e\u0301", "👩\u200d🚀", "🇪🇺", "\u202e", "ﬀ", "\U0010ffff"]

INTEGER_TOKENS = """
    0 1 2 10 11 30 31 50 51 -1 -0 100 1e2 1E0 2e1 50e0 500e-1 5.1e1 0.5 1.5 20.5 50.5 1.0 10.0
    20.0 30.0 31.0 50.0 51.0 -0.0 0.0 0e5 20.00000000000000000001 19.99999999999999999999
    50.000000000000001 50.00000000000001 0.99999999999999999 0.9999999999999999 1e-400 5e-324
    2147483648 4294967297 9007199254740993 9223372036854775808 18446744073709551615
    18446744073709551616 -9223372036854775809 340282366920938463463374607431768211457 1e18 1e19
    1e23 1.7976931348623157e308
""".split() + ["1" + "0" * 308, "20." + "0" * 400, "200" + "0" * 200 + "e-201", "2" + "0" * 60 + "e-60"]
BEYOND_F64 = ["1e400", "-1e400", "1E+309", "1.8e308", "9" * 310, "1" + "0" * 4301, "1e99999999999999999999"]
NON_FINITE = ["NaN", "Infinity", "-Infinity"]
NO_NUMBERS = ["01", "+1", "1.", ".5", "-", "1e", "0x10", "1_0", "٢٠", "nan", "inf", "--1", "-NaN", "1e+"]
BOOLEAN_TOKENS = ["true", "false", "null", "0", "1", "0.0", "1.0", "2", '"true"', '"yes"', '"off"', '""', "[true]"]
LOOKS_LIKE_INTEGER = ['"20"', '" 20 "', '"20.0"', '"2_0"', '""', "true", "false", "null", "[20]", '{"20":20}']
STRINGS = ["", " ", "\x00", "\x7f", "\u2028", "\ufeff", '"\\/\b\f\n\r\t', "null", "</script>", "%s", "{{node.output}}"]
SURROGATES = [r"\ud800", r"\udc00", r"\uD800x", r"\ud83d\ud83d", r"\ude00\ud83d", r"\ud83d\u0041", r"\udfff\ud800\udc00"]
BROKEN_STRINGS = ['"', '"\\x41"', '"\\u12"', '"\\u{41}"', "\"tab\there\"", '"\x01"', "'single'", '"\\"', '"\\ud83d\\"']


class Draft:
    """An input under construction, with its random numbers."""

    def __init__(self, node: str, rng: random.Random) -> None:
        self.node = node
        self.rng = rng
        self.entries: Document = valid(node, rng)
        self.text: bytes | None = None

    def field(self, *among: str) -> list[str]:
        """The entry of one of these fields, added if it is missing."""
        names = [name for name in among or FIELDS[self.node] if name in FIELDS[self.node]]
        name = self.rng.choice(names or FIELDS[self.node])
        for entry in self.entries:
            if entry[0] == json.dumps(name):
                return entry
        self.entries.append([json.dumps(name), "null"])
        return self.entries[-1]

    def insert(self, key: str, value: str) -> None:
        self.entries.insert(self.rng.randint(0, len(self.entries)), [key, value])

    def write(self) -> bytes:
        if self.text is None:
            self.text = written(self.entries, self.rng).encode("utf-8", "surrogatepass")
        return self.text


def generate(
    node: str, count: int, rng: random.Random, mutations: list[Mutation]
) -> Iterator[tuple[str, bytes]]:
    """Inputs with the names of their mutations; none contains a line feed."""
    for number in range(count):
        draft = Draft(node, rng)
        done = []
        # First each mutation in order, so that a short run has each; then random ones.
        names = [mutations[number // 2 % len(mutations)]] if number % 2 else []
        names += rng.choices(mutations, k=rng.choice((0, 0, 0, 0, 1, 2)))
        for mutation in sorted(names, key=lambda one: one in OF_TEXT):
            mutation(draft)
            done.append(mutation.__name__)
        yield "+".join(done) or "valid", draft.write().replace(b"\n", b" ")


def valid(node: str, rng: random.Random) -> Document:
    values = {"prompt": phrase(rng), "image": "https://example.com/sea.png"}
    optional: dict[str, object] = {}
    if node == "image_to_video":
        values["negative_prompt"] = rng.choice([None, phrase(rng)])
        optional["model"] = rng.choice(["Pixel M", "Pixel S"])
        optional["size"] = rng.choice(get_args(Size))
        optional["prompt_optimizer"] = rng.choice([True, False, None])
    else:
        optional["negative_prompt"] = rng.choice([None, phrase(rng)])
        optional["steps"] = rng.randint(1, 50)
        optional["guidance_scale"] = rng.randint(1, 10)
        optional["frame_rate"] = rng.randint(1, 30)
    values |= {name: value for name, value in optional.items() if rng.random() < 0.5}
    entries = [[json.dumps(key), token(value, rng)] for key, value in values.items()]
    rng.shuffle(entries)
    return entries


def phrase(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, 8)))


def token(value: object, rng: random.Random) -> str:
    """JSON text, half of it with every character beyond ASCII escaped."""
    return json.dumps(value, ensure_ascii=rng.random() < 0.5)


def written(entries: Document, rng: random.Random) -> str:
    style = rng.choice([("", ",", ":"), ("", ", ", ": "), ("\t", " ,\r", "\t: ")])
    space, comma, colon = style
    return "{" + space + comma.join(key + colon + value for key, value in entries) + space + "}"


def junk(rng: random.Random, depth: int = 0) -> str:
    """Any JSON value."""
    kind = rng.randint(0, 9 if depth < 3 else 6)
    if kind <= 1:
        return rng.choice(INTEGER_TOKENS)
    if kind == 2:
        return rng.choice(["null", "true", "false"])
    if kind <= 6:
        return token(rng.choice([phrase(rng), *STRINGS]), rng)
    items = [junk(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    if kind == 7:
        return "[" + ",".join(items) + "]"
    keys = [json.dumps(f"k{number}/~{rng.choice(STRINGS)}") for number in range(len(items))]
    return "{" + ",".join(f"{key}:{item}" for key, item in zip(keys, items)) + "}"


# Mutations of fields and values.


def missing_key(draft: Draft) -> None:
    names = {json.dumps(draft.rng.choice(FIELDS[draft.node]))}
    if draft.rng.random() < 0.7:
        names = {json.dumps(draft.rng.choice(REQUIRED[draft.node]))}
    draft.entries = [entry for entry in draft.entries if entry[0] not in names]


def null_value(draft: Draft) -> None:
    draft.field()[1] = "null"


def wrong_type(draft: Draft) -> None:
    draft.field()[1] = draft.rng.choice(["0", "-7", "2.5", "true", "[]", "{}", '""', '"x"', "[null]", '{"a":1}'])


def boundary_integer(draft: Draft) -> None:
    draft.field(*INTEGERS[draft.node])[1] = draft.rng.choice(INTEGER_TOKENS)


def random_number(draft: Draft) -> None:
    rng = draft.rng
    digits = "".join(rng.choices("0123456789", k=rng.randint(1, 24)))
    number = f"{rng.choice(['', '', '-'])}{int(digits[:2])}.{digits}{rng.choice(['', '', 'e0', 'E1', 'e-1'])}"
    draft.field(*INTEGERS[draft.node])[1] = number


def looks_like_integer(draft: Draft) -> None:
    draft.field(*INTEGERS[draft.node])[1] = draft.rng.choice(LOOKS_LIKE_INTEGER)


def looks_like_boolean(draft: Draft) -> None:
    draft.field("prompt_optimizer")[1] = draft.rng.choice(BOOLEAN_TOKENS)


def length_at_the_limit(draft: Draft) -> None:
    rng = draft.rng
    length = LIMIT + rng.randint(-1, 2)
    characters = rng.choices(CHARACTERS, k=length) if rng.random() < 0.5 else [rng.choice(CHARACTERS)] * length
    # Cut by code points: the last character may lose its combining mark.
    draft.field(*LIMITED)[1] = token("".join(characters)[:length], rng)


def odd_string(draft: Draft) -> None:
    draft.field("prompt", "image", "negative_prompt")[1] = token(draft.rng.choice(STRINGS), draft.rng)


def enum_near_miss(draft: Draft) -> None:
    rng = draft.rng
    entry = draft.field("model", "size")
    choices = get_args(Size) if entry[0] == '"size"' else ("Pixel M", "Pixel S")
    word = rng.choice(choices)
    near = [word.lower(), word.upper(), word + " ", " " + word, word.replace(" ", "\u00a0", 1)]
    near += [word.replace(" ", "  ", 1), word[:-1], word + "\x00", word.replace("M", "М"), "Pixel L", ""]
    near += [word.replace(":", "："), word.replace("i", "i\u0307"), word]
    value: object = rng.choice(near)
    entry[1] = token(rng.choice([value, value, value, [word], {word: word}, choices.index(word)]), rng)


def nested_junk(draft: Draft) -> None:
    draft.field()[1] = junk(draft.rng)


def extra_key(draft: Draft) -> None:
    others = [name for node in FIELDS for name in FIELDS[node] if name not in FIELDS[draft.node]]
    name = draft.rng.choice(FIELDS[draft.node])
    near = [name.upper(), name.capitalize(), name[:-1], name + " ", name.replace("_", ""), name.replace("_", "-")]
    odd = ["", "a/b", "~", "~1", "__proto__", "$schema", "é", "e\u0301", "😀", "\x00", "x" * 300]
    key = draft.rng.choice([draft.rng.choice(group) for group in (others, near, odd)])
    if key not in FIELDS[draft.node]:
        draft.insert(json.dumps(key), junk(draft.rng))


def escaped_text(draft: Draft) -> None:
    entry = draft.rng.choice(draft.entries or [draft.field()])
    part = draft.rng.randint(0, 1)
    if entry[part].startswith('"') and "\\" not in entry[part]:
        entry[part] = '"' + "".join(escape(character, draft.rng) for character in entry[part][1:-1]) + '"'


def escape(character: str, rng: random.Random) -> str:
    units = character.encode("utf-16-be")
    pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    return "".join("\\u" + (pair.upper() if rng.random() < 0.5 else pair) for pair in pairs)


def repeated_key(draft: Draft) -> None:
    rng = draft.rng
    key, value = rng.choice(draft.entries or [draft.field()])
    if "\\" not in key and len(key) > 2 and rng.random() < 0.3:
        key = '"' + escape(key[1], rng) + key[2:]
    draft.insert(key, rng.choice([value, "null", "5", junk(rng)]))


def repeated_key_inside(draft: Draft) -> None:
    rng = draft.rng
    inner = f'{{"a/b":{junk(rng)},"~":[1,{{"x":{junk(rng)},"x":1}}]}}'
    if rng.random() < 0.5:
        draft.insert('"extra"', inner)
    else:
        draft.field()[1] = inner


def deep_nesting(draft: Draft) -> None:
    rng = draft.rng
    depth = rng.choice([60, 125, 126, 127, 128, 150, 198, 199, 200, 201, 300])
    opening = rng.choice([["["], ['{"a":'], ["[", '{"a":']])
    shape = [opening[at % len(opening)] for at in range(depth)]
    closing = "".join("]" if one == "[" else "}" for one in reversed(shape))
    nested = "".join(shape) + rng.choice(["1", '"x"', '{"a":1,"a":2}', "NaN"]) + closing
    if rng.random() < 0.6:
        draft.insert('"deep"', nested)
    else:
        draft.field()[1] = nested


def beyond_f64(draft: Draft) -> None:
    number = draft.rng.choice(BEYOND_F64)
    if draft.rng.random() < 0.5:
        draft.insert('"big"', draft.rng.choice([number, f"[1,{number}]"]))
    else:
        draft.field()[1] = number


def non_finite(draft: Draft) -> None:
    number = draft.rng.choice(NON_FINITE)
    if draft.rng.random() < 0.5:
        draft.insert('"odd"', draft.rng.choice([number, f'{{"a":{number}}}']))
    else:
        draft.field()[1] = number


def no_number(draft: Draft) -> None:
    draft.field()[1] = draft.rng.choice(NO_NUMBERS)


def lone_surrogate(draft: Draft) -> None:
    text = '"' + draft.rng.choice(["", "a"]) + draft.rng.choice(SURROGATES) + draft.rng.choice(["", "z"]) + '"'
    place = draft.rng.randint(0, 2)
    if place == 0:
        draft.insert(text, "1")
    elif place == 1:
        draft.insert('"extra"', text)
    else:
        draft.field()[1] = text


def broken_string(draft: Draft) -> None:
    draft.field()[1] = draft.rng.choice(BROKEN_STRINGS)


# Mutations of the text as a whole.


def whitespace_around(draft: Draft) -> None:
    rng = draft.rng
    spaces = [b" ", b"\t", b"\r", b"  \t \r"] + [b"\x0b", b"\x0c", b"\xc2\xa0", b"\xef\xbb\xbf", b"\x00"]
    draft.text = rng.choice([b"", *spaces]) + draft.write() + rng.choice([b"", *spaces])


def cut_short(draft: Draft) -> None:
    text = draft.write()
    draft.text = text[: draft.rng.randint(0, len(text))]


def changed_byte(draft: Draft) -> None:
    text = bytearray(draft.write() or b" ")
    at = draft.rng.randrange(len(text))
    with_what = draft.rng.choice(b'{}[]:,"\\ 0-eE.ntf\x00\x7f\xff\xc3')
    text[at : at + draft.rng.randint(0, 1)] = bytes([with_what]) * draft.rng.randint(0, 2)
    draft.text = bytes(text)


def trailing_text(draft: Draft) -> None:
    more = draft.rng.choice([b",", b"}", b" {}", b"null", b"//", b"/* */", b"\x00", b"x"])
    draft.text = draft.write() + more


def lenient_syntax(draft: Draft) -> None:
    text = draft.write()
    draft.text = draft.rng.choice(
        [
            text.replace(b'"', b"'"),
            text.replace(b"}", b",}"),
            text.replace(b"{", b"{,"),
            text.replace(b":", b"="),
            text.replace(b"{", b"{/* why */"),
            text.replace(b'"prompt"', b"prompt"),
            text.replace(b":", b"::", 1),
        ]
    )


def not_utf8(draft: Draft) -> None:
    bad = draft.rng.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"])
    text = draft.write()
    at = draft.rng.randint(0, len(text))
    draft.text = text[:at] + bad + text[at:]


def no_object(draft: Draft) -> None:
    text = draft.write()
    draft.text = draft.rng.choice(
        [b"", b" ", b"[]", b"null", b"true", b"5", b"20.0", b'"x"', b"NaN", b"[" + text + b"]", b"{}"]
        + [json.dumps(text.decode("utf-8", "replace")).encode(), junk(draft.rng).encode()]
        + [b"[" * 100_000, b"[" * 5000 + b"]" * 5000]
    )


OF_TEXT: list[Mutation] = [
    whitespace_around, cut_short, changed_byte, trailing_text, lenient_syntax, not_utf8, no_object,
]  # fmt: skip
ALL: list[Mutation] = [
    missing_key, null_value, wrong_type, boundary_integer, random_number, looks_like_integer,
    looks_like_boolean, length_at_the_limit, odd_string, enum_near_miss, nested_junk, extra_key,
    escaped_text, repeated_key, repeated_key_inside, deep_nesting, beyond_f64, non_finite, no_number,
    lone_surrogate, broken_string, *OF_TEXT,
]  # fmt: skip
