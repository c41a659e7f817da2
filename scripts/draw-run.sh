#!/usr/bin/env bash
# Draws docs/images/run.svg, the animated picture of the README, from a real run.
#
# Draws the first clip of the session that scripts/record-session.sh records at 80 columns: what the
# terminal showed and when, the input picture, and frames of the clip.
# The frames are decoded from the clip. Two things are changed: the path of this folder is shown
# as ~/zoetrope, and a run of more than three seconds is played faster.
#
#     scripts/draw-run.sh [TARGET]
#
# Needs what record-session.sh needs: tmux, and `script` from util-linux, so Linux.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${1:-docs/images/run.svg}"
picture="examples/lighthouse.jpg"

recording="$(mktemp -d)"
trap 'rm -rf "$recording"' EXIT

# Everything is built before the recording, and cargo prints nothing during it.
cargo build --locked -p zoetrope-emulator --example draw_run
scripts/record-session.sh "$recording" 80
recording_of_run="$recording/80"

mkdir -p "$(dirname "$target")"
cargo run --quiet --locked -p zoetrope-emulator --example draw_run -- "$recording_of_run" "$picture" "$target"
printf 'draw-run: %s, %s bytes\n' "$target" "$(wc -c <"$target")"
