//! Compares the binary with pydantic, where Python has it. `docs/concepts/validation.md` explains the
//! permitted differences.

use crate::support::python;

/// With this number, every kind of input occurs more than a hundred times.
const INPUTS: &str = "5000";

#[test]
fn strict_agrees_with_pydantic_on_generated_inputs() {
    agrees("strict");
}

#[test]
fn lax_agrees_with_pydantic_on_generated_inputs() {
    agrees("lax");
}

fn agrees(profile: &str) {
    python::run(
        "tests/pydantic/compare.py",
        "import pydantic",
        &["--profile", profile, "--count", INPUTS],
    );
}
