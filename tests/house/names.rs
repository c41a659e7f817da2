//! No name that was renamed comes back: `old_names.txt` lists them, each in the form in which it
//! was a name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

/// The list: a kind and a name on each line.
const LIST: &str = "tests/house/old_names.txt";

/// Where old names may stand: what tells of the change, and what reads the old ledgers.
const ALLOWED: [&str; 8] = [
    "CHANGELOG.md",
    "docs/adr/0014-names.md",
    LIST,
    "host-harness/src/ledger/open/migration_tests.rs",
    "host-harness/src/ledger/schema.sql",
    "host-harness/src/ledger/schema_2.sql",
    "host-harness/src/ledger/schema_3.sql",
    "tests/ledgers",
];

/// Folders that hold nothing of this project, or what is built.
const SKIPPED: [&str; 5] = [".git", "target", "node_modules", "corpus", "deps"];

/// An old name.
enum OldName {
    /// A file or folder that is there no more.
    Path(String),
    /// An identifier, a key or a column: a whole word, in this case of letters.
    Word(String),
    /// A piece of text, for a word that is ordinary English elsewhere.
    Text(String),
}

impl OldName {
    fn parse(line: &str) -> Self {
        let (kind, name) = line.split_once(' ').expect("a kind and a name");
        let name = name.trim().to_owned();
        match kind {
            "path" => Self::Path(name),
            "word" => Self::Word(name),
            "text" => Self::Text(name),
            other => panic!("{other} is no kind of a name"),
        }
    }

    /// Whether it stands in a file.
    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Text(name) => text.contains(name.as_str()),
            Self::Word(name) => text.match_indices(name.as_str()).any(|(start, _)| {
                let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
                let before = text[..start].chars().next_back();
                let after = text[start + name.len()..].chars().next();
                !before.is_some_and(is_part) && !after.is_some_and(is_part)
            }),
        }
    }

    fn as_str(&self) -> &str {
        let (Self::Path(name) | Self::Word(name) | Self::Text(name)) = self;
        name
    }
}

/// The names of a list, without empty lines and comments.
fn old_names(list: &str) -> Vec<OldName> {
    let lines = list.lines().filter(|line| !line.is_empty());
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.map(OldName::parse).collect()
}

/// All files of the project, relative to the root.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let path = folder.join(&name);
        if !entry.path().is_dir() {
            found.push(path);
        } else if !SKIPPED.iter().any(|skipped| name == *skipped) {
            sources(&path, found);
        }
    }
}

/// Where old names stand: the file, and the name.
fn found_in<'a>(path: &Path, text: &str, names: &'a [OldName]) -> Vec<(PathBuf, &'a str)> {
    if ALLOWED.iter().any(|allowed| path.starts_with(allowed)) {
        return Vec::new();
    }
    let found = names.iter().filter(|name| name.is_in(text));
    found.map(|name| (path.to_owned(), name.as_str())).collect()
}

#[test]
fn renamed_names_are_found_nowhere() {
    let list = fs::read_to_string(root().join(LIST)).expect("the list");
    let names = old_names(&list);
    assert!(names.len() > 100, "{} names", names.len());
    let mut paths = Vec::new();
    sources(Path::new(""), &mut paths);
    let mut found = Vec::new();
    for path in paths {
        // What is not text has no names.
        let text = fs::read_to_string(root().join(&path)).unwrap_or_default();
        found.extend(found_in(&path, &text, &names));
    }
    for name in &names {
        if let OldName::Path(path) = name
            && root().join(path).exists()
        {
            found.push((path.into(), path));
        }
    }
    assert!(found.is_empty(), "old names: {found:#?}");
}

#[test]
fn planted_old_names_are_found_and_parts_of_words_are_not() {
    let names = old_names("# a comment\nword Former\n\ntext spec.past\npath src/past.rs\n");
    let found = |path: &str, text: &str| {
        let found = found_in(Path::new(path), text, &names);
        found.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    assert_eq!(found("a.rs", "struct Former;"), ["Former"]);
    assert_eq!(found("a.rs", "job.spec.past;"), ["spec.past"]);
    assert!(found("a.rs", "struct Formers; // former").is_empty());
    assert!(found("CHANGELOG.md", "`Former`").is_empty());
}
