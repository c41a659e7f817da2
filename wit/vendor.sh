#!/usr/bin/env bash
# Writes wit/deps from the WIT files in the `wasip2` crate of Cargo.lock.
# `wit/vendor.sh --check` changes nothing and fails when they differ.
set -euo pipefail
cd "$(dirname "$0")"

manifest=$(cargo metadata --locked --format-version 1 |
    grep -o '"manifest_path":"[^"]*/wasip2-2[^"]*"' |
    cut -d '"' -f 4)
source="$(dirname "$manifest")/wit/deps"

if [ "${1:-}" = "--check" ]; then
    diff -r "$source" deps || {
        echo "wit/deps differs from the wasip2 crate; run wit/vendor.sh" >&2
        exit 1
    }
    echo "wit/deps equals the files of the wasip2 crate"
else
    rm -rf deps
    cp -R "$source" deps
    chmod -R u+w deps
fi
