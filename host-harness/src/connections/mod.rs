//! Connections: a provider's base URL, credential and options.
//!
//! - [`Connection`]: a configured provider; [`OpenConnection`]: with its credential read
//! - [`CredentialPlacement`]: the header of the credential in the requests of a pack
//! - [`Secret`], [`SecretSource`], [`CredentialHeader`]: a credential, without `Debug`
//!   and zeroed on drop; [`CredentialProgram`]: a program that prints one
//! - [`Secret::store_in_keyring`], [`remove_from_keyring`]: the keyring of the platform

mod account;
mod connection;
mod placement;
mod secret;

pub use connection::{
    Connection, ConnectionId, ConnectionIdError, Credential, OpenConnection, OpenError,
};
pub use placement::{CredentialPlacement, PlacementFault};
pub use secret::{
    CredentialHeader, CredentialProgram, HeaderFault, KeyringFault, ProgramFault, Removed, Secret,
    SecretError, SecretFault, SecretSource, has_keyring, remove_from_keyring,
};

pub use crate::reserved_headers::unfit_header_pattern;
