//! No cycle of modules, in any package of the workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::metadata;
use super::modules::{self, Cycle, Level, Sources};
use crate::support::root;

#[test]
fn no_crate_has_a_cycle_of_modules() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let mut sources = Sources::new();
    for package in packages {
        let manifest = path(package, "manifest_path");
        read(manifest.parent().expect("a folder"), &mut sources);
    }
    let mut crates = 0;
    let mut cycles = BTreeSet::new();
    let targets = packages
        .iter()
        .filter_map(|package| package["targets"].as_array());
    for target in targets.flatten() {
        // The modules of the tests are a separate program.
        if target["kind"] == serde_json::json!(["test"]) {
            continue;
        }
        let path = path(target, "src_path");
        let file = path.strip_prefix(root()).expect("a file of the repository");
        let found = modules::cycles(&sources, file).unwrap_or_else(|error| panic!("{error}"));
        // A module may belong to two targets.
        cycles.extend(found.iter().map(ToString::to_string));
        crates += 1;
    }
    assert!(crates >= packages.len(), "{crates} crates");
    let cycles: Vec<_> = cycles.into_iter().collect();
    assert!(cycles.is_empty(), "{}", cycles.join("\n"));
}

fn path(value: &Value, key: &str) -> PathBuf {
    value[key].as_str().expect("a path").into()
}

/// Reads the Rust files in a folder of the repository, by their paths in the repository.
fn read(folder: &Path, sources: &mut Sources) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            if !path.ends_with("target") {
                read(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let file = path.strip_prefix(root()).expect("a file of the repository");
            sources.insert(file.to_owned(), text);
        }
    }
}

/// The cycles of a crate whose root is `lib.rs`.
fn cycles(files: &[(&str, &str)]) -> Vec<Cycle> {
    let sources = files
        .iter()
        .map(|(file, text)| (file.into(), (*text).to_owned()));
    modules::cycles(&sources.collect(), Path::new("lib.rs")).expect("a crate")
}

