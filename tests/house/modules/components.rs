//! Cycles: the strongly connected components of files, and of modules with all modules below them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::tree::{Id, Tree};

/// From a file to a file, with the names that the first uses of the second.
pub(super) type Arrows = BTreeMap<(PathBuf, PathBuf), BTreeSet<String>>;

/// Files or modules that use each other, and every arrow between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub(crate) level: Level,
    /// The files; of subtrees, the files of their topmost modules.
    pub(crate) files: BTreeSet<PathBuf>,
    arrows: Arrows,
}

/// The kind of a cycle's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Single files.
    Files,
    /// Children of one module, each with all modules below it.
    Subtrees,
}

impl Cycle {
    fn new(level: Level, members: &BTreeSet<&Path>, arrows: Arrows) -> Self {
        Self {
            level,
            files: members.iter().map(|file| (*file).to_owned()).collect(),
            arrows,
        }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::Files => writeln!(f, "a cycle of {} files:", self.files.len())?,
            Level::Subtrees => {
                let files: Vec<_> = self
                    .files
                    .iter()
                    .map(|file| file.to_string_lossy())
                    .collect();
                let files = files.join(", ");
                writeln!(f, "a cycle of modules, each with all below it: {files}:")?;
            }
        }
        for ((from, to), names) in &self.arrows {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let names = names.join(", ");
            writeln!(f, "  {} -> {} ({names})", from.display(), to.display())?;
        }
        Ok(())
    }
}

/// The cycles among `arrows`, which are those of `tree`.
pub(super) fn cycles(tree: &Tree, arrows: &Arrows) -> Vec<Cycle> {
    let above = ancestors(tree);
    let mut siblings: BTreeMap<&Path, Vec<(&Path, &Path)>> = BTreeMap::new();
    for (from, to) in arrows.keys() {
        if let Some((parent, pair)) = branches(&above[&**from], &above[&**to]) {
            siblings.entry(parent).or_default().push(pair);
        }
    }
    let mut cycles = Vec::new();
    for (parent, pairs) in siblings {
        for members in strong_components(pairs.into_iter()) {
            let inside = |from: &Path, to: &Path| {
                let branches = branches(&above[from], &above[to]);
                branches.is_some_and(|(above, (from, to))| {
                    above == parent && members.contains(from) && members.contains(to)
                })
            };
            cycles.push(Cycle::new(Level::Subtrees, &members, among(arrows, inside)));
        }
    }
    let files = arrows.keys().map(|(from, to)| (&**from, &**to));
    for members in strong_components(files) {
        let inside = |from: &Path, to: &Path| members.contains(from) && members.contains(to);
        let cycle = Cycle::new(Level::Files, &members, among(arrows, inside));
        // Cycles of sibling files are already found as files.
        let is_known = |known: &Cycle| {
            let mut own = cycle.arrows.keys();
            own.all(|arrow| known.arrows.contains_key(arrow))
        };
        if !cycles.iter().any(is_known) {
            cycles.push(cycle);
        }
    }
    cycles
}

fn among(arrows: &Arrows, inside: impl Fn(&Path, &Path) -> bool) -> Arrows {
    let inside = arrows.iter().filter(|((from, to), _)| inside(from, to));
    inside
        .map(|(arrow, names)| (arrow.clone(), names.clone()))
        .collect()
}

/// Each file, with the files of its ancestors before it, from the root.
fn ancestors(tree: &Tree) -> BTreeMap<&Path, Vec<&Path>> {
    let chain = |mut module: Id| {
        let mut chain = vec![&*tree.modules[module].file];
        while let Some(parent) = tree.modules[module].parent {
            let file = &*tree.modules[parent].file;
            if chain.last() != Some(&file) {
                chain.push(file);
            }
            module = parent;
        }
        chain.reverse();
        chain
    };
    let modules = tree.modules.iter().enumerate();
    modules
        .map(|(id, module)| (&*module.file, chain(id)))
        .collect()
}

/// The deepest common ancestor of two files, and its children that lead to them; `None` if one
/// of the files is that ancestor.
fn branches<'a>(from: &[&'a Path], to: &[&'a Path]) -> Option<(&'a Path, (&'a Path, &'a Path))> {
    let common = from
        .iter()
        .zip(to)
        .take_while(|(from, to)| from == to)
        .count();
    let parent = from[..common].last()?;
    Some((parent, (from.get(common)?, to.get(common)?)))
}

/// The strongly connected components of more than one member.
fn strong_components<'a>(
    arrows: impl Iterator<Item = (&'a Path, &'a Path)>,
) -> Vec<BTreeSet<&'a Path>> {
    let mut next: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for (from, to) in arrows {
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
    let mut found = search.found;
    found.sort();
    found
}

/// Tarjan's search.
struct Search<'s, 'a> {
    next: &'s BTreeMap<&'a Path, Vec<&'a Path>>,
    /// The earliest file that can be reached from a file, by the order of their visits; a file
    /// whose component is complete has none.
    seen: BTreeMap<&'a Path, Option<usize>>,
    /// Files in the order of their visits, less those of complete components.
    open: Vec<&'a Path>,
    found: Vec<BTreeSet<&'a Path>>,
}

impl<'a> Search<'_, 'a> {
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
                self.found.push(component.into_iter().collect());
            }
        }
        earliest
    }
}
