//! A component's code by crate, read from the names of its functions.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde_json::{Value, json};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};
use zoetrope_benches::Failure;

/// The functions of the contract, with code that was inlined into them.
const EXPORTS: &str = "exports of the contract";

/// Code of the C library, the linker and the toolchain's own modules.
const NO_CRATE: &str = "no crate";

/// The number of rows; smaller crates share one.
const ROWS: usize = 12;

/// Bytes of code by crate.
pub(crate) struct Crates(BTreeMap<String, i64>);

/// The parts of a module that are read.
#[derive(Default)]
struct Module {
    imported: u32,
    bodies: Vec<i64>,
    names: HashMap<u32, String>,
}

impl Crates {
    /// Reads a component that has the names of its functions. A generic function counts for the
    /// crate that defines it, a method for the crate of its type.
    pub(crate) fn of(component: &[u8]) -> Result<Self, Failure> {
        let mut crates = Self(BTreeMap::new());
        let mut module = Module::default();
        let (mut at, mut named) = (0, false);
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        module.imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::CodeSectionStart { range, .. } => at = range.start,
                Payload::CodeSectionEntry(body) => {
                    // Includes its length field.
                    let end = body.range().end;
                    module.bodies.push(i64::try_from(end - at)?);
                    at = end;
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(parts) = section.as_known() {
                        for part in parts {
                            module.read(part?)?;
                        }
                        named = true;
                    }
                }
                Payload::End(_) => crates.add(std::mem::take(&mut module)),
                _ => {}
            }
        }
        named
            .then_some(crates)
            .ok_or_else(|| "the component has no names".into())
    }

    fn add(&mut self, module: Module) {
        for (index, bytes) in (module.imported..).zip(module.bodies) {
            let name = module.names.get(&index).and_then(|name| origin(name));
            *self.0.entry(name.unwrap_or(NO_CRATE.into())).or_default() += bytes;
        }
    }

    /// The sum over all crates.
    pub(crate) fn sum(&self) -> i64 {
        self.0.values().sum()
    }

    /// The crates by size, largest first.
    fn rows(&self) -> Vec<(&str, i64)> {
        let mut rows: Vec<_> = self
            .0
            .iter()
            .map(|(name, bytes)| (name.as_str(), *bytes))
            .collect();
        rows.sort_by_key(|(_, bytes)| -bytes);
        rows
    }

    pub(crate) fn to_json(&self) -> Value {
        let row = |(name, bytes): &(&str, i64)| json!({"crate": name, "code": bytes});
        self.rows().iter().map(row).collect()
    }

    /// Rows for the largest crates and for the rest of a component of `total` bytes, of which
    /// `data` are data.
    pub(crate) fn table(&self, total: i64, data: i64) -> String {
        let mut text = String::from("bytes of the component by crate\n");
        let mut row = |name: &str, bytes: i64| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<42}{bytes:>10}");
        };
        let rows = self.rows();
        let (large, small) = rows.split_at(ROWS.min(rows.len()));
        for (name, bytes) in large {
            row(name, *bytes);
        }
        let name = format!("{} smaller crates", small.len());
        row(&name, small.iter().map(|(_, bytes)| bytes).sum());
        row("data", data);
        row("other", total - self.sum() - data);
        row("all", total);
        text
    }
}

impl Module {
    fn read(&mut self, part: Name<'_>) -> Result<(), Failure> {
        if let Name::Function(names) = part {
            for naming in names {
                let naming = naming?;
                self.names.insert(naming.index, naming.name.to_owned());
            }
        }
        Ok(())
    }
}

/// The first crate in a function's path: `alloc` in `<T as alloc::a::B>::c`, `core` in
/// `core::a::<alloc::b::C>`.
fn origin(mangled: &str) -> Option<String> {
    // Exports have no crate path: `zoetrope:workflow-node/jobs@0.2.0#check`.
    if mangled.contains('#') {
        return Some(EXPORTS.into());
    }
    let path = format!("{:#}", rustc_demangle::demangle(mangled));
    let (first, _) = path.split_once("::")?;
    let is_other = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let name = first.rsplit(is_other).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}
