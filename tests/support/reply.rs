//! The replies of the scripted provider.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use serde::Deserialize;
use serde_json::Value;

use super::encoding::{Characters, Coding};
use super::mp4;
use super::pictures::picture;

/// One reply. `{provider}` and `{cdn}` in its text stand for the URLs of the servers,
/// `{provider_host}` and `{cdn_host}` for their hosts with the port, `{key}` and `{prompt}` for the
/// canaries, `{clip_base64}` for the short clip.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reply {
    status: u16,
    /// The reason phrase.
    reason: Option<String>,
    headers: BTreeMap<String, String>,
    /// The body: JSON, a text, bytes in base64, a short clip, or a PNG.
    json: Option<Value>,
    text: Option<String>,
    body_base64: Option<String>,
    clip: bool,
    picture: bool,
    /// A text at the end of the short clip, by which a test recognizes it.
    mark: Option<String>,
    /// The character encoding of a JSON or text body; UTF-8 where absent.
    characters: Option<Characters>,
    /// The content coding of the body.
    coding: Option<Coding>,
    /// The connection is closed after half of the body.
    cut: bool,
    /// The bytes of a clip, instead of the short clip.
    #[serde(skip)]
    bytes: Option<Vec<u8>>,
    /// The reply repeats for this long before the next one follows, so that a test sees whether
    /// requests arrived in that time.
    pub(super) lasts_ms: Option<u64>,
    /// The delay before the reply.
    pub(super) delay_ms: u64,
    /// An action instead of a reply.
    pub(super) instead: Option<Instead>,
}

/// An action of the server on a request, instead of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Instead {
    /// Closes the connection.
    Close,
    /// Keeps the connection open until the server is dropped or releases it.
    Hang,
}

impl Reply {
    pub(crate) fn json(status: u16, json: Value) -> Self {
        Self {
            status,
            json: Some(json),
            ..Self::default()
        }
    }

    /// A short MP4.
    pub(crate) fn clip() -> Self {
        Self {
            status: 200,
            clip: true,
            ..Self::default()
        }
    }

    /// These bytes as a clip, which they need not be.
    pub(crate) fn bytes_of(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Some(bytes),
            ..Self::clip()
        }
    }

    /// A text, whose media type is HTML's where no header sets another.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// A part of a clip, or all of it.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_clip(status: u16, bytes: &[u8], headers: BTreeMap<String, String>) -> Self {
        Self {
            status,
            headers,
            clip: true,
            bytes: Some(bytes.to_owned()),
            ..Self::default()
        }
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        self.headers.insert(name.into(), value.into());
    }

    pub(crate) fn reason(&mut self, reason: &str) {
        self.reason = Some(reason.into());
    }

    /// The connection is closed without a reply.
    pub(crate) fn close() -> Self {
        Self {
            instead: Some(Instead::Close),
            ..Self::default()
        }
    }

    pub(crate) fn hang() -> Self {
        Self {
            instead: Some(Instead::Hang),
            ..Self::default()
        }
    }

    /// Its status; none if an action takes the place of the reply.
    pub(crate) fn status(&self) -> Option<u16> {
        self.instead.is_none().then_some(self.status)
    }

    /// Whether it has a header of this name, which is in lower case.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers
            .keys()
            .any(|known| known.to_ascii_lowercase() == name)
    }

    /// The whole reply, with the texts in place of their names.
    pub(super) fn bytes(&self, names: &HashMap<&'static str, String>) -> Vec<u8> {
        let filled = |text: &str| {
            let fill = |text: String, (name, url): (&&str, &String)| {
                text.replace(&format!("{{{name}}}"), url)
            };
            names.iter().fold(text.to_owned(), fill)
        };
        let encoded = |text: String| match self.characters {
            Some(characters) => characters.encode(&text),
            None => text.into_bytes(),
        };
        let (kind, mut body) = match (&self.json, &self.text, &self.body_base64) {
            _ if self.clip => {
                let mark = self.mark.as_deref();
                let clip = || mark.map_or_else(mp4::short_clip, mp4::marked_clip);
                ("video/mp4", self.bytes.clone().unwrap_or_else(clip))
            }
            _ if self.picture => ("image/png", picture(ImageFormat::Png)),
            (Some(json), ..) => ("application/json", encoded(filled(&json.to_string()))),
            (None, Some(text), _) => ("text/html", encoded(filled(text))),
            (None, None, Some(body)) => {
                let body = STANDARD.decode(body).expect("base64");
                ("application/octet-stream", body)
            }
            (None, None, None) => ("text/plain", Vec::new()),
        };
        let mut header = format!(
            "HTTP/1.1 {} {}\r\nconnection: close\r\n",
            self.status,
            filled(self.reason.as_deref().unwrap_or("Scripted")),
        );
        if let Some(coding) = self.coding {
            body = coding.encode(&body);
            let _ = write!(header, "content-encoding: {}\r\n", coding.name());
        }
        let _ = write!(header, "content-length: {}\r\n", body.len());
        if self.cut {
            body.truncate(body.len() / 2);
        }
        let mut names_of_headers = self.headers.keys();
        if !names_of_headers.any(|name| name.eq_ignore_ascii_case("content-type")) {
            let _ = write!(header, "content-type: {kind}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(header, "{}: {}\r\n", filled(name), filled(value));
        }
        let mut bytes = header.into_bytes();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        bytes
    }
}
