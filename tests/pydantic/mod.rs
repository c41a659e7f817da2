//! Compares the binary with pydantic, where Python has it. `docs/concepts/validation.md` explains the
//! permitted differences.

use std::path::Path;
use std::process::Command;

/// With this number, every kind of input occurs more than a hundred times.
const INPUTS: &str = "5000";

/// Tests whether Python has what the scripts need.
const USABLE: &str = "import sys, pydantic; \
    sys.exit(sys.version_info < (3, 10) or int(pydantic.VERSION.split('.')[0]) < 2)";

#[test]
fn strict_agrees_with_pydantic_on_generated_inputs() {
    agrees("strict");
}

#[test]
fn lax_agrees_with_pydantic_on_generated_inputs() {
    agrees("lax");
}

fn agrees(profile: &str) {
    let usable = Command::new("python3").args(["-c", USABLE]).output();
    if !usable.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no python3 (3.10 or later) with pydantic 2");
        return;
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        .arg(package.join("../tests/pydantic/compare.py"))
        .args([
            "--profile",
            profile,
            "--count",
            INPUTS,
            "--zoetrope",
            env!("CARGO_BIN_EXE_zoetrope"),
        ])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
