//! The facts of the published documents: `data/document_facts.tsv` has each with a proof, which is a
//! test or a reason in `docs/reference/nodes.md`.

use std::collections::BTreeSet;
use std::fs;

use crate::docs::links::anchors;
use crate::support::document::names;
use crate::support::root;
use crate::support::test_names::is_test;

/// The number of facts.
const COUNT: usize = 248;

const COLUMNS: &str = "document\tfact\tbefore\tproof";

/// The page with the reasons.
const REASONS: &str = "docs/reference/nodes.md";

/// An error in the table, with the number of its line.
#[derive(Debug, PartialEq, Eq)]
enum FactError {
    /// The line does not have a text in each of the four columns.
    Columns(usize),
    /// There is no such document.
    UnknownDocument(usize),
    /// An earlier line has the fact.
    Duplicate(usize),
    /// The proof is neither `test: NAME` nor `reason: ANCHOR`.
    NoProof(usize),
    /// There is no test of this name.
    MissingTest(usize, String),
    /// The page with the reasons has no such anchor.
    MissingReason(usize, String),
}

/// The rows of a table, each with the number of its line.
fn rows(table: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some(COLUMNS));
    lines.enumerate().map(|(index, line)| (index + 2, line))
}

/// The errors of a table, by line.
fn errors(table: &str, documents: &[String], reasons: &BTreeSet<String>) -> Vec<FactError> {
    let mut errors = Vec::new();
    let mut facts = BTreeSet::new();
    for (line, row) in rows(table) {
        let cells: Vec<_> = row.split('\t').collect();
        let [document, fact, _, proof] = cells[..] else {
            errors.push(FactError::Columns(line));
            continue;
        };
        if cells.iter().any(|cell| cell.trim().is_empty()) {
            errors.push(FactError::Columns(line));
        }
        if !documents.iter().any(|known| known == document) {
            errors.push(FactError::UnknownDocument(line));
        }
        if !facts.insert((document, fact)) {
            errors.push(FactError::Duplicate(line));
        }
        let proof = proof.split_once(": ");
        match proof {
            Some(("test", names)) => {
                let missing = names.split(", ").filter(|name| !is_test(name));
                errors.extend(missing.map(|name| FactError::MissingTest(line, name.into())));
            }
            Some(("reason", anchor)) if reasons.contains(anchor) => {}
            Some(("reason", anchor)) => {
                errors.push(FactError::MissingReason(line, anchor.into()));
            }
            _ => errors.push(FactError::NoProof(line)),
        }
    }
    errors
}

#[test]
fn every_fact_of_the_documents_has_a_test_or_a_reason() {
    let path = root().join("tests/data/document_facts.tsv");
    let table = fs::read_to_string(path).expect("the table");
    let documents = names();
    assert_eq!(documents.len(), 5);
    let found = errors(&table, &documents, &anchors(&root().join(REASONS)));
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(rows(&table).count(), COUNT);
}

#[test]
fn planted_errors_of_the_table_are_found() {
    let test = "planted_errors_of_the_table_are_found";
    let case = "incidents/credential_follows_url";
    let rows = [
        COLUMNS.to_owned(),
        format!("page\ta\tholds\ttest: {test}"),
        format!("page\tb\tholds\ttest: {test}, {case}"),
        "page\tc\totherwise\treason: why".into(),
        format!("page\ta\tholds\ttest: {test}"),
        format!("other\ta\tholds\ttest: {test}"),
        "page\td\tholds\ttest: no_such_test".into(),
        format!("page\te\tholds\ttest: {case}/none, {test}"),
        "page\tf\totherwise\treason: no-such-reason".into(),
        "page\tg\tholds\tseen".into(),
        "page\th\tholds\t".into(),
        "page\ti\tholds".into(),
    ];
    let expected = [
        FactError::Duplicate(5),
        FactError::UnknownDocument(6),
        FactError::MissingTest(7, "no_such_test".into()),
        FactError::MissingTest(8, format!("{case}/none")),
        FactError::MissingReason(9, "no-such-reason".into()),
        FactError::NoProof(10),
        FactError::Columns(11),
        FactError::NoProof(11),
        FactError::Columns(12),
    ];
    let reasons = BTreeSet::from(["why".to_owned()]);
    let found = errors(&rows.join("\n"), &["page".to_owned()], &reasons);
    assert_eq!(found, expected);
}
