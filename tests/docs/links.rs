//! The links of all Markdown files of the repository, and the table of contents of the book.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use tempfile::tempdir;

use crate::support::root;

/// The table of contents of the book.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Folders that hold no file of the repository.
const SKIPPED: [&str; 3] = [".git", "node_modules", "target"];

/// An error in the pages of a repository. Paths are relative to its root.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LinkError {
    /// The link is absolute, or no file or folder has its path.
    MissingFile { page: PathBuf, link: String },
    /// No heading of the linked page has this anchor.
    MissingAnchor { page: PathBuf, link: String },
    /// The page is in `docs/`, and the table of contents has no link to it.
    NotInSummary { page: PathBuf },
}

/// The anchors of the headings of a Markdown file.
pub(crate) fn anchors(path: &Path) -> BTreeSet<String> {
    Page::read(path).anchors
}

/// The links and the anchors of one page.
#[derive(Debug, Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        let mut uses = BTreeMap::new();
        for event in Parser::new(text) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let count = uses.entry(slug.clone()).or_insert(0);
                    page.anchors.insert(match *count {
                        0 => slug,
                        again => format!("{slug}-{again}"),
                    });
                    *count += 1;
                }
                _ => {}
            }
        }
        page
    }

    fn read(path: &Path) -> Self {
        Self::parse(&fs::read_to_string(path).expect("a page is UTF-8"))
    }
}

/// The anchor that GitHub gives to the first heading of this text: lower case, spaces become
/// hyphens, other punctuation is dropped.
fn slug(heading: &str) -> String {
    let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
    let lower = heading.to_lowercase();
    lower
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

fn is_external(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// Adds the Markdown files of a folder and of the folders in it.
fn find_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !SKIPPED.iter().any(|skipped| path.ends_with(skipped)) {
                find_pages(&path, pages);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The error of one link, if it has one. `path` is that of the page, `name` its path below the root.
fn link_error(path: &Path, name: &Path, link: &str) -> Option<LinkError> {
    let (page, link_text) = (name.to_owned(), link.to_owned());
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => path.to_owned(),
        file => path.parent().expect("a folder").join(file),
    };
    if file.starts_with('/') || !target.exists() {
        return Some(LinkError::MissingFile {
            page,
            link: link_text,
        });
    }
    let is_page = target
        .extension()
        .is_some_and(|extension| extension == "md");
    let is_missing = is_page && !anchor.is_empty() && !Page::read(&target).anchors.contains(anchor);
    is_missing.then_some(LinkError::MissingAnchor {
        page,
        link: link_text,
    })
}

/// Checks all pages of a repository. The errors are sorted.
fn check(repository: &Path) -> Vec<LinkError> {
    let mut pages = Vec::new();
    find_pages(repository, &mut pages);
    let docs = repository.join("docs");
    let summary = repository.join(SUMMARY);
    let listed: BTreeSet<_> = Page::read(&summary)
        .links
        .iter()
        .map(|link| docs.join(link))
        .collect();
    let mut errors = Vec::new();
    for path in pages {
        let name = path
            .strip_prefix(repository)
            .expect("a path below the root");
        if path.starts_with(&docs) && path != summary && !listed.contains(&path) {
            errors.push(LinkError::NotInSummary {
                page: name.to_owned(),
            });
        }
        let page = Page::read(&path);
        let links = page.links.iter().filter(|link| !is_external(link));
        errors.extend(links.filter_map(|link| link_error(&path, name, link)));
    }
    errors.sort();
    errors
}

#[test]
fn every_link_and_anchor_of_the_documents_has_a_target() {
    let errors = check(root());
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn planted_missing_files_anchors_and_contents_are_found() {
    let folder = tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, text).expect("it is written");
    };
    write(
        "README.md",
        "[a](docs/a.md#one-two) [b](docs) ![c](no.svg) [d](https://example.com/d)",
    );
    write("docs/SUMMARY.md", "- [a](a.md)\n- [b](sub/b.md)");
    write(
        "docs/a.md",
        "# One, two!\n\n[a](#one-two) [b](#three) [c](/docs/a.md) `[d](no.md)`",
    );
    write("docs/sub/b.md", "[a][there]\n\n[there]: ../a.md#four\n");
    write("docs/sub/c.md", "[a](../a.md)");
    write("target/d.md", "[a](no.md)");
    let page = PathBuf::from;
    let expected = [
        LinkError::MissingFile {
            page: page("README.md"),
            link: "no.svg".into(),
        },
        LinkError::MissingFile {
            page: page("docs/a.md"),
            link: "/docs/a.md".into(),
        },
        LinkError::MissingAnchor {
            page: page("docs/a.md"),
            link: "#three".into(),
        },
        LinkError::MissingAnchor {
            page: page("docs/sub/b.md"),
            link: "../a.md#four".into(),
        },
        LinkError::NotInSummary {
            page: page("docs/sub/c.md"),
        },
    ];
    assert_eq!(check(folder.path()), expected);
}

#[test]
fn anchors_of_headings_follow_the_rules_of_github() {
    let text = "# The `lax` profile, and *why*\n\n## a_b - c\n\n## Été\n\n## Été\n\n```\n# no heading\n```\n";
    let expected = ["the-lax-profile-and-why", "a_b---c", "été", "été-1"];
    assert_eq!(
        Page::parse(text).anchors,
        BTreeSet::from(expected.map(String::from))
    );
}
