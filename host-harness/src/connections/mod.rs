//! Connections: where a provider lives, and the credential that opens it.
//!
//! - [`Connection`]: a configured provider; [`OpenConnection`]: with its credential read
//! - [`Secret`], [`SecretSource`], [`CredentialHeader`]: a credential, without `Debug`
//!   and zeroed on drop

mod connection;
mod secret;

pub use connection::{
    Connection, ConnectionId, ConnectionIdError, Credential, OpenConnection, OpenError,
};
pub use secret::{CredentialHeader, HeaderFault, Secret, SecretError, SecretFault, SecretSource};
