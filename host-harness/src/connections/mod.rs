//! Connections: a provider's base URL, credential and options.
//!
//! - [`Connection`]: a configured provider; [`OpenConnection`]: with its credential read
//! - [`CredentialPlacement`]: the header of the credential in the requests of a pack
//! - [`Secret`], [`SecretSource`], [`CredentialHeader`]: a credential, without `Debug`
//!   and zeroed on drop

mod account;
mod connection;
mod placement;
mod secret;

pub use connection::{
    Connection, ConnectionId, ConnectionIdError, Credential, OpenConnection, OpenError,
};
pub use placement::{CredentialPlacement, PlacementFault};
pub use secret::{
    CredentialHeader, HeaderFault, Removed, Secret, SecretError, SecretFault, SecretSource,
};
