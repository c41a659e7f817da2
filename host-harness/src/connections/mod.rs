//! Connections: a provider's base URL, credential and options.
//!
//! - [`Connection`]: a configured provider; [`OpenConnection`]: with its credential read
//! - [`Secret`], [`SecretSource`], [`CredentialHeader`]: a credential, without `Debug`
//!   and zeroed on drop

mod connection;
mod secret;

pub use connection::{
    Connection, ConnectionId, ConnectionIdError, Credential, OpenConnection, OpenError,
};
pub use secret::{
    CredentialHeader, HeaderFault, Removed, Secret, SecretError, SecretFault, SecretSource,
};
