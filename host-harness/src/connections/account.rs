//! A salted digest of a credential: the account that a submit was sent to.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::secret::CredentialHeader;
use crate::hex;
use crate::net::Origin;

/// The lengths of salt and digest in bytes.
const SALT: usize = 16;
const DIGEST: usize = 16;

/// What stands for the digest of a connection without a credential.
pub(super) const NO_CREDENTIAL: &str = "none";

/// The digest of a credential at a provider with a new salt: the salt, `:` and the digest, in
/// lower-case hexadecimal.
pub(super) fn recorded(credential: &CredentialHeader, origin: &Origin) -> String {
    let salt = Uuid::new_v4().into_bytes();
    let digest = digest(&salt, credential, origin);
    format!("{}:{}", hex::encoded(&salt), hex::encoded(&digest))
}

/// Whether `text` is a digest of this credential at this provider.
pub(super) fn is_recorded(text: &str, credential: &CredentialHeader, origin: &Origin) -> bool {
    let Some((salt, recorded)) = text.split_once(':') else {
        return false;
    };
    match (hex::decoded(salt), hex::decoded::<DIGEST>(recorded)) {
        (Some(salt), Some(recorded)) => digest(&salt, credential, origin) == recorded,
        _ => false,
    }
}

fn digest(salt: &[u8; SALT], credential: &CredentialHeader, origin: &Origin) -> [u8; DIGEST] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(credential.searched_text());
    // No credential has a line end.
    hash.update("\n");
    hash.update(origin.to_string());
    let whole: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|index| whole[index])
}
