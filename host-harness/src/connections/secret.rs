//! Credentials: read as late as possible, never logged or printed.

use std::env::VarError;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::bounded::{self, FileFault, Links};
use crate::reserved_headers::is_unfit_for_credentials;

mod keyring;
mod program;
mod redact;
mod trim;

use redact::SecretMatcher;

pub use keyring::{KeyringFault, has_keyring, remove_from_keyring};
pub use program::{CredentialProgram, ProgramFault};
pub use trim::Removed;

/// Longest credential in bytes; longer than any header that a server accepts.
const MAX_BYTES: u64 = 16 << 10;

/// A credential. It has no `Debug`, `Display` or serialised form, and its memory is
/// overwritten when it is dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` as a credential.
    ///
    /// # Errors
    ///
    /// When it is empty or not valid in a header.
    pub fn new(text: String) -> Result<Self, SecretFault> {
        let secret = Self(Zeroizing::new(text));
        // Visible ASCII and inner spaces, which every server accepts in a header.
        let fault = if secret.0.is_empty() {
            SecretFault::Empty
        } else if secret.0.contains(char::is_control) {
            SecretFault::Control
        } else if !secret.0.is_ascii() {
            SecretFault::NotAscii
        } else if secret.0.trim().len() != secret.0.len() {
            SecretFault::Blank
        } else {
            return Ok(secret);
        };
        Err(fault)
    }

    /// Takes a text as a credential, without what surrounds it: a byte-order mark, blanks, line ends,
    /// and one pair of quotes.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn of_pasted(text: &str) -> Result<Self, SecretFault> {
        if text.len() as u64 > MAX_BYTES {
            return Err(SecretFault::TooLong);
        }
        Self::new(trim::trimmed(text, "").0.to_owned())
    }

    /// Stores the credential in the keyring of the platform under this name, and replaces an earlier
    /// one. May wait until the user unlocks the keyring.
    ///
    /// # Errors
    ///
    /// When the keyring cannot be used.
    pub fn store_in_keyring(&self, name: &str) -> Result<(), KeyringFault> {
        keyring::store(name, self.reveal())
    }

    fn reveal(&self) -> &str {
        &self.0
    }
}

/// Where a credential is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable of this name.
    Env(String),
    /// In a file that holds nothing else: UTF-8, or UTF-16 with a byte-order mark.
    File(PathBuf),
    /// In the first line that a program prints: UTF-8, or UTF-16 with a byte-order mark.
    Program(CredentialProgram),
    /// In the keyring of the platform, under this name.
    Keyring(String),
}

impl SecretSource {
    /// Whether [`read`](Self::read) may wait for another program or for the user.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        matches!(self, Self::Program(_) | Self::Keyring(_))
    }

    /// Drops what is kept of it in memory: [`read`](Self::read) asks its program again.
    pub(crate) fn forget(&self) {
        if let Self::Program(program) = self {
            program.forget();
        }
    }

    /// Reads the credential, without what surrounds it: a byte-order mark, blanks, line ends,
    /// and one pair of quotes.
    ///
    /// # Errors
    ///
    /// When it is missing, unreadable, empty, or not valid in a header. No error shows any
    /// part of it.
    pub fn read(&self) -> Result<Secret, SecretError> {
        self.read_for("").map(|(secret, _)| secret)
    }

    /// Reads the credential as [`read`](Self::read) does, also without `prefix`, the text before
    /// it in its header. Returns what was removed.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_for(&self, prefix: &str) -> Result<(Secret, Removed), SecretError> {
        self.read_with(prefix, |name| std::env::var(name))
    }

    fn read_with(
        &self,
        prefix: &str,
        environment: impl Fn(&str) -> Result<String, VarError>,
    ) -> Result<(Secret, Removed), SecretError> {
        let place = self.to_string();
        let read = match self {
            Self::Env(name) => match environment(name) {
                Ok(text) => Some(Zeroizing::new(text)),
                Err(VarError::NotPresent) => {
                    return Err(SecretError::NotSet { name: name.clone() });
                }
                Err(VarError::NotUnicode(text)) => {
                    drop(Zeroizing::new(OsString::into_encoded_bytes(text)));
                    None
                }
            },
            Self::File(path) => {
                let bytes = match read_file(path) {
                    Ok(bytes) => bytes,
                    Err(FileFault::TooLong { .. }) => {
                        let fault = SecretFault::TooLong;
                        return Err(SecretError::Unusable { place, fault });
                    }
                    Err(source) => {
                        let path = path.clone();
                        return Err(SecretError::File { path, source });
                    }
                };
                trim::text_of(&bytes)
            }
            Self::Program(program) => {
                let output = program.output();
                let output = output.map_err(|source| SecretError::Program {
                    program: program.command().shown_program(),
                    source,
                })?;
                trim::text_of(&output)
                    .map(|text| Zeroizing::new(program::first_line(&text).to_owned()))
            }
            Self::Keyring(name) => {
                let read = keyring::read(name);
                Some(read.map_err(|source| SecretError::Keyring { source })?)
            }
        };
        if read
            .as_ref()
            .is_some_and(|text| text.len() as u64 > MAX_BYTES)
        {
            let fault = SecretFault::TooLong;
            return Err(SecretError::Unusable { place, fault });
        }
        let secret = read.ok_or(SecretFault::NotAscii).and_then(|text| {
            let (text, removed) = trim::trimmed(&text, prefix);
            Ok((Secret::new(text.to_owned())?, removed))
        });
        secret.map_err(|fault| SecretError::Unusable { place, fault })
    }
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => f.write_str(&variable(name)),
            Self::File(path) => write!(f, "the file `{}`", path.display()),
            Self::Program(program) => {
                write!(f, "the output of `{}`", program.command().shown_program())
            }
            // Its name is not shown: it may be a credential by mistake.
            Self::Keyring(_) => f.write_str("the keyring"),
        }
    }
}

