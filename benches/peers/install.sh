#!/usr/bin/env bash
# Installs the programs that the benchmarks compare with Zoetrope, in pinned versions, under target/peers/: a
# Python environment and Node packages. If one cannot be installed, its name is printed and the rest is installed.
set -euo pipefail
cd "$(dirname "$0")"
target=../../target/peers
mkdir -p "$target/node"
missing=()

install_python() {
    python3 -m venv "$target/python" &&
        "$target/python/bin/python" -m pip install --quiet --disable-pip-version-check \
            --no-deps --only-binary :all: --requirement python/requirements.txt
}

install_node() {
    cp node/package.json node/package-lock.json "$target/node/" &&
        (cd "$target/node" && npm ci --ignore-scripts --no-audit --no-fund)
}

install_python || missing+=("python: pydantic, httpx, jsonschema")
install_node || missing+=("node: ajv, undici")

for peer in "${missing[@]}"; do
    echo "missing: $peer" >&2
done
[ "${#missing[@]}" -eq 0 ]
