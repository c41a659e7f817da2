//! The arguments of `zoetrope login` and `zoetrope logout`.

use clap::Args;

/// Store the credential of a connection in the keyring.
///
/// The keyring is the platform's. The credential is read from the terminal without echo, or from standard input. The connection
/// takes it from there if its configuration has `credential = { keyring = true }`.
#[derive(Args)]
#[command(after_help = "Example: zoetrope login pixelml")]
pub(crate) struct Login {
    /// Connection of the configuration
    pub(crate) connection: String,
}

/// Remove the credential of a connection from the keyring.
#[derive(Args)]
#[command(after_help = "Example: zoetrope logout pixelml")]
pub(crate) struct Logout {
    /// Connection of the configuration
    pub(crate) connection: String,
}
