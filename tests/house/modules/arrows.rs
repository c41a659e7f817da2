//! The dependencies between the files of a crate, from its paths.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprCall, ImplItem, Item, ItemUse, Macro, Meta, TraitItem, Visibility};

use super::components::Arrows;
use super::resolve::{self, Place};
use super::tree::{self, Id, Import, Tree};

/// All dependencies between the files of a crate.
pub(super) fn of(tree: &Tree) -> Arrows {
    let mut collector = Collector {
        tree,
        module: tree::ROOT,
        arrows: Arrows::new(),
        followed: BTreeSet::new(),
        imported: Vec::new(),
    };
    for (id, module) in tree.modules.iter().enumerate() {
        collector.module = id;
        for item in &module.items {
            collector.visit_item(item);
        }
    }
    collector.unfollowed();
    collector.arrows
}

/// Collects the dependencies module by module.
struct Collector<'a> {
    tree: &'a Tree,
    module: Id,
    arrows: Arrows,
    /// Imported names, each in its module, that begin a path: the path shows the used item.
    followed: BTreeSet<(Id, String)>,
    /// Imported modules: the importing module, the name, the imported module.
    imported: Vec<(Id, String, Id)>,
}

impl Collector<'_> {
    fn import(&mut self, import: &Import) {
        let place = self.resolved(&import.path);
        let Some(place) = place else { return };
        match place {
            Place::Module(target) if import.is_glob() => {
                let above = self.tree.is_above(target, self.module);
                let reexported = import.reexport && self.tree.is_above(self.module, target);
                if !above && !reexported {
                    self.arrow(self.module, target, "*");
                }
            }
            Place::Module(target) => {
                let import = (self.module, import.name.clone(), target);
                self.imported.push(import);
            }
            Place::Item { module, .. } | Place::External { module, .. }
                if import.reexport && self.tree.is_above(self.module, module) => {}
            place => self.place(&place),
        }
    }

    /// A path outside an import.
    fn path(&mut self, path: &[String]) {
        match self.resolved(path) {
            // A module alone is neither a value nor a type.
            None | Some(Place::Module(_)) => {}
            Some(place) => self.place(&place),
        }
    }

    fn resolved(&mut self, path: &[String]) -> Option<Place> {
        if let [first, _, ..] = path {
            self.followed.insert((self.module, first.clone()));
        }
        resolve::path(self.tree, self.module, path)
    }

    fn place(&mut self, place: &Place) {
        match place {
            // An ancestor that only imports the name does not define it.
            Place::External { module, .. } if self.tree.is_above(*module, self.module) => {}
            Place::Item { module, name } | Place::External { module, name } => {
                self.arrow(self.module, *module, name);
            }
            Place::Module(_) => {}
        }
    }

    /// Imported modules that begin no path. Each counts as a use of the whole module.
    fn unfollowed(&mut self) {
        for (module, name, target) in std::mem::take(&mut self.imported) {
            let kin = self.tree.is_above(module, target) || self.tree.is_above(target, module);
            if !kin && !self.followed.contains(&(module, name)) {
                let name = &self.tree.modules[target].name;
                self.arrow(module, target, name);
            }
        }
    }

    fn arrow(&mut self, from: Id, to: Id, name: &str) {
        let (from, to) = (&self.tree.modules[from].file, &self.tree.modules[to].file);
        if from != to {
            let names = self.arrows.entry((from.clone(), to.clone())).or_default();
            names.insert(name.to_owned());
        }
    }

    /// The recognizable paths in the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut index = 0;
        while index < tokens.len() {
            match &tokens[index] {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(_) if !continues(&tokens[..index]) => {
                    let path = path_at(&tokens[index..]);
                    // Each `::` is two tokens.
                    index += 3 * (path.len() - 1);
                    if path.len() > 1 || is_capital(&path[0]) {
                        self.path(&path);
                    }
                }
                TokenTree::Literal(literal) => self.quoted(&literal.to_string()),
                _ => {}
            }
            index += 1;
        }
    }

    /// A string that is a path, as serde's attributes have them.
    fn quoted(&mut self, literal: &str) {
        let Ok(text) = syn::parse_str::<syn::LitStr>(literal) else {
            return;
        };
        if let Ok(path) = text.parse::<syn::Path>()
            && path.segments.len() > 1
        {
            self.path(&names(&path));
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !tree::tests_only(tree::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs[..],
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !tree::tests_only(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs[..],
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !tree::tests_only(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !tree::tests_only(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !tree::tests_only(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_expr_block(&mut self, block: &'ast syn::ExprBlock) {
        if !tree::tests_only(&block.attrs) {
            visit::visit_expr_block(self, block);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for import in tree::imports(item) {
            self.import(&import);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = names(path);
        // A single lower-case name is usually a variable.
        if path.leading_colon.is_none() && (names.len() > 1 || is_capital(&names[0])) {
            self.path(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = &*call.func
            && function.path.leading_colon.is_none()
        {
            self.path(&names(&function.path));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let names = names(&call.path);
        self.path(&names);
        if let [name] = &names[..]
            && resolve::path(self.tree, self.module, &names).is_none()
            && let Some(defines) = self.tree.macros.get(name)
        {
            self.arrow(self.module, *defines, name);
        }
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => self.tokens(list.tokens.clone()),
            Meta::NameValue(_) | Meta::Path(_) => {}
        }
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn names(path: &syn::Path) -> Vec<String> {
    let segments = path.segments.iter();
    segments
        .map(|segment| segment.ident.unraw().to_string())
        .collect()
}

fn is_capital(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// Whether what follows these tokens belongs to a path or a value before it.
fn continues(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Punct(first), TokenTree::Punct(second)] => {
            second.as_char() == '\''
                || (second.as_char() == '.' && first.as_char() != '.')
                || (first.as_char() == ':' && second.as_char() == ':')
        }
        [.., TokenTree::Punct(point)] => matches!(point.as_char(), '.' | '\''),
        _ => false,
    }
}

/// The path that these tokens begin with; one name at least if the first is an identifier.
fn path_at(tokens: &[TokenTree]) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(name), after @ ..] = rest {
        path.push(name.unraw().to_string());
        match after {
            [TokenTree::Punct(first), TokenTree::Punct(second), next @ ..]
                if first.as_char() == ':' && second.as_char() == ':' =>
            {
                rest = next;
            }
            _ => break,
        }
    }
    path
}