/// The variable for an error text. A name with a lower-case letter is not shown: it may be a
/// credential that was configured as the name.
fn variable(name: &str) -> String {
    if name.contains(|letter: char| letter.is_ascii_lowercase()) {
        "the configured environment variable (name hidden: it has lower-case letters)".into()
    } else {
        format!("the environment variable `{name}`")
    }
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileFault> {
    // Allocated once: a reallocation would leave a copy of the credential in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(MAX_BYTES).unwrap_or_default() + 1,
    ));
    let metadata = bounded::read_into(&mut bytes, path, Links::Followed, MAX_BYTES)?;
    warn_if_readable_by_others(path, &metadata);
    Ok(bytes)
}

#[cfg(unix)]
fn warn_if_readable_by_others(path: &Path, metadata: &Metadata) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(),
            "other users can read the credential's file (mode {mode:03o}); set its mode to 600"
        );
    }
}

/// Other systems protect the user's folder by access lists.
#[cfg(not(unix))]
fn warn_if_readable_by_others(_: &Path, _: &Metadata) {}

/// Why a text is not usable as a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFault {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It is longer than any header that a server accepts.
    #[error("it is longer than {} bytes", MAX_BYTES)]
    TooLong,
    /// It has a control character, for example a line end between two lines.
    #[error("it has a control character inside")]
    Control,
    /// It has a character that is not ASCII.
    #[error("it has a character that is not ASCII")]
    NotAscii,
    /// It begins or ends with a blank.
    #[error("it begins or ends with a blank")]
    Blank,
}

/// Why a credential could not be read. Shows its source and never its content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The variable does not exist.
    #[error("{}, which holds the credential, is not set", variable(name))]
    NotSet {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("the credential's file `{}` cannot be read", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: FileFault,
    },
    /// The program gave none.
    #[error("the credential's command `{program}` failed")]
    Program {
        /// Its name or path.
        program: String,
        /// Why.
        source: ProgramFault,
    },
    /// The keyring gave none.
    #[error("the credential cannot be read from the keyring")]
    Keyring {
        /// Why.
        source: KeyringFault,
    },
    /// The text that was read is not usable as a credential.
    #[error("the credential in {place} is unusable")]
    Unusable {
        /// Where it is stored.
        place: String,
        /// Why.
        #[source]
        fault: SecretFault,
    },
}

/// A credential as a header that is ready to be sent.
pub struct CredentialHeader {
    name: HeaderName,
    prefix: String,
    redact: SecretMatcher,
    secret: Secret,
}

impl CredentialHeader {
    /// Whether it is redacted in replies that echo it: a short one is not, since chance matches
    /// would be redacted too.
    pub(super) fn is_redacted(&self) -> bool {
        self.secret.reveal().len() >= redact::MIN_LENGTH
    }

    /// A header of this name, whose value is `prefix` and then the credential.
    ///
    /// # Errors
    ///
    /// When name or prefix is not valid in a header, or when this header cannot carry a credential.
    pub fn new(name: &str, prefix: &str, secret: Secret) -> Result<Self, HeaderFault> {
        if secret.reveal().len() < redact::MIN_LENGTH {
            tracing::info!(
                "a credential of fewer than {} bytes is not redacted in replies that echo it",
                redact::MIN_LENGTH
            );
        }
        let legal = |bytes: &str| bytes.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        Ok(Self {
            name: match name.parse() {
                Err(_) => return Err(HeaderFault::Name),
                Ok(_) if is_unfit_for_credentials(name) => return Err(HeaderFault::Unfit),
                Ok(name) => name,
            },
            prefix: if legal(prefix) {
                prefix.to_owned()
            } else {
                return Err(HeaderFault::Prefix);
            },
            redact: SecretMatcher::of(secret.reveal()),
            secret,
        })
    }

