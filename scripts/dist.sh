#!/usr/bin/env bash
# Builds the release of this platform in target/dist and checks it.
#
#     scripts/dist.sh [--no-sbom]
#
# It writes
#
# - zoetrope-VERSION-TARGET.tar.gz (.zip on Windows): the stripped program, the component that it
#   embeds, schemas/, wit/, both licences, README.md and CHANGELOG.md, manual pages in man/,
#   completions/ for shells, and in examples/ a picture and the pack of a stranger,
#   with its README
# - zoetrope-VERSION-TARGET.cdx.json: the SBOM of the program, in CycloneDX form
# - zoetrope-VERSION-TARGET.component.cdx.json: the SBOM of the component
# - SHA256SUMS: the digests of these files
#
# Then it unpacks the archive into an empty folder, compares the component with the one in the
# program, and runs the first command of the README there.
#
# The archive has sorted names, no owner, and the commit's time on every file; SOURCE_DATE_EPOCH
# overrides that time. The program's own bytes depend on the folder of the build.
set -euo pipefail
cd "$(dirname "$0")/.."
root="$PWD"

step() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }
fail() { printf 'dist: %s\n' "$*" >&2; exit 1; }

with_sbom=yes
for argument in "$@"; do
    case "$argument" in
        --no-sbom) with_sbom= ;;
        *) fail "unknown argument $argument; usage: scripts/dist.sh [--no-sbom]" ;;
    esac
done
if [ -n "$with_sbom" ] && ! cargo cyclonedx --version >/dev/null 2>&1; then
    fail "cargo-cyclonedx makes the SBOM and is missing. Install it: cargo install cargo-cyclonedx --locked. Or build without an SBOM: scripts/dist.sh --no-sbom"
fi

files="LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md schemas wit"
for file in $files; do
    if [ ! -e "$file" ]; then fail "$file is missing"; fi
done
if [ -n "$(git status --porcelain)" ]; then
    printf 'dist: the working tree differs from the commit, and so does the archive\n' >&2
fi

SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
# GNU and BSD `date` read seconds in different ways.
modified="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S 2>/dev/null \
    || date -u -r "$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S)"

version="$(cargo pkgid --locked -p zoetrope-cli)"
version="${version##*[#@]}"
target="$(rustc --print host-tuple)"
name="zoetrope-$version-$target"
case "$target" in
    *windows*) program=zoetrope.exe archive="$name.zip" ;;
    *) program=zoetrope archive="$name.tar.gz" ;;
esac

dist="${CARGO_TARGET_DIR:-target}/dist"
rm -rf "$dist"
mkdir -p "$dist"
dist="$(cd "$dist" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# A value of cargo's messages, in JSON, one a line. Windows paths have doubled backslashes.
message() { sed -n "$1" "$work/messages" | sed 's|\\\\|/|g' | tail -n 1; }

pack() {
    cd "$work"
    chmod -R u=rwX,go=rX "$name"
    find "$name" -exec env TZ=UTC touch -t "$modified" {} +
    find "$name" | LC_ALL=C sort >names
    case "$archive" in
        *.zip) "$SYSTEMROOT/System32/tar.exe" -a -c -n -f "$archive" -T names ;;
        *)
            if tar --version | grep -q GNU; then
                owner="--owner=0 --group=0 --numeric-owner"
            else
                owner="--uid 0 --gid 0 --numeric-owner --no-mac-metadata --no-xattrs"
            fi
            # shellcheck disable=SC2086 # options without spaces in them
            tar -c --format ustar $owner --no-recursion -T names -f - | gzip -9 -n >"$archive"
            ;;
    esac
    mv "$archive" "$dist/"
    cd "$root"
}

unpack() {
    case "$archive" in
        *.zip) "$SYSTEMROOT/System32/tar.exe" -x -f "$dist/$archive" ;;
        *) tar -x -z -f "$dist/$archive" ;;
    esac
}

# Writes the SBOM of the package in folder $1, built for target $2, to $3.json. The tool writes one
# beside the manifest of every package of the workspace.
sbom() {
    local file="$3"
    cargo cyclonedx --quiet --manifest-path "$1/Cargo.toml" --format json --spec-version 1.5 \
        --target "$2" --override-filename "$file"
    # The packages of this repository are named without the folder that it lies in.
    sed "s|path+file://$root/|path+file:///|g" "$1/$file.json" >"$dist/$file.json"
    git ls-files --others -- "*/$file.json" | while read -r other; do rm "$other"; done
}

