//! Where a credential is kept: the table `credential` of a connection.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::connections::{Credential, CredentialProgram, HeaderFault, SecretSource};
use crate::external_command::ExternalCommand;
use crate::reserved_headers::is_unfit_for_credentials;

/// The longest name of an entry in a keyring, in bytes.
const MAX_NAME: usize = 255;

/// `{ env = "…" }`, `{ file = "…" }`, `{ command = […] }` or `{ keyring = true }`, with `header` and
/// `prefix` beside it.
pub(super) struct CredentialTable {
    place: Place,
    header: Option<String>,
    prefix: Option<String>,
}

enum Place {
    Env(String),
    File(PathBuf),
    Command(ExternalCommand),
    Keyring(KeyringName),
}

impl CredentialTable {
    /// The credential of the connection of this id, whose file is in this folder.
    pub(super) fn into_credential(self, connection: &str, folder: &Path) -> Credential {
        let source = match self.place {
            Place::Env(name) => SecretSource::Env(name),
            Place::File(path) => SecretSource::File(folder.join(path)),
            Place::Command(command) => {
                SecretSource::Program(CredentialProgram::new(command.relative_to(folder)))
            }
            Place::Keyring(KeyringName(name)) => {
                SecretSource::Keyring(name.unwrap_or_else(|| connection.to_owned()))
            }
        };
        Credential {
            source,
            header: self.header,
            prefix: self.prefix,
        }
    }
}

impl<'de> Deserialize<'de> for CredentialTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CredentialVisitor)
    }
}

struct CredentialVisitor;

impl<'de> Visitor<'de> for CredentialVisitor {
    type Value = CredentialTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a table like { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\"] } or \
             { keyring = true }",
        )
    }

    /// A text here is probably the credential itself.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(
            "a credential is not written here; say where it is kept: { env = \"NAME\" }, \
             { file = \"PATH\" }, { command = [\"PROGRAM\"] } or { keyring = true }",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            env: Option<String>,
            file: Option<PathBuf>,
            command: Option<ExternalCommand>,
            keyring: Option<KeyringName>,
            header: Option<HeaderName>,
            prefix: Option<String>,
        }
        let fields = Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let place = match (fields.env, fields.file, fields.command, fields.keyring) {
            (Some(name), None, None, None) if is_variable(&name) => Place::Env(name),
            (Some(_), None, None, None) => {
                return Err(de::Error::custom(
                    "`env` is the name of an environment variable, not the credential",
                ));
            }
            (None, Some(path), None, None) => Place::File(path),
            (None, None, Some(command), None) => Place::Command(command),
            (None, None, None, Some(name)) => Place::Keyring(name),
            _ => {
                return Err(de::Error::custom(
                    "give one of `env`, `file`, `command` and `keyring`",
                ));
            }
        };
        Ok(CredentialTable {
            place,
            header: fields.header.map(|HeaderName(name)| name),
            prefix: fields.prefix,
        })
    }
}

/// The name of an entry in the keyring; `None`: the connection's id.
struct KeyringName(Option<String>);

impl<'de> Deserialize<'de> for KeyringName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyringVisitor)
    }
}

struct KeyringVisitor;

impl Visitor<'_> for KeyringVisitor {
    type Value = KeyringName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, or the name of an entry")
    }

    fn visit_bool<E: de::Error>(self, is_used: bool) -> Result<Self::Value, E> {
        if is_used {
            return Ok(KeyringName(None));
        }
        Err(E::custom("`keyring` is true or the name of an entry"))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let is_name = !name.is_empty()
            && name.len() <= MAX_NAME
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        if is_name {
            return Ok(KeyringName(Some(name.to_owned())));
        }
        Err(E::custom(
            "the name of a keyring's entry is 1 to 255 visible ASCII characters",
        ))
    }
}

/// The name of a credential's header.
struct HeaderName(String);

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl Visitor<'_> for HeaderVisitor {
    type Value = HeaderName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        if is_unfit_for_credentials(name) {
            return Err(E::custom(HeaderFault::Unfit));
        }
        Ok(HeaderName(name.to_owned()))
    }
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