    /// The header's name.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The header's value, marked as sensitive: it is neither shown nor compressed.
    pub(crate) fn header_value(&self) -> HeaderValue {
        let whole = Zeroizing::new(format!("{}{}", self.prefix, self.secret.reveal()));
        // Prefix and secret were checked before. If those checks ever accept a value that
        // `http` rejects, an empty value is sent and the provider answers 401.
        let mut value = HeaderValue::from_str(&whole).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// `body` with the credential replaced by asterisks, same length, in every form that
    /// [`SecretMatcher`] finds. In place if no other handle of the body exists. Takes a second for
    /// some ten MiB, so a long body is redacted in a blocking thread.
    pub(crate) fn redact(&self, body: Bytes) -> Bytes {
        let mut body = BytesMut::from(body);
        self.redact.redact(&mut body);
        body.freeze()
    }

    /// Replaces every value that holds the credential, and removes every header whose name
    /// holds it.
    pub(crate) fn redact_headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if self.is_in(value.as_bytes()) {
                *value = HeaderValue::from_static("***");
            }
        }
        let named: Vec<_> = headers
            .keys()
            .filter(|name| self.redact.is_in(name.as_str().as_bytes()))
            .cloned()
            .collect();
        for name in named {
            headers.remove(name);
        }
    }

    /// The credential, for the search in messages.
    pub(crate) fn searched_text(&self) -> &str {
        self.secret.reveal()
    }

    /// Whether `text` holds the credential in any form that [`SecretMatcher`] finds.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        self.redact.is_in(text)
    }
}