fn assert_none(files: &[(&str, &str)]) {
    let found: Vec<_> = cycles(files).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The one cycle of a crate, as it is printed.
fn only(files: &[(&str, &str)]) -> (Level, String) {
    let found = cycles(files);
    let [cycle] = &found[..] else {
        panic!("{} cycles", found.len());
    };
    (cycle.level, cycle.to_string())
}

#[test]
fn two_modules_that_use_each_other_are_found_with_the_names() {
    let lib = ("lib.rs", "mod row; mod store;");
    let row = (
        "row.rs",
        "use crate::store::Store; pub struct Row { of: Store }",
    );
    let store = "pub struct Store; fn rows() -> Vec<super::row::Row> { Vec::new() }";
    assert_eq!(
        only(&[lib, row, ("store.rs", store)]),
        (
            Level::Subtrees,
            "a cycle of modules, each with all below it: row.rs, store.rs:\n\
             \x20 row.rs -> store.rs (Store)\n\
             \x20 store.rs -> row.rs (Row)\n"
                .into()
        )
    );
    assert_none(&[lib, row, ("store.rs", "pub struct Store;")]);
}

#[test]
fn cycle_through_modules_below_others_is_found() {
    let lib = ("lib.rs", "mod download; mod driver;");
    let error = (
        "download/error.rs",
        "use crate::driver::event::Failure; pub struct Error(Failure);",
    );
    let files = [
        lib,
        ("download.rs", "mod error; pub use error::Error;"),
        error,
        ("driver.rs", "pub mod event; mod steps;"),
        ("driver/event.rs", "pub enum Failure { UrlExpired }"),
        (
            "driver/steps.rs",
            "use crate::download; fn step() -> download::Error { loop {} }",
        ),
    ];
    assert_eq!(
        only(&files),
        (
            Level::Subtrees,
            "a cycle of modules, each with all below it: download.rs, driver.rs:\n\
             \x20 download/error.rs -> driver/event.rs (Failure)\n\
             \x20 driver/steps.rs -> download/error.rs (Error)\n"
                .into()
        )
    );
    assert_none(&files.map(|(file, text)| {
        if file == error.0 {
            (file, "pub struct Error;")
        } else {
            (file, text)
        }
    }));
}

#[test]
fn parent_that_uses_a_child_which_uses_what_the_parent_defines_is_found() {
    let child = (
        "pool/sender.rs",
        "use super::LIMIT; pub fn send() -> u8 { LIMIT }",
    );
    let parent = "mod sender; pub const LIMIT: u8 = 1; pub fn all() -> u8 { sender::send() }";
    assert_eq!(
        only(&[("lib.rs", "mod pool;"), ("pool.rs", parent), child]),
        (
            Level::Files,
            "a cycle of 2 files:\n\
             \x20 pool/sender.rs -> pool.rs (LIMIT)\n\
             \x20 pool.rs -> pool/sender.rs (send)\n"
                .into()
        )
    );
}

#[test]
fn parents_and_children_in_one_direction_are_no_cycle() {
    // The parent declares and re-exports; the child uses what the parent defines.
    assert_none(&[
        ("lib.rs", "mod pool;"),
        (
            "pool.rs",
            "mod sender; pub use sender::send; pub const LIMIT: u8 = 1;",
        ),
        (
            "pool/sender.rs",
            "use super::LIMIT; pub fn send() -> u8 { LIMIT }",
        ),
    ]);
    // The parent uses both children; one reaches the other through the parent's re-export.
    assert_none(&[
        ("lib.rs", "mod pool;"),
        (
            "pool.rs",
            "mod limit; mod sender; pub use limit::LIMIT; pub fn all() -> u8 { sender::send() }",
        ),
        ("pool/limit.rs", "pub const LIMIT: u8 = 1;"),
        (
            "pool/sender.rs",
            "use super::*; pub fn send() -> u8 { LIMIT }",
        ),
    ]);
}

#[test]
fn test_and_inline_modules_are_no_cycle() {
    assert_none(&[
        ("lib.rs", "mod row; mod store; #[cfg(test)] mod testing;"),
        (
            "row.rs",
            "pub struct Row;
            #[cfg(test)] use crate::store::Store;
            #[cfg(all(test, unix))] mod tests { use crate::store::Store; }
            mod inner { use super::Row; pub(super) type Rows = Vec<Row>; }
            fn rows() -> inner::Rows { Vec::new() }",
        ),
        ("store.rs", "use crate::row::Row; pub struct Store(Row);"),
    ]);
}

#[test]
fn every_form_of_a_path_counts_as_a_dependency() {
    for text in [
        "use crate::store::*; pub fn f() -> Store { loop {} }",
        "use crate::store; pub fn f() -> store::Store { loop {} }",
        "use crate::{store as s}; pub fn f() { s::open(); }",
        "pub fn f() { use super::store::open; open(); }",
        "pub fn f() { assert_eq!(crate::store::open(), ()); }",
        "macro_rules! f { () => { $crate::store::open() } }",
        "impl From<crate::store::Store> for u8 { fn from(_: crate::store::Store) -> Self { 1 } }",
        "#[serde(with = \"crate::store::Store\")] pub struct F;",
        "#[cfg(not(test))] use self::super::store::Store;",
        "mod inner { pub fn f() { super::super::store::open() } }",
        "pub fn f(of: &dyn Fn(crate::Facade)) {}",
    ] {
        let files = [
            (
                "lib.rs",
                "mod row; mod store; pub use store::Store as Facade;",
            ),
            ("row.rs", text),
            (
                "store.rs",
                "use crate::row; pub struct Store; pub fn open() {}",
            ),
        ];
        let (level, _) = only(&files);
        assert_eq!(level, Level::Subtrees, "{text}");
        let (file, other) = ("row.rs", "pub fn f() {}");
        assert_none(&[files[0], (file, other), files[2]]);
    }
}

#[test]
fn files_are_found_where_the_compiler_finds_them() {
    assert_none(&[
        ("lib.rs", "mod a; #[path = \"elsewhere/c.rs\"] mod c;"),
        ("a/mod.rs", "mod inline { mod b; }"),
        ("a/inline/b.rs", ""),
        ("elsewhere/c.rs", "mod d;"),
        ("elsewhere/d.rs", ""),
    ]);
    let sources = [("lib.rs".into(), "mod gone;".into())];
    let error = modules::cycles(&sources.into(), Path::new("lib.rs")).expect_err("no file");
    assert_eq!(
        error.to_string(),
        "lib.rs declares the module gone, which has no file"
    );
}
