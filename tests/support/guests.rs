//! Invalid and misbehaving components, built from `guests/pack.wat` and the contract in `wit/` when a
//! test needs them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::policy::{Grant, Manifest, Policy, SECTION};

use super::root;

/// The address of the catalogue in the memory of `pack.wat`.
const CATALOGUE: usize = 0x100;

/// A pack whose functions have these WebAssembly instructions; the others trap.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    /// WebAssembly text that leaves an `i32` on the stack.
    pub(crate) node_types: &'static str,
    pub(crate) check: &'static str,
    pub(crate) start: &'static str,
}

/// Lists one node type, `image_to_video_v3`, which accepts any input; every other function traps.
pub(crate) const LISTS_ONLY: Guest = Guest {
    node_types: "(i32.const 0x100)",
    check: "unreachable",
    start: "unreachable",
};

/// Answers of `check` and `start`: a plan, and an acceptance without any request.
pub(crate) const PLANS: &str = "(i32.const 0x800)";
pub(crate) const ACCEPTS: &str = "(i32.const 0x880)";

/// Never ends.
pub(crate) const LOOPS: &str = "(loop $forever (br $forever)) unreachable";

/// Allocates memory until the host refuses, then traps.
pub(crate) const EATS: &str =
    "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable";

/// Allocates memory until the host refuses, then never ends.
pub(crate) const EATS_AND_LOOPS: &str = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) (loop $forever (br $forever)) unreachable";

/// Returns an invalid pointer as its result.
pub(crate) const ANSWERS_NONSENSE: &str = "(i32.const 0x7ffffff0)";

/// Recurses without end: the function's own index is that of the export.
pub(crate) const RECURSES: &str =
    "(call $zoetrope-recursion) unreachable) (func $zoetrope-recursion (call $zoetrope-recursion)";

impl Guest {
    /// The component.
    pub(crate) fn component(self) -> Vec<u8> {
        self.speaking("0.2.0")
    }

    /// The component, of another version of the contract.
    pub(crate) fn speaking(self, version: &str) -> Vec<u8> {
        asking(self.nameless(version), MANIFEST)
    }

    /// The component without a manifest.
    pub(crate) fn nameless(self, version: &str) -> Vec<u8> {
        let text = fs::read_to_string(root().join("tests/guests/pack.wat")).expect("pack.wat");
        let text = text
            .replace("{version}", version)
            .replace("{catalogue}", &escaped(&catalogue()))
            .replace("{plan}", &escaped(&plan()))
            .replace("{acceptance}", &escaped(&acceptance()))
            .replace("{node-types}", self.node_types)
            .replace("{check}", self.check)
            .replace("{start}", self.start);
        let mut wit = Resolve::default();
        let folder = contract(version);
        let (package, _) = wit.push_dir(folder.path()).expect("the contract");
        let world = wit
            .select_world(&[package], Some("node-pack"))
            .expect("the world");
        encoded(&text, &wit, world)
    }
}

/// The manifest of these components: one connection, and any method in every call.
pub(crate) const MANIFEST: &str = r#"{
    "format": 1, "name": "guest", "version": "1", "connections": ["pixelml"], "unsafe_reads": true
}"#;

/// The component with this manifest.
pub(crate) fn asking(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    fn length(mut rest: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(rest & 0x7f).expect("seven bits");
            rest >>= 7;
            bytes.push(if rest == 0 { low } else { low | 0x80 });
            if rest == 0 {
                return bytes;
            }
        }
    }
    let section = [
        &length(SECTION.len()),
        SECTION.as_bytes(),
        manifest.as_bytes(),
    ]
    .concat();
    component.push(0);
    component.extend(length(section.len()));
    component.extend(section);
    component
}

/// The lines of a configuration that grant a component everything in its manifest, over the
/// connection of scripted providers.
pub(crate) fn allowing(component: &[u8]) -> String {
    let grant = grant(component);
    let digest = digest_of(component);
    let credentials = grant.credentials.iter().map(|(category, place)| {
        let (header, prefix) = (place.header(), place.prefix());
        format!("\"{category}\" = {{ header = \"{header}\", prefix = \"{prefix}\" }}")
    });
    let keys = grant
        .idempotency
        .iter()
        .map(|(category, place)| format!("\"{category}\" = \"{place}\""));
    format!(
        "\n[packs.{digest}]\nname = \"{}\"\nconnections = [\"scripted\"]\nhosts = {}\n\
         uploads = {}\ncancels = {}\ncredentials = {{ {} }}\nidempotency = {{ {} }}\n\
         refusals_in_2xx = {}\nunsafe_reads = {}\n{}\n",
        grant.name,
        array(&grant.hosts),
        array(&grant.uploads),
        array(&grant.cancels),
        credentials.collect::<Vec<_>>().join(", "),
        keys.collect::<Vec<_>>().join(", "),
        grant.refusals_in_2xx,
        grant.unsafe_reads,
        grant.limits.line()
    )
}

