//! The pack that is bundled with `zoetrope`: the nodes in `plugin/`, built as one WASI
//! component.
//!
//! `build.rs` builds the component for `wasm32-wasip2`, unless `ZOETROPE_PREBUILT_COMPONENT`
//! names a built one. A host trusts [`COMPONENT`] by its [`DIGEST`].

#![deny(missing_docs)]

/// The component.
pub const COMPONENT: &[u8] = include_bytes!(env!("ZOETROPE_COMPONENT"));

/// SHA-256 of [`COMPONENT`].
pub const DIGEST: [u8; 32] = *include_bytes!(env!("ZOETROPE_COMPONENT_DIGEST"));

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::{COMPONENT, DIGEST};

    #[test]
    fn digest_is_that_of_the_component() {
        assert_eq!(Sha256::digest(COMPONENT)[..], DIGEST);
    }
}
