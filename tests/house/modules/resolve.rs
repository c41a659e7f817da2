//! Resolves a path to the module that defines its name.

use super::tree::{Id, Import, ROOT, Tree};

/// The most imports of imports that are followed, since imports may be circular.
const MOST_IMPORTS: usize = 12;

/// The target of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A name that a module of this crate defines.
    Item { module: Id, name: String },
    /// A module of this crate.
    Module(Id),
    /// A name of another crate that a module of this crate imports.
    External { module: Id, name: String },
}

/// The target of `path` inside `module`; `None` for a path into another crate, or a name that is
/// neither defined nor imported.
pub(super) fn path(tree: &Tree, module: Id, path: &[String]) -> Option<Place> {
    Resolver { tree, imports: 0 }.path(module, path)
}

#[derive(Clone, Copy)]
struct Resolver<'a> {
    tree: &'a Tree,
    imports: usize,
}

impl Resolver<'_> {
    fn path(self, module: Id, path: &[String]) -> Option<Place> {
        let (mut current, names) = self.begin(module, path)?;
        let relative = names.len() == path.len();
        for (index, name) in names.iter().enumerate() {
            let last = index + 1 == names.len();
            let as_module = self.module(current, name);
            // A function may have the name of a module: the last part then names the function.
            let as_item = || self.item(current, name);
            let place = if last {
                as_item().or(as_module.map(Place::Module))
            } else if let Some(next) = as_module {
                current = next;
                continue;
            } else {
                as_item()
            };
            return place.or_else(|| {
                // A macro of the module makes the name.
                (!relative || index > 0).then(|| Place::Item {
                    module: current,
                    name: name.clone(),
                })
            });
        }
        Some(Place::Module(current))
    }

    /// The module in which a path begins, and the remaining names.
    fn begin(self, module: Id, path: &[String]) -> Option<(Id, &[String])> {
        let mut current = module;
        let mut rest = path;
        match rest.split_first() {
            Some((first, names)) if first == "crate" => return Some((ROOT, names)),
            Some((first, names)) if first == "self" => rest = names,
            _ => {}
        }
        while let Some((first, names)) = rest.split_first()
            && first == "super"
        {
            current = self.tree.modules[current].parent?;
            rest = names;
        }
        Some((current, rest))
    }

    /// The module that `name` stands for inside `module`.
    fn module(self, module: Id, name: &str) -> Option<Id> {
        let here = &self.tree.modules[module];
        if let Some(child) = here.children.get(name) {
            return Some(*child);
        }
        let next = self.further()?;
        let named = here.imports.iter().filter(|import| import.name == name);
        let named = named.filter_map(|import| next.module_at(module, &import.path));
        let globs = here.imports.iter().filter(|import| import.is_glob());
        let globs = globs.filter_map(|glob| next.glob(module, glob));
        named
            .chain(globs.filter_map(|target| next.module(target, name)))
            .next()
    }

    /// The module at a path, every part of which is a module.
    fn module_at(self, module: Id, path: &[String]) -> Option<Id> {
        let (current, names) = self.begin(module, path)?;
        let mut names = names.iter();
        names.try_fold(current, |current, name| self.module(current, name))
    }

    /// The definition of `name`, which `module` defines or imports.
    fn item(self, module: Id, name: &str) -> Option<Place> {
        let here = &self.tree.modules[module];
        let found = |module| Place::Item {
            module,
            name: name.to_owned(),
        };
        if here.names.contains(name) {
            return Some(found(module));
        }
        let next = self.further()?;
        for import in here.imports.iter().filter(|import| import.name == name) {
            match next.path(module, &import.path) {
                // A module is not an item.
                Some(Place::Module(_)) => {}
                Some(place) => return Some(place),
                None => {
                    return Some(Place::External {
                        module,
                        name: name.to_owned(),
                    });
                }
            }
        }
        let globs = here.imports.iter().filter(|import| import.is_glob());
        let mut globs = globs.filter_map(|glob| next.glob(module, glob));
        globs.find_map(|target| next.item(target, name))
    }

    /// The module whose names a glob imports.
    fn glob(self, module: Id, import: &Import) -> Option<Id> {
        // A module that imports its own names through another would recurse without end.
        self.module_at(module, &import.path)
            .filter(|target| *target != module)
    }

    fn further(self) -> Option<Self> {
        (self.imports < MOST_IMPORTS).then_some(Self {
            imports: self.imports + 1,
            ..self
        })
    }
}
