//! The names of the tests, for documents that name them as a proof.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::root;

/// The folders whose Rust files have tests.
const FOLDERS: [&str; 7] = [
    "cli/src",
    "emulator",
    "fuzzing",
    "host-harness",
    "node-sdk",
    "plugin",
    "tests",
];

/// Whether there is a test of this name: a function, or a case in `tests/cases` as `folder/case`.
pub(crate) fn is_test(name: &str) -> bool {
    static TESTS: OnceLock<BTreeSet<String>> = OnceLock::new();
    if name.contains('/') {
        return root()
            .join("tests/cases")
            .join(name)
            .join("expected.json")
            .is_file();
    }
    let read = || {
        let mut tests = BTreeSet::new();
        for folder in FOLDERS {
            find(&root().join(folder), &mut tests);
        }
        tests
    };
    TESTS.get_or_init(read).contains(name)
}

/// Adds the tests in the Rust files of a folder.
fn find(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("target") {
                find(&path, tests);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            tests.extend(tests_in(&fs::read_to_string(&path).expect("a Rust file")));
        }
    }
}

/// The functions with an attribute `#[test]` or `#[tokio::test]`, and the entries of a table
/// `tests! { name: …; }`.
fn tests_in(text: &str) -> Vec<String> {
    let mut tests = Vec::new();
    let mut is_test = false;
    let mut is_table = false;
    for line in text.lines().map(str::trim) {
        if line == "tests! {" || is_table && line == "}" {
            is_table = !is_table;
        } else if is_table && let Some((name, _)) = line.split_once(": ") {
            tests.push(name.to_owned());
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.is_empty() || line == "}" {
            is_test = false;
        } else if let Some((_, function)) = line.split_once("fn ")
            && is_test
        {
            let name = function.split(['(', '<']).next().unwrap_or_default();
            tests.push(name.to_owned());
            is_test = false;
        }
    }
    tests
}

#[test]
fn functions_are_tests_only_with_the_attribute() {
    let text = "tests! {\n    t: \"x\";\n}\nfn a() {}\n\n#[test]\n#[should_panic(expected = \"fn\")]\nfn b() {\n    c();\n}\n\n\
                fn c() {}\n\n    #[tokio::test(start_paused = true)]\n    async fn d() {}\n    \
                fn e() {}\n";
    assert_eq!(tests_in(text), ["t", "b", "d"]);
    assert!(is_test("functions_are_tests_only_with_the_attribute"));
    assert!(is_test("incidents/credential_follows_url"));
    assert!(!is_test("find") && !is_test("incidents/none"));
}
