"""Runs `zoetrope check --jsonl`."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


def environment() -> dict[str, str]:
    """This process's environment without Zoetrope's variables, and with an empty configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOETROPE_")}
    return kept | {"ZOETROPE_CONFIG": str(Path(__file__).with_name("empty.toml"))}


def answers(node: str, profile: str, path: Path, zoetrope: Path, folder: Path) -> Iterator[bytes]:
    """The output lines of `zoetrope check` of the lines of `path`, as they arrive."""
    arguments = ["check", node, "--profile", profile, "--jsonl", "--input", str(path)]
    arguments += ["--data-dir", str(folder / "data")]
    with subprocess.Popen(
        [zoetrope, *arguments], stdout=subprocess.PIPE, cwd=folder, env=environment()
    ) as process:
        assert process.stdout is not None
        yield from process.stdout
    if process.returncode not in (0, 3):
        raise SystemExit(f"zoetrope ended with {process.returncode}")
