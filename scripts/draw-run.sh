#!/usr/bin/env bash
# Draws docs/images/run.svg, the animated picture of the README, from a real run.
#
# Runs the first command of the README in a pseudo-terminal of 80 columns, records what the
# terminal showed and when, and draws the recording, the input picture and frames of the clip.
# The frames are decoded from the clip. Two things are changed: the path of this folder is shown
# as ~/zoetrope, and a run of more than three seconds is played faster.
#
#     scripts/draw-run.sh [TARGET]
#
# Needs `script` from util-linux 2.35 or newer, so Linux.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${1:-docs/images/run.svg}"
picture="examples/lighthouse.jpg"

fail() { printf 'draw-run: %s\n' "$*" >&2; exit 1; }

case "$(script --version 2>/dev/null)" in
    *util-linux*) ;;
    *) fail "\`script\` from util-linux is missing" ;;
esac
if [ -e clip.mp4 ]; then fail "clip.mp4 exists and the run would write it: move it away"; fi

# The command may continue on further lines, each line but the last ending with a backslash.
command="$(awk '/^cargo run .*-- run /{found = 1} found{print} found && !/\\$/{exit}' README.md)"
if [ -z "$command" ]; then fail "README.md has no line that begins with \`cargo run\` and runs a node"; fi

recording="$(mktemp -d)"
trap 'rm -rf "$recording"' EXIT

# Everything is built before the recording, and cargo prints nothing during it.
cargo build --locked
cargo build --locked -p zoetrope-emulator --example draw_run

printf '%s\n' "$command" >"$recording/command"
pwd -P >"$recording/directory"
printf 'stty cols 80 rows 40\n%s\n' "$command" >"$recording/run"
# Not the configuration of the user who runs this.
touch "$recording/empty.toml"
env -u ZOETROPE_LOG CARGO_TERM_QUIET=true TERM=xterm-256color ZOETROPE_CONFIG="$recording/empty.toml" \
    ZOETROPE_DATA_DIR="$recording/data" \
    script -qec "bash '$recording/run'" -O "$recording/output" -T "$recording/timing" </dev/null
mv clip.mp4 "$recording/clip.mp4"

mkdir -p "$(dirname "$target")"
cargo run --quiet --locked -p zoetrope-emulator --example draw_run -- "$recording" "$picture" "$target"
printf 'draw-run: %s, %s bytes\n' "$target" "$(wc -c <"$target")"
