//! `zoetrope login` and `zoetrope logout`: credentials in the keyring of the platform.

use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;

use serde_json::json;
use tokio::task::spawn_blocking;
use zoetrope_host::connections::{
    KeyringFault, Secret, SecretSource, has_keyring, remove_from_keyring,
};
use zoetrope_host::error::{ErrorKind, chain};

use super::args::{Login, Logout};
use super::context::Context;
use super::printer::PrintError;
use super::report::{Failure, Phase, next_step, unwritten};

/// The longest input that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

impl Login {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let id = self.connection;
        let command = format!("zoetrope login {id}");
        let name = entry(context, &id, &command).await?;
        let prompt = format!("Credential of connection {id}: ");
        let stored = spawn_blocking(move || {
            let secret = read(&prompt)?;
            secret
                .store_in_keyring(&name)
                .map_err(|fault| unusable(&fault))
        });
        stored.await.unwrap_or_else(|error| Err(stopped(&error)))?;
        let text = format!("Stored the credential of connection {id} in the keyring.");
        let answer = json!({ "ok": true, "connection": id, "stored": true });
        let stored = format!("the credential of connection {id} is stored in the keyring");
        end(context.answer(&answer, &text), context, &stored)
    }
}

impl Logout {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let id = self.connection;
        let command = format!("zoetrope logout {id}");
        let name = entry(context, &id, &command).await?;
        let removed = spawn_blocking(move || remove_from_keyring(&name)).await;
        let removed = removed.map_err(|error| stopped(&error))?;
        let removed = removed.map_err(|fault| unusable(&fault))?;
        let text = if removed {
            format!("Removed the credential of connection {id} from the keyring.")
        } else {
            format!("The keyring has no credential of connection {id}.")
        };
        let answer = json!({ "ok": true, "connection": id, "removed": removed });
        let gone = format!("the keyring has no credential of connection {id} any more");
        end(context.answer(&answer, &text), context, &gone)
    }
}

/// Ends a command whose work is done. `done`: the result, also without an answer.
fn end(
    written: Result<(), PrintError>,
    context: &Context,
    done: &str,
) -> Result<ExitCode, Failure> {
    unwritten::end(written, context.printer(), |error| {
        Failure::internal(Phase::Setup, format!("{done}, but {error}"))
            .of_unwritten(Vec::new())
            .then(format!("zoetrope doctor{}", context.options()))
    })
}

/// The name of the keyring's entry of a connection.
async fn entry(context: &Context, id: &str, command: &str) -> Result<String, Failure> {
    if !has_keyring() {
        return Err(unusable(&KeyringFault::NotBuiltIn));
    }
    let because = "this command is about a connection of it";
    let config = context.configuration().trusted(because).await?;
    let Some(connection) = config.connection(id) else {
        let message = format!("there is no connection `{id}` in the configuration");
        let command = format!("{command}{}", context.options());
        return Err(
            Failure::new(ErrorKind::ConnectionUnavailable, Phase::Setup, message)
                .then(next_step::configure(id, &command)),
        );
    };
    let source = connection.credential().map(|credential| &credential.source);
    if let Some(SecretSource::Keyring(name)) = source {
        return Ok(name.clone());
    }
    let message = match source {
        Some(source) => format!("connection `{id}` takes its credential from {source}"),
        None => format!("connection `{id}` has no credential"),
    };
    let next = format!("Set `credential = {{ keyring = true }}` in [connections.{id}]");
    Err(Failure::new(ErrorKind::BadConfig, Phase::Setup, message).then(next))
}

/// Reads a credential: from the terminal without echo, or from standard input.
fn read(prompt: &str) -> Result<Secret, Failure> {
    let text = if io::stdin().is_terminal() {
        prompted(prompt)
    } else {
        let mut text = String::new();
        let read = io::stdin().take(MAX_BYTES).read_to_string(&mut text);
        read.map(|_| text)
    };
    let text = text.map_err(|error| {
        Failure::usage(format!("the credential cannot be read: {error}"))
            .then("Enter it on the terminal, or write it to standard input".into())
    })?;
    Secret::of_pasted(&text).map_err(|fault| {
        Failure::usage(format!("the credential is unusable: {fault}"))
            .then("Run the same command again with the credential alone".into())
    })
}

#[cfg(feature = "keyring")]
fn prompted(prompt: &str) -> io::Result<String> {
    rpassword::prompt_password(prompt)
}

/// Without the keyring, nothing is read.
#[cfg(not(feature = "keyring"))]
fn prompted(_: &str) -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

fn unusable(fault: &KeyringFault) -> Failure {
    let (message, next) = match fault {
        KeyringFault::NotBuiltIn => (
            "this program was built without keyring support".into(),
            "Install it in a clone of the repository: cargo install --path cli --features keyring; or keep the credential \
             in a variable, a file or a password manager: credential = { command = [\"pass\", \
             \"show\", \"NAME\"] }",
        ),
        fault => (
            format!("the keyring cannot be used: {}", chain(fault)),
            "Unlock or start the keyring of the platform, then run the same command again",
        ),
    };
    Failure::new(ErrorKind::BadConfig, Phase::Setup, message).then(next.into())
}

fn stopped(error: &tokio::task::JoinError) -> Failure {
    Failure::internal(Phase::Setup, error.to_string())
}
