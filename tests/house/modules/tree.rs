//! The modules of a crate: what each defines, declares and imports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, Token, UseTree, Visibility};

/// The text of each file, by its path.
pub(crate) type Sources = BTreeMap<PathBuf, String>;

/// The index of a module in [`Tree::modules`].
pub(super) type Id = usize;

/// The crate's root.
pub(super) const ROOT: Id = 0;

/// All modules of a crate that are compiled outside its tests.
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
    /// Every `macro_rules!`, by name: those have no path unless they are exported or imported.
    pub(super) macros: BTreeMap<String, Id>,
}

/// One module, in a file of its own or inline.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) parent: Option<Id>,
    pub(super) file: PathBuf,
    pub(super) children: BTreeMap<String, Id>,
    pub(super) names: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    pub(super) items: Vec<Item>,
}

/// One name that a `use` brings into scope.
#[derive(Clone)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// `*` for all names of the module at the path.
    pub(super) name: String,
    pub(super) reexport: bool,
}

/// The error for sources that are not a crate.
#[derive(Debug)]
pub(crate) enum Invalid {
    Syntax { file: PathBuf, error: syn::Error },
    NoFile { file: PathBuf, module: String },
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { file, error } => write!(f, "{} does not parse: {error}", file.display()),
            Self::NoFile { file, module } => write!(
                f,
                "{} declares the module {module}, which has no file",
                file.display()
            ),
        }
    }
}

impl std::error::Error for Invalid {}

impl Tree {
    /// Reads the crate whose root is the file `root`.
    pub(super) fn of(sources: &Sources, root: &Path) -> Result<Self, Invalid> {
        let mut reader = Reader {
            sources,
            tree: Self {
                modules: Vec::new(),
                macros: BTreeMap::new(),
            },
        };
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        reader.file(root, "crate".into(), None, &folder)?;
        Ok(reader.tree)
    }

    /// Whether the file of `upper` holds an ancestor of `lower`, in another file.
    pub(super) fn is_above(&self, upper: Id, lower: Id) -> bool {
        let file = &self.modules[upper].file;
        if *file == self.modules[lower].file {
            return false;
        }
        let mut next = self.modules[lower].parent;
        while let Some(id) = next {
            if self.modules[id].file == *file {
                return true;
            }
            next = self.modules[id].parent;
        }
        false
    }
}

impl Import {
    pub(super) fn is_glob(&self) -> bool {
        self.name == "*"
    }
}

/// The names of a `use`, one by one.
pub(super) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut found = Vec::new();
    if item.leading_colon.is_none() {
        let reexport = !matches!(item.vis, Visibility::Inherited);
        flatten(&item.tree, &mut Vec::new(), reexport, &mut found);
    }
    found
}

/// Whether these attributes leave the item out of every build but the tests'.
pub(super) fn tests_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().is_ident("test") {
            return true;
        }
        if !attribute.path().is_ident("cfg") {
            return false;
        }
        let predicate = attribute.parse_args::<Meta>();
        predicate.is_ok_and(|predicate| without_tests(&predicate) == Some(false))
    })
}

/// The attributes of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Builds a tree file by file.
struct Reader<'a> {
    sources: &'a Sources,
    tree: Tree,
}

