//! Small libraries between the program and libc, which answer some of its calls themselves.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use tempfile::TempDir;

/// The folder of the libraries that were compiled in this run of the tests.
static FOLDER: LazyLock<Mutex<TempDir>> =
    LazyLock::new(|| Mutex::new(tempfile::tempdir().expect("a folder")));

/// The library of this C source, for `LD_PRELOAD`. `None` if `cc` cannot compile it; the reason is
/// printed, and the test is to be skipped.
pub(crate) fn library(name: &str, source: &str) -> Option<PathBuf> {
    let folder = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let path = |extension: &str| folder.path().join(format!("{name}.{extension}"));
    let (code, library) = (path("c"), path("so"));
    if library.exists() {
        return Some(library);
    }
    fs::write(&code, source).expect("a file");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &code])
        .arg("-ldl")
        .stderr(Stdio::null())
        .status();
    if compiled.is_ok_and(|status| status.success()) {
        Some(library)
    } else {
        println!("skipped: `cc` cannot compile a library for LD_PRELOAD");
        None
    }
}
