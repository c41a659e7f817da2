"""Reads samples of `perf script` and prints each crate's share and its largest functions."""

import re
import sys
from collections import Counter, defaultdict

# Samples of the provider's thread are left out.
SAMPLE = re.compile(r"(?!provider ).+? +[0-9a-f]+ (?P<symbol>.*) \((?P<file>.*?)\)")


def crate_of(symbol: str, file: str) -> str:
    """The crate, named as by `--bench size`, or another owner of the code."""
    if "kernel" in file or file == "[vdso]":
        return "the kernel"
    if crate := re.match(r".*?(\w+)::", symbol):
        return crate[1]
    if file.rsplit("/")[-1].startswith(("libc", "ld-linux", "libm")):
        return "the C library"
    # Code that the engine compiled belongs to no file.
    return "the component" if "call-" not in file else "no crate"


weights: Counter[str] = Counter()
functions: defaultdict[str, Counter[str]] = defaultdict(Counter)
for line in sys.stdin:
    if sample := SAMPLE.fullmatch(line.strip()):
        name = crate_of(sample["symbol"], sample["file"])
        weights[name] += 1
        functions[name][sample["symbol"]] += 1
total = weights.total() or 1
print(f"{'share':>7}  {'crate':<28} largest functions")
for name, weight in weights.most_common(20):
    most = ", ".join(f"{symbol[:60]} {100 * part / total:.1f} %" for symbol, part in functions[name].most_common(2))
    print(f"{100 * weight / total:6.1f} %  {name:<28} {most}")