/// An array of TOML of texts that need no escaping.
fn array<T: std::fmt::Display>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", items.join(", "))
}

/// The same as a [`Policy`].
pub(crate) fn policy(component: &[u8]) -> Policy {
    Policy::default().with(digest_of(component), grant(component))
}

pub(crate) fn grant(component: &[u8]) -> Grant {
    Grant::as_asked(&Manifest::of(component).unwrap_or_default())
}

pub(crate) fn digest_of(component: &[u8]) -> Sha256Digest {
    use sha2::Digest as _;
    sha2::Sha256::digest(component).into()
}

/// A component from the text of a core module and of a WIT world.
pub(crate) fn component(wat: &str, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("world.wit", wit)
        .expect("the world's text");
    let world = resolve.select_world(&[package], None).expect("one world");
    encoded(wat, &resolve, world)
}

fn encoded(wat: &str, wit: &Resolve, world: wit_parser::WorldId) -> Vec<u8> {
    let mut module = wat::parse_str(wat).expect("a core module");
    wit_component::embed_component_metadata(&mut module, wit, world, StringEncoding::UTF8)
        .expect("a world");
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .module(&module)
        .expect("a module of that world");
    encoder.encode().expect("a component")
}

/// The contract's folder, with another version.
fn contract(version: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path, version: &str) {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("a folder").flatten() {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to, version);
            } else if to.extension().is_some_and(|extension| extension == "wit") {
                let text = fs::read_to_string(entry.path()).expect("a text");
                let own = "package zoetrope:workflow-node@";
                let since = "@since(version = 0.1.0)";
                let since_next = "@since(version = 0.2.0)";
                let text = if text.contains(own) {
                    text.replace(&format!("{own}0.2.0"), &format!("{own}{version}"))
                        .replace(since, &format!("@since(version = {version})"))
                        .replace(since_next, &format!("@since(version = {version})"))
                } else {
                    text
                };
                fs::write(to, text).expect("a file");
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("wit"), folder.path(), version);
    folder
}

/// The list of one node type in the canonical ABI, at the address [`CATALOGUE`].
fn catalogue() -> Vec<u8> {
    /// The 32-bit words of a record, and the texts after it.
    struct Writer {
        words: Vec<u32>,
        texts: Vec<u8>,
    }
    // Pointer and length of the list; then 34 words of the record.
    let record = CATALOGUE + 8;
    let behind = record + 34 * 4;
    let mut writer = Writer {
        words: Vec::new(),
        texts: Vec::new(),
    };
    let text = |writer: &mut Writer, text: &str| {
        let at = u32::try_from(behind + writer.texts.len()).expect("a short catalogue");
        writer
            .words
            .extend([at, u32::try_from(text.len()).expect("a short text")]);
        writer.texts.extend_from_slice(text.as_bytes());
    };
    for field in ["image_to_video_v3", "0.0.1", "A guest", "Made for tests."] {
        text(&mut writer, field);
    }
    // `some(connection)`: category, title, description, required, options, header, prefix.
    writer.words.push(1);
    for field in ["pixelml", "A connection", "For tests."] {
        text(&mut writer, field);
    }
    writer.words.push(1);
    for field in ["{}", "authorization", "Bearer "] {
        text(&mut writer, field);
    }
    // Input schema, rules, output schema; no media fields; extensions.
    for field in ["{}", "{}", "{}"] {
        text(&mut writer, field);
    }
    writer.words.extend([4, 0, 4, 0]);
    text(&mut writer, "{}");
    assert_eq!(writer.words.len(), 34, "the record of a node type");

    let list = [u32::try_from(record).expect("a small address"), 1];
    let words = list.into_iter().chain(writer.words);
    words
        .flat_map(u32::to_le_bytes)
        .chain(writer.texts)
        .collect()
}

/// `ok(plan)` with the input `{}` at 0x900, without notes, request or estimate.
fn plan() -> Vec<u8> {
    let mut words = [0; 20];
    // The discriminant takes eight bytes; the input follows, then the notes.
    words[2..6].copy_from_slice(&[0x900, 2, 4, 0]);
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// `ok(accepted(…))` with the ticket `{}` and the id `{}` at 0x900, without a hint or a cost.
fn acceptance() -> Vec<u8> {
    let mut words = [0; 16];
    words[4..8].copy_from_slice(&[0x900, 2, 0x900, 2]);
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Bytes as a string of WebAssembly text.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}