step "build $name"
# Given here and not in the profile: benchmarks and profilers use the symbols.
cargo build --release --locked -p zoetrope-cli \
    --config 'profile.release.strip="symbols"' --config 'profile.release.debug=false' \
    --message-format json-render-diagnostics >"$work/messages"
built="$(message 's/.*"executable":"\([^"]*\)".*/\1/p')"
component="$(message 's/.*\["ZOETROPE_COMPONENT","\([^"]*\)"\].*/\1/p')"
if [ ! -f "$built" ]; then fail "cargo did not name the program"; fi
if [ ! -f "$component" ]; then fail "cargo did not name the component"; fi

cargo build --release --locked -p zoetrope-stranger --target wasm32-wasip2 \
    --message-format json-render-diagnostics >"$work/messages"
stranger="$(message 's/.*"filenames":\["\([^"]*\.wasm\)".*/\1/p')"
if [ ! -f "$stranger" ]; then fail "cargo did not name the pack of a stranger"; fi

step "pack"
mkdir "$work/$name"
cp "$built" "$work/$name/$program"
cp "$component" "$work/$name/zoetrope.wasm"
# shellcheck disable=SC2086 # names without spaces
cp -R $files "$work/$name/"
"$built" man "$work/$name/man" >/dev/null
mkdir "$work/$name/completions" "$work/$name/examples"
for shell in bash elvish fish powershell zsh; do
    # The script finds the program in PATH.
    (PATH="$work/$name:$PATH" && zoetrope completions "$shell") >"$work/$name/completions/zoetrope.$shell"
done
cp examples/lighthouse.jpg "$work/$name/examples/"
cp "$stranger" "$work/$name/examples/stranger.wasm"
# Its link is for the repository, whose documentation is not in the archive.
sed 's|\[\([^]]*\)\](\.\./\.\./\([^)]*\))|\1 (`\2` in the repository)|' examples/stranger/README.md \
    >"$work/$name/examples/STRANGER.md"
pack

if [ -n "$with_sbom" ]; then
    step "SBOM"
    sbom cli "$target" "$name.cdx"
    # The component is built by a build script, and so is no dependency of the program.
    sbom plugin wasm32-wasip2 "$name.component.cdx"
fi

(cd "$dist" && sha256 -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)

step "run it from an empty folder"
mkdir "$work/empty"
cd "$work/empty"
unpack
cd "$name"
unset ZOETROPE_DATA_DIR ZOETROPE_LOG
# Not the configuration of the user who runs this.
touch "$work/empty.toml"
export ZOETROPE_CONFIG="$work/empty.toml"
run() { "./$program" "$@" --data-dir "$work/empty/data"; }
embedded="$(run packs --json | sed -n 's/.*"digest":"\([0-9a-f]*\)".*/\1/p')"
packed="$(sha256 zoetrope.wasm)"
packed="${packed%% *}"
if [ "$embedded" != "$packed" ]; then
    fail "zoetrope.wasm has the digest $packed, the program embeds $embedded"
fi
run run image_to_video_v3 --image "$root/examples/lighthouse.jpg" \
    --set prompt="slow push in, pan right" --set frame_rate=24 --out clip.mp4
if [ "$(head -c 8 clip.mp4 | tail -c 4)" != ftyp ]; then fail "clip.mp4 is no MP4"; fi

if grep -q '](' examples/STRANGER.md; then fail "examples/STRANGER.md has a link to a file outside of the archive"; fi
run packs allow examples/stranger.wasm --json >/dev/null
run --component examples/stranger.wasm run slow_zoom --image examples/lighthouse.jpg --out zoom.mp4
if [ "$(head -c 8 zoom.mp4 | tail -c 4)" != ftyp ]; then fail "zoom.mp4 is no MP4"; fi

step "done"
bytes() { wc -c <"$1" | tr -d ' '; }
printf '%s: %s bytes; component: %s bytes, sha256 %s; clip: %s bytes\n' \
    "$program" "$(bytes "$program")" "$(bytes zoetrope.wasm)" "$packed" "$(bytes clip.mp4)"
cd "$dist"
sha256 -c SHA256SUMS
for file in *; do printf '%10s  %s\n' "$(bytes "$file")" "$file"; done
