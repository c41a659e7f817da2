//! The component in `guests/hostile`, which does what its input tells it to: built once, when a test
//! first needs it.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use super::guests::{MANIFEST, asking};
use super::root;

#[path = "../../host-harness/nested_cargo.rs"]
mod nested_cargo;

/// What stands before the listing, as the component is built.
const MARK: &[u8] = b"listing of the hostile component:";

/// How long a listing may be, with its mark.
const ROOM: usize = 1024;

/// The component.
pub(crate) fn hostile() -> &'static [u8] {
    static COMPONENT: OnceLock<Result<Vec<u8>, String>> = OnceLock::new();
    let built = COMPONENT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
        // What it takes is here since the embedded component was built.
        let file = nested_cargo::built(root(), "zoetrope-hostile", &target, &["--offline"])?;
        let component = std::fs::read(&file);
        let component = component.map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(asking(component, MANIFEST))
    });
    built.as_ref().unwrap_or_else(|why| panic!("{why}"))
}

/// The component, whose `node-types` does as this document says.
pub(crate) fn hostile_listing(listing: &Value) -> Vec<u8> {
    let mut component = hostile().to_owned();
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
