//! Strongly connected files: each can be reached from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// From a file to a file, with the names that the first uses of the second.
pub(super) type Arrows = BTreeMap<(PathBuf, PathBuf), BTreeSet<String>>;

/// Files that use each other, and every arrow between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub(crate) files: BTreeSet<PathBuf>,
    arrows: Arrows,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a cycle of {} files:", self.files.len())?;
        for ((from, to), names) in &self.arrows {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let names = names.join(", ");
            writeln!(f, "  {} -> {} ({names})", from.display(), to.display())?;
        }
        Ok(())
    }
}

/// The cycles among `arrows`, by their first files.
pub(super) fn cycles(arrows: &Arrows) -> Vec<Cycle> {
    let mut next: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for (from, to) in arrows.keys() {
        next.entry(from).or_default().push(to);
    }
    let mut search = Search {
        next: &next,
        seen: BTreeMap::new(),
        open: Vec::new(),
        found: Vec::new(),
    };
    for file in next.keys() {
        if !search.seen.contains_key(file) {
            search.visit(file);
        }
    }
    let mut cycles: Vec<_> = search.found.into_iter().map(|files| Cycle {
        arrows: arrows
            .iter()
            .filter(|((from, to), _)| files.contains(from) && files.contains(to))
            .map(|(arrow, names)| (arrow.clone(), names.clone()))
            .collect(),
        files,
    }).collect();
    cycles.sort_by(|one, other| one.files.cmp(&other.files));
    cycles
}

/// Tarjan's search.
struct Search<'a> {
    next: &'a BTreeMap<&'a Path, Vec<&'a Path>>,
    /// The earliest file that can be reached from a file, by the order of their visits; a file
    /// whose component is complete has none.
    seen: BTreeMap<&'a Path, Option<usize>>,
    /// Files in the order of their visits, less those of complete components.
    open: Vec<&'a Path>,
    found: Vec<BTreeSet<PathBuf>>,
}

impl<'a> Search<'a> {
    /// Visits a file and all that it reaches; the earliest open file that it reaches.
    fn visit(&mut self, file: &'a Path) -> usize {
        let place = self.open.len();
        let mut earliest = place;
        self.seen.insert(file, Some(place));
        self.open.push(file);
        for to in self.next.get(file).into_iter().flatten() {
            match self.seen.get(to) {
                None => earliest = earliest.min(self.visit(to)),
                Some(Some(place)) => earliest = earliest.min(*place),
                Some(None) => {}
            }
        }
        if earliest == place {
            let component = self.open.split_off(place);
            for file in &component {
                self.seen.insert(file, None);
            }
            if component.len() > 1 {
                let component = component.into_iter().map(Path::to_owned);
                self.found.push(component.collect());
            }
        }
        earliest
    }
}
