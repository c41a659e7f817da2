#!/usr/bin/env bash
# Writes wit/deps from the WIT files that the `wasip2` crate of Cargo.lock carries.
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
    echo "wit/deps is what the wasip2 crate carries"
else
    rm -rf deps
    cp -R "$source" deps
    chmod -R u+w deps
fi
