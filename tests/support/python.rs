//! Runs the comparisons with Python packages.

use std::path::PathBuf;
use std::process::Command;

use super::root;

/// Runs a script of the repository with the binary, if a Python has pydantic 2 and passes `probe`,
/// a statement that fails without the script's other packages.
///
/// # Panics
///
/// If the script finds a difference.
pub(crate) fn run(script: &str, probe: &str, arguments: &[&str]) {
    let Some(python) = with(probe) else {
        eprintln!(
            "skipped: there is no python3 (3.10 or later) with the packages of \
             tests/schemas/requirements.txt"
        );
        return;
    };
    let output = Command::new(python)
        .arg(root().join(script))
        .args(arguments)
        .args(["--zoetrope", env!("CARGO_BIN_EXE_zoetrope")])
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

/// The Python that `.ci/run` installs, or the one in the path, whichever is usable.
fn with(probe: &str) -> Option<PathBuf> {
    let test = format!(
        "import sys, pydantic; {probe}; sys.exit(sys.version_info < (3, 10) or int(pydantic.VERSION[0]) < 2)"
    );
    let installed = root().join("target/tools/python/bin/python3");
    [installed, "python3".into()].into_iter().find(|python| {
        let output = Command::new(python)
            .args(["-c", &test])
            // Otherwise hypothesis writes its tables to the current directory.
            .env(
                "HYPOTHESIS_STORAGE_DIRECTORY",
                root().join("target/hypothesis"),
            )
            .output();
        output.is_ok_and(|output| output.status.success())
    })
}
