#!/usr/bin/env bash
# Prints the processor time of a call, a poll or a check by crate: runs one contestant of
# `--bench call` for some seconds under perf.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: bash benches/profile.sh call|poll|check [SECONDS]"
contestant="${1:?$usage}"
seconds="${2:-10}"
folder="$PWD/target/benches/profile"
mkdir -p "$folder"

if ! command -v perf >/dev/null; then
    echo "missing: perf" >&2
    exit 1
fi

# Runs the bench for some seconds, with these options for cargo.
bench() {
    local for_seconds="$1"
    shift
    cargo "$@" bench -p zoetrope-benches --bench call --locked -- \
        --only "$contestant" --seconds "$for_seconds" >&2
}

# Fills the cache of compiled code.
bench 0
record="\"perf\",\"record\",\"--quiet\",\"-F\",\"999\",\"-o\",\"$folder/perf.data\",\"--\""
bench "$seconds" --config "target.'cfg(all())'.runner=[$record]"
perf script -i "$folder/perf.data" -F comm,ip,sym,dso 2>/dev/null | python3 benches/profile.py