impl Reader<'_> {
    /// Adds the module in `path`; its own modules have their files in `folder`.
    fn file(
        &mut self,
        path: &Path,
        name: String,
        parent: Option<Id>,
        folder: &Path,
    ) -> Result<(), Invalid> {
        let text = self.sources.get(path).ok_or_else(|| Invalid::NoFile {
            file: path.to_owned(),
            module: name.clone(),
        })?;
        let parsed = syn::parse_file(text).map_err(|error| Invalid::Syntax {
            file: path.to_owned(),
            error,
        })?;
        if tests_only(&parsed.attrs) {
            return Ok(());
        }
        let id = self.add(name, parent, path);
        self.items(id, parsed.items, folder)
    }

    fn add(&mut self, name: String, parent: Option<Id>, file: &Path) -> Id {
        let id = self.tree.modules.len();
        if let Some(parent) = parent {
            let children = &mut self.tree.modules[parent].children;
            children.insert(name.clone(), id);
        }
        self.tree.modules.push(Module {
            name,
            parent,
            file: file.to_owned(),
            children: BTreeMap::new(),
            names: BTreeSet::new(),
            imports: Vec::new(),
            items: Vec::new(),
        });
        id
    }

    fn items(&mut self, id: Id, items: Vec<Item>, folder: &Path) -> Result<(), Invalid> {
        for item in items {
            if tests_only(attributes(&item)) {
                continue;
            }
            if let Item::Mod(module) = item {
                self.module(id, module, folder)?;
                continue;
            }
            let mut local = LocalImports::default();
            local.visit_item(&item);
            let names = defined(&item);
            if matches!(item, Item::Macro(_)) {
                let macros = names.iter().map(|name| (name.clone(), id));
                self.tree.macros.extend(macros);
            }
            let module = &mut self.tree.modules[id];
            module.names.extend(names);
            module.imports.extend(local.0);
            module.items.push(item);
        }
        Ok(())
    }

    /// Adds a child of `parent`, which has the files of its children in `folder`.
    fn module(&mut self, parent: Id, module: ItemMod, folder: &Path) -> Result<(), Invalid> {
        let name = module.ident.unraw().to_string();
        let inner = folder.join(&name);
        if let Some((_, items)) = module.content {
            let file = self.tree.modules[parent].file.clone();
            let id = self.add(name, Some(parent), &file);
            return self.items(id, items, &inner);
        }
        let file = self.tree.modules[parent].file.clone();
        if let Some(given) = given_path(&module.attrs) {
            let beside = file.parent().unwrap_or(Path::new(""));
            let inline = self.tree.modules[parent].parent.is_some_and(|above| {
                self.tree.modules[above].file == self.tree.modules[parent].file
            });
            let path = normal(&if inline { folder } else { beside }.join(given));
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            return self.file(&path, name, Some(parent), &folder);
        }
        let candidates = [folder.join(format!("{name}.rs")), inner.join("mod.rs")];
        let found = candidates
            .iter()
            .find(|path| self.sources.contains_key(*path));
        let Some(path) = found else {
            return Err(Invalid::NoFile { file, module: name });
        };
        self.file(path, name, Some(parent), &inner)
    }
}

/// The imports of an item, those inside functions among them.
#[derive(Default)]
struct LocalImports(Vec<Import>);

impl<'ast> Visit<'ast> for LocalImports {
    fn visit_item(&mut self, item: &'ast Item) {
        if !tests_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.0.extend(imports(item));
    }
}

fn flatten(tree: &UseTree, path: &mut Vec<String>, reexport: bool, found: &mut Vec<Import>) {
    let import = |path: &[String], name: String| Import {
        path: path.to_vec(),
        name,
        reexport,
    };
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.unraw().to_string());
            flatten(&part.tree, path, reexport, found);
            path.pop();
        }
        UseTree::Name(part) if part.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            found.push(import(path, name));
        }
        UseTree::Rename(part) if part.ident == "self" => {
            found.push(import(path, part.rename.unraw().to_string()));
        }
        UseTree::Name(part) => {
            let name = part.ident.unraw().to_string();
            let path = [&path[..], std::slice::from_ref(&name)].concat();
            found.push(import(&path, name));
        }
        UseTree::Rename(part) => {
            let name = part.ident.unraw().to_string();
            let path = [&path[..], &[name]].concat();
            found.push(import(&path, part.rename.unraw().to_string()));
        }
        UseTree::Glob(_) => found.push(import(path, "*".into())),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, path, reexport, found);
            }
        }
    }
}

/// The names that an item brings into its module, other than by importing them.
fn defined(item: &Item) -> Vec<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => match &item.ident {
            Some(ident) => ident,
            None => return Vec::new(),
        },
        Item::ForeignMod(item) => {
            let functions = item.items.iter().filter_map(|item| match item {
                syn::ForeignItem::Fn(function) => Some(function.sig.ident.unraw().to_string()),
                _ => None,
            });
            return functions.collect();
        }
        _ => return Vec::new(),
    };
    vec![ident.unraw().to_string()]
}

/// The value of a `cfg` predicate in a build that is not for tests; `None` if that depends on
/// something else.
fn without_tests(predicate: &Meta) -> Option<bool> {
    let Meta::List(list) = predicate else {
        return predicate.path().is_ident("test").then_some(false);
    };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let parts: Vec<_> = parts.ok()?.iter().map(without_tests).collect();
    if list.path.is_ident("not") {
        return parts.first().copied().flatten().map(|value| !value);
    }
    // The value that decides `all` or `any` by itself.
    let decisive = list.path.is_ident("any");
    if parts.contains(&Some(decisive)) {
        return Some(decisive);
    }
    parts
        .iter()
        .all(|part| *part == Some(!decisive))
        .then_some(!decisive)
}

/// The value of `#[path = "…"]`.
fn given_path(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let syn::Expr::Lit(value) = &pair.value else {
            return None;
        };
        match &value.lit {
            syn::Lit::Str(text) if pair.path.is_ident("path") => Some(text.value()),
            _ => None,
        }
    })
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}
