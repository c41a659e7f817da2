"""Values that stand for an integer or a boolean in pydantic's lax mode, and near misses.

Mutations like those of `inputs`, for the lax profile only: they give each field texts,
booleans, numbers and junk, which may or may not be coerced to its type.
"""

import random

from inputs import INTEGER_TOKENS, Draft, Mutation, junk, token
from models import INTEGERS

# Characters that not all definitions of white space contain.
SPACES = [" ", "\t", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u180e", "\u2003"]
SPACES += ["\u2028", "\u202f", "\u205f", "\u3000", "\u200b", "\u2060", "\ufeff", "\x00"]
DIGITS = "٢٠۲०２０²½Ⅷ零𝟚"
CHARACTERS = [*"0123456789__++--..eE,'xnaif ", *SPACES, *DIGITS, "−", "．", "\u0301"]

INTEGERS_AS_TEXT = """
    20 +20 -20 --20 ++20 +-20 -+20 020 0020 -020 +020 00 -00 -0 +0 0 20. .0 . 0. -.0 0.0 -0.0 00.0 20.0
    20.00 20.5 20.0.0 20..0 20.0_0 20._0 20_.0 2_0 2__0 _20 20_ -_20 +_20 _-20 0_20 0__20 00_2_0 0_ 0_.0
    0_0.0 0_0 _ __ 2e1 2E1 20e0 200e-1 1e400 0x14 0b1 0o24 20,0 1,000 20f 20n 20L inf nan Infinity -inf NaN
    true null 1/2 20% $20 0-5 00-5 +0-5 0_-5 0-_5 -0-5 0-0 0-05 0x-1 50 51 10 11 30 31 1 50.0 51.0 1_0.000
    9223372036854775807 9223372036854775808 -9223372036854775809 18446744073709551616 4294967316
    340282366920938463463374607431768211476
""".split() + ["", " ", "2 0", "- 20", "+ 20", "20 .0", "20. 0", "[20]", '"20"', "twenty"]
LONG = ["0" * 400 + "20", "-" + "0" * 30, "0" * 4301, "0" * 5000 + "20", "20." + "0" * 5000, "2_0." + "0" * 4297]
LONG += [" " * 5000 + "20", "20" + "\u3000" * 2000, "9" * 308, "1" + "0" * 308, "9" * 309, "-" + "9" * 309]
LONG += ["1" * 4300, "1" * 4301, "-" + "1" * 4301, "1" + "_1" * 3000, "0-" + "1" * 400, "1" * 400 + "x"]

WORDS = "0 1 t f y n on off yes no true false".split()
NEAR_WORDS = "2 -1 -0 00 01 +1 0.0 1.0 1e0 tr tru truee ye yess o of onn null None oﬀ yeſ ｙes T0".split() + [""]
NUMBERS = "0 1 -0 0.0 1.0 -0.0 1e0 0e5 10e-1 1e-400 5e-324 2 -1 0.5 1.5 1.0000000000000001 1e19 -1e19 9.3e18".split()
NUMBERS += ["9223372036854775807.0", "-9223372036854775808.0", "18446744073709551616", "1e300", "-1e300"]


def decorated_integer(draft: Draft) -> None:
    """The text of an integer near the limits, with permitted decoration and random errors."""
    rng = draft.rng
    digits = str(rng.choice([rng.randint(0, 60), rng.randint(0, 10 ** rng.randint(1, 22))]))
    if rng.random() < 0.3:
        digits = rng.choice(["_", "_", "__"]).join(digits)
    zeros = "".join(rng.choices("000_", k=rng.choice([0, 0, 0, 1, 2, 3])))
    fraction = rng.choice(["", "", "", ".", ".0", ".000", ".0_0", ".5"])
    text = rng.choice(["", "", "", "+", "-"]) + zeros + digits + fraction
    set_text(draft, spaced(slipped(text, rng), rng), *INTEGERS[draft.node])


def any_characters(draft: Draft) -> None:
    rng = draft.rng
    set_text(draft, "".join(rng.choices(CHARACTERS, k=rng.randint(1, 6))), *INTEGERS[draft.node])


def known_integer_text(draft: Draft) -> None:
    text = draft.rng.choice(INTEGERS_AS_TEXT)
    set_text(draft, spaced(text, draft.rng), *INTEGERS[draft.node])


def long_integer_text(draft: Draft) -> None:
    set_text(draft, draft.rng.choice(LONG), *INTEGERS[draft.node])


def boolean_word(draft: Draft) -> None:
    rng = draft.rng
    word = rng.choice([rng.choice(WORDS), rng.choice(WORDS), rng.choice(NEAR_WORDS)])
    word = "".join(rng.choice([one.lower(), one.upper()]) for one in word)
    if rng.random() < 0.2:
        word = spaced(slipped(word, rng), rng)
    set_text(draft, word, "prompt_optimizer")


def number_for_another(draft: Draft) -> None:
    draft.field("prompt_optimizer", *INTEGERS[draft.node])[1] = draft.rng.choice(NUMBERS)


def boolean_for_another(draft: Draft) -> None:
    draft.field("prompt_optimizer", *INTEGERS[draft.node])[1] = draft.rng.choice(["true", "false", "null"])


def wrapped_value(draft: Draft) -> None:
    value = token(draft.rng.choice([*INTEGERS_AS_TEXT, *WORDS]), draft.rng)
    draft.field()[1] = draft.rng.choice([f"[{value}]", f'{{"a":{value}}}', "[]", "{}", junk(draft.rng)])


def any_trap_anywhere(draft: Draft) -> None:
    rng = draft.rng
    texts = [token(rng.choice(group), rng) for group in (INTEGERS_AS_TEXT, LONG, WORDS, NEAR_WORDS)]
    others = [rng.choice(NUMBERS), rng.choice(INTEGER_TOKENS), rng.choice(["true", "false", "null"])]
    draft.field()[1] = rng.choice(texts + others)


def set_text(draft: Draft, text: str, *among: str) -> None:
    draft.field(*among)[1] = token(text, draft.rng)


def spaced(text: str, rng: random.Random) -> str:
    return rng.choice(["", "", rng.choice(SPACES)]) + text + rng.choice(["", "", rng.choice(SPACES)])


def slipped(text: str, rng: random.Random) -> str:
    """A third of the texts with a character inserted, removed or changed."""
    if rng.random() > 0.33:
        return text
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(["", *CHARACTERS]) + text[at + rng.randint(0, 1) :]


ALL: list[Mutation] = [
    decorated_integer, any_characters, known_integer_text, long_integer_text, boolean_word,
    number_for_another, boolean_for_another, wrapped_value, any_trap_anywhere,
]  # fmt: skip
