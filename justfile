# Common commands. Each is a plain command that also works without just.

# Lists the recipes
default:
    @just --list

# Runs all tests, or those whose name contains the arguments
test *ARGS:
    cargo test --workspace --locked {{ARGS}}

# Checks format and lints
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Formats the code
format:
    cargo fmt --all

# Builds the book (target/book) and the rustdoc (target/doc)
docs:
    mdbook build
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Makes a clip of the example picture, or runs zoetrope with the arguments
run *ARGS='run image_to_video_v3 --image examples/lighthouse.jpg --set prompt="slow push in" --out clip.mp4 --force':
    cargo run --locked -- {{ARGS}}

# Runs one benchmark: call, start, load, ledger or size
bench NAME *ARGS:
    cargo bench --locked -p zoetrope-benches --bench {{NAME}} -- {{ARGS}}

# Runs the fuzz targets of a package for a time each
fuzz TIME='1m' PACKAGE='zoetrope-plugin':
    ZOETROPE_FUZZ={{TIME}} cargo test --locked -p {{PACKAGE}} --lib fuzz -- --nocapture

# Writes the snapshots of the command line again
update-snapshots:
    INSTA_UPDATE=always cargo test --locked -p zoetrope-cli --test end_to_end -- cli:: upgrade::
    INSTA_UPDATE=always cargo test --locked -p zoetrope-cli --bins help

# Writes docs/reference/command-line.md again
update-reference:
    UPDATE_REFERENCE=1 cargo test --locked -p zoetrope-cli --bins reference

# Runs everything that CI runs
ci:
    bash .ci/run

# Builds and checks the release archive for this platform
dist:
    bash scripts/dist.sh
