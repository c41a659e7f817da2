//! The component in `guests/hostile`, which is controlled by its input. It is built when a test first
//! needs it.

use std::sync::OnceLock;

use serde_json::Value;

use super::guests::{MANIFEST, allowing, asking};
use super::outcome::Outcome;
use super::packages::built;
use super::provider::Server;
use super::sandbox::Sandbox;

/// The bytes before the listing in the built component.
const MARK: &[u8] = b"listing of the hostile component:";

/// The length of the listing's buffer, with its mark.
const ROOM: usize = 1024;

/// The component, whose manifest asks for a connection.
pub(crate) fn hostile() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| hostile_asking(MANIFEST))
}

/// A sandbox with the component in `hostile.wasm`, allowed over a connection to this provider.
pub(crate) fn sandbox_with(component: &[u8], provider: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "{}{}",
        provider.connection(""),
        allowing(component)
    ));
    sandbox.write("hostile.wasm", component);
    sandbox
}

/// Runs `node` of `hostile.wasm` with this input and these further arguments.
pub(crate) fn run_node(sandbox: &Sandbox, node: &str, input: &Value, more: &[&str]) -> Outcome {
    sandbox.write("input.json", input.to_string());
    let run = [
        "--json",
        "--component",
        "hostile.wasm",
        "run",
        node,
        "--input",
        "input.json",
    ];
    sandbox.run(run.iter().chain(more))
}

/// The component with this manifest.
pub(crate) fn hostile_asking(manifest: &str) -> Vec<u8> {
    static COMPONENT: OnceLock<Result<Vec<u8>, String>> = OnceLock::new();
    let built = COMPONENT.get_or_init(|| built("zoetrope-hostile", None));
    let built = built.as_ref().unwrap_or_else(|why| panic!("{why}"));
    asking(built.clone(), manifest)
}

/// The component with this instruction of `node-types`. Its manifest asks for connections of the
/// listed category.
pub(crate) fn hostile_listing(listing: &Value) -> Vec<u8> {
    let category = listing["category"].as_str().unwrap_or("pixelml");
    let manifest = MANIFEST.replace("pixelml", category);
    hostile_with(&manifest, listing)
}

/// The component with this manifest and this instruction of `node-types`.
pub(crate) fn hostile_with(manifest: &str, listing: &Value) -> Vec<u8> {
    let mut component = hostile_asking(manifest);
    let mut places = component.windows(MARK.len());
    let place = places
        .position(|part| part == MARK)
        .expect("the listing's place");
    let listing = listing.to_string();
    assert!(MARK.len() + listing.len() <= ROOM, "a short listing");
    let room = &mut component[place + MARK.len()..place + ROOM];
    room.fill(b' ');
    room[..listing.len()].copy_from_slice(listing.as_bytes());
    component
}