/// Why a credential cannot be sent in the configured header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// The name is not valid. It is not shown: it may be the credential by mistake.
    #[error("the name of the credential's header is not a valid header name")]
    Name,
    /// Such a header has another meaning, or servers log it or send it back.
    #[error(
        "a header of this name cannot carry a credential; use `authorization` or one such as `x-api-key`"
    )]
    Unfit,
    /// The prefix is not visible ASCII.
    #[error("the credential's prefix has characters other than visible ASCII")]
    Prefix,
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn in_env(text: &str) -> Result<(Secret, Removed), SecretError> {
        let text = text.to_owned();
        SecretSource::Env("KEY".into()).read_with("Bearer ", move |_| Ok(text.clone()))
    }

    #[test]
    fn credential_is_read_without_what_surrounds_it() {
        for (text, expected) in [
            ("sk-123", "nothing"),
            ("sk-123\r\n", "a line end"),
            (" sk-123\n\n", "blanks and a line end"),
            (
                "\u{feff}\"Bearer sk-123\"",
                "a byte-order mark, quotes and the prefix `Bearer`",
            ),
        ] {
            let Ok((secret, removed)) = in_env(text) else {
                panic!("{text:?} was refused");
            };
            assert_eq!(secret.reveal(), "sk-123");
            assert_eq!(removed.to_string(), expected);
        }
    }

    #[test]
    fn credential_invalid_in_a_header_is_rejected_and_not_shown() {
        for (text, expected) in [
            ("", SecretFault::Empty),
            ("\r\n", SecretFault::Empty),
            ("\"\"", SecretFault::Empty),
            ("Bearer ", SecretFault::Empty),
            ("sk-hunter2\nsk-hunter2", SecretFault::Control),
            ("sk-hunter2\0", SecretFault::Control),
            ("sk hunter2\u{7f}", SecretFault::Control),
            ("sk hunter2\u{e9}", SecretFault::NotAscii),
            ("\u{201c}sk-hunter2\u{201d}", SecretFault::NotAscii),
        ] {
            let Err(SecretError::Unusable { place, fault }) = in_env(text) else {
                panic!("{text:?} was taken");
            };
            assert_eq!(fault, expected);
            let shown = format!("{place} {fault} {fault:?}");
            assert!(!shown.contains("hunter2"));
        }
        let blank = Secret::new(" sk-hunter2".into()).err();
        assert_eq!(blank, Some(SecretFault::Blank));
    }

    #[test]
    fn missing_environment_variable_is_named_in_the_error() {
        let error = SecretSource::Env("PIXELML_API_KEY".into())
            .read_with("", |_| Err(VarError::NotPresent))
            .err();
        assert!(matches!(error, Some(SecretError::NotSet { name }) if name == "PIXELML_API_KEY"));
    }

    #[test]
    fn key_given_as_a_variable_name_is_not_shown() {
        let missing = |name: &str| SecretError::NotSet { name: name.into() }.to_string();
        assert!(missing("PIXELML_API_KEY").contains("`PIXELML_API_KEY`"));
        for text in [
            missing("sk_live_abc"),
            SecretSource::Env("sk_live_abc".into()).to_string(),
        ] {
            assert!(!text.contains("sk_live"), "{text}");
        }
    }

    #[test]
    fn credential_file_is_read_up_to_the_length_limit() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-from-file\n").expect("write");
        let secret = SecretSource::File(path.clone()).read();
        assert_eq!(
            secret.map(|s| s.reveal().to_owned()).ok().as_deref(),
            Some("sk-from-file")
        );
        std::fs::write(&path, vec![b'x'; 20_000]).expect("write");
        let too_long = |read| {
            let fault = match read {
                Err(SecretError::Unusable { fault, .. }) => Some(fault),
                _ => None,
            };
            fault == Some(SecretFault::TooLong)
        };
        assert!(too_long(SecretSource::File(path).read().map(|_| ())));
        // A variable has the same limit.
        assert!(too_long(in_env(&"x".repeat(20_000)).map(|_| ())));
        assert!(in_env(&"x".repeat(16 << 10)).is_ok());
        let gone = SecretSource::File(folder.path().join("gone"));
        assert!(matches!(gone.read(), Err(SecretError::File { .. })));
        let folder = SecretSource::File(folder.path().to_owned());
        assert!(matches!(folder.read(), Err(SecretError::File { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn credential_file_that_is_a_pipe_is_an_error_and_does_not_block() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        crate::bounded::testing::make_pipe(&path);
        let error = SecretSource::File(path).read().err().expect("an error");
        let text = crate::error::chain(&error);
        assert!(text.contains("it is not a regular file"), "{text}");
    }

    fn header() -> CredentialHeader {
        let secret = Secret::new("sk-1234567".into()).expect("secret");
        CredentialHeader::new("Authorization", "Bearer ", secret).expect("header")
    }

    #[test]
    fn credential_header_is_marked_sensitive() {
        let value = header().header_value();
        assert_eq!(value.as_bytes(), b"Bearer sk-1234567");
        assert!(value.is_sensitive());
        assert_eq!(format!("{value:?}"), "Sensitive");
    }

    #[test]
    fn echoed_credential_is_redacted_in_body_and_headers() {
        let header = header();
        let body =
            Bytes::from_static(b"{\"you sent\": \"sk-1234567\", \"s\": \"sk-1234567sk-12345\"}");
        assert_eq!(
            header.redact(body),
            &b"{\"you sent\": \"**********\", \"s\": \"******************\"}"[..]
        );
        // As it was in its variable, which a provider may know from elsewhere.
        let untrimmed = Bytes::from_static(b"\xef\xbb\xbf\"bearer sk-1234567\"\r\n");
        let redacted = header.redact(untrimmed);
        assert_eq!(redacted, &b"\xef\xbb\xbf\"bearer **********\"\r\n"[..]);
        let encoded = STANDARD.encode("\"Bearer sk-1234567\"\n");
        assert!(header.is_in(encoded.as_bytes()));
        let untouched = Bytes::from_static(b"nothing here, sk-");
        assert_eq!(header.redact(untouched.clone()), untouched);
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer sk-1234567"));
        headers.insert("x-encoded", HeaderValue::from_static("sk%2D1234567"));
        headers.insert("x-sk-1234567", HeaderValue::from_static("known"));
        headers.insert("x-sk-12345", HeaderValue::from_static("a part of it"));
        headers.insert("x-part", HeaderValue::from_static("bad key SK-12345..."));
        headers.insert("x-entity", HeaderValue::from_static("sk&#45;1234567"));
        headers.insert("date", HeaderValue::from_static("today"));
        headers.insert(
            "x-untrimmed",
            HeaderValue::from_static("\"Bearer sk-1234567\" "),
        );
        header.redact_headers(&mut headers);
        assert_eq!(headers["x-untrimmed"], "***");
        assert_eq!(headers["x-echo"], "***");
        assert_eq!(headers["x-encoded"], "***");
        assert_eq!(headers["x-part"], "***");
        assert_eq!(headers["x-entity"], "***");
        assert_eq!(headers["date"], "today");
        assert_eq!(headers.len(), 6);
    }
}
