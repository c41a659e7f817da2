//! Credentials in the keyring of the platform: Keychain, Credential Manager, or the Secret Service.
//! Only a build with the feature `keyring` can use it.

#[cfg(feature = "keyring")]
use keyring::{Entry, Error};
use zeroize::Zeroizing;

/// The service of all entries.
#[cfg(feature = "keyring")]
const SERVICE: &str = "zoetrope";

/// Why the keyring gave or took no credential. Never has a part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringFault {
    /// This build has no support for it.
    #[error(
        "this program was built without keyring support; install it with: cargo install \
         zoetrope-cli --features keyring"
    )]
    NotBuiltIn,
    /// There is no entry of this name, which is not shown: it may be a credential by mistake.
    #[error("it has no such entry; to store one, run: zoetrope login CONNECTION")]
    NoEntry,
    /// The keyring cannot be used, or not now.
    #[error("{0}")]
    Unusable(String),
}

/// Whether this build can use the keyring.
#[must_use]
pub const fn has_keyring() -> bool {
    cfg!(feature = "keyring")
}

/// Removes the credential of this name; returns whether there was one. May wait until the user
/// unlocks the keyring.
///
/// # Errors
///
/// When the keyring cannot be used.
pub fn remove_from_keyring(name: &str) -> Result<bool, KeyringFault> {
    remove(name)
}

/// The credential of this name.
#[cfg(feature = "keyring")]
pub(super) fn read(name: &str) -> Result<Zeroizing<String>, KeyringFault> {
    let text = entry(name)?.get_password();
    text.map(Zeroizing::new).map_err(fault)
}

/// Stores a credential under this name, and replaces an earlier one.
#[cfg(feature = "keyring")]
pub(super) fn store(name: &str, secret: &str) -> Result<(), KeyringFault> {
    entry(name)?.set_password(secret).map_err(fault)
}

#[cfg(feature = "keyring")]
fn remove(name: &str) -> Result<bool, KeyringFault> {
    match entry(name)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(fault(error)),
    }
}

#[cfg(feature = "keyring")]
fn entry(name: &str) -> Result<Entry, KeyringFault> {
    if let Err(error) = Entry::store_status() {
        return Err(KeyringFault::Unusable(error.to_string()));
    }
    Entry::new(SERVICE, name).map_err(fault)
}

/// An error of the library. Some hold the stored bytes.
#[cfg(feature = "keyring")]
fn fault(error: Error) -> KeyringFault {
    match error {
        Error::NoEntry => KeyringFault::NoEntry,
        Error::BadEncoding(bytes) | Error::BadDataFormat(bytes, _) => {
            drop(Zeroizing::new(bytes));
            KeyringFault::Unusable("the entry cannot be read as text".into())
        }
        Error::Ambiguous(_) => KeyringFault::Unusable("it has several such entries".into()),
        error => KeyringFault::Unusable(error.to_string()),
    }
}

#[cfg(not(feature = "keyring"))]
pub(super) fn read(_: &str) -> Result<Zeroizing<String>, KeyringFault> {
    Err(KeyringFault::NotBuiltIn)
}

#[cfg(not(feature = "keyring"))]
pub(super) fn store(_: &str, _: &str) -> Result<(), KeyringFault> {
    Err(KeyringFault::NotBuiltIn)
}

#[cfg(not(feature = "keyring"))]
fn remove(_: &str) -> Result<bool, KeyringFault> {
    Err(KeyringFault::NotBuiltIn)
}

#[cfg(test)]
#[cfg(not(feature = "keyring"))]
mod tests {
    use super::*;

    #[test]
    fn build_without_the_keyring_says_how_to_install_one_with_it() {
        for error in [
            read("a").map(drop),
            store("a", "sk-hunter2"),
            remove_from_keyring("a").map(drop),
        ] {
            let text = error.expect_err("no keyring").to_string();
            assert!(text.contains("--features keyring"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
