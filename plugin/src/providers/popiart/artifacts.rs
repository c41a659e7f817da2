//! PopiArt's artifacts: files with an id, which jobs make and inputs name as their source.

use serde_json::Value;
use zoetrope_node_sdk::bindings::{
    Artifact, Body, Connection, LocalFile, Location, Multipart, NodeError, Upload,
};
use zoetrope_node_sdk::http::{Reply, origin, presentable, request, url};
use zoetrope_node_sdk::node::{Artifacts, Next};
use zoetrope_node_sdk::reply::id_at;
use zoetrope_node_sdk::result::files;

use super::options::Options;
use super::replies::{opened, read, readable, unreadable_upload, uploaded};

/// The store of artifacts.
pub(super) static STORE: Store = Store;

/// See [`STORE`].
pub(super) struct Store;

impl Artifacts for Store {
    fn find(
        &self,
        connection: &Connection,
        id: &str,
        replies: &[Reply],
    ) -> Result<Next<Artifact>, NodeError> {
        Options::read(connection)?;
        if !is_in_a_path(id) {
            return Err(NodeError::unsupported("an artifact with this id"));
        }
        let Some(reply) = replies.first() else {
            let details = request(connection, "GET", "/artifacts/{id}", id);
            return Ok(Next::Send(details));
        };
        // Without a readable description, the content may still be there.
        let document = match readable(reply) {
            Err(_) if reply.is_success() => Value::Null,
            document => document?,
        };
        let details = read(reply, &document)?;
        Ok(Next::Done(described(connection, &reply.url, id, details)))
    }

    fn plan_upload(
        &self,
        connection: &Connection,
        _file: &LocalFile,
        role: &str,
    ) -> Result<Upload, NodeError> {
        let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
        if role.is_empty() || !role.chars().all(is_word) {
            return Err(NodeError::unsupported("a role that is not one word"));
        }
        upload(connection, role)
    }

    fn uploaded(&self, connection: &Connection, reply: &Reply) -> Result<Artifact, NodeError> {
        let document = uploaded(reply)?;
        let artifact = opened(&document).unwrap_or(&Value::Null);
        let id = id_at(artifact, "/id").ok_or_else(|| {
            unreadable_upload("expected a JSON document with the artifact's id at /id".into())
        })?;
        let base = url(connection, UPLOAD, "");
        Ok(described(connection, &base, &id, artifact))
    }
}

/// Where files are uploaded.
pub(super) const UPLOAD: &str = "/artifacts/upload";

/// The upload of a file as an artifact with this role.
pub(super) fn upload(connection: &Connection, role: &str) -> Result<Upload, NodeError> {
    let options = Options::read(connection)?;
    let mut fields = vec![("role".into(), role.into())];
    if !options.visibility.is_empty() {
        fields.push(("visibility".into(), options.visibility));
    }
    Ok(Upload {
        method: "POST".into(),
        path: UPLOAD.into(),
        body: Body::Multipart(Multipart {
            file_part: "file".into(),
            fields,
        }),
    })
}

fn described(connection: &Connection, base: &str, id: &str, details: &Value) -> Artifact {
    let named = located(connection, base, details).into_iter().next();
    let mut places = places_of(connection, id, named).into_iter();
    let first = places.next().unwrap_or_else(|| content(connection, id));
    Artifact {
        id: id.into(),
        alternatives: places.collect(),
        url: first.url,
        needs_credential: first.needs_credential,
        media_type: text(details, "content_type").map(String::from),
        sha256: text(details, "sha256").and_then(sha256),
        file_name: text(details, "filename").map(presentable),
        media_id: text(details, "media_id").map(String::from),
    }
}

/// The places of an artifact: its `url`, if PopiArt gives one, and its content at PopiArt.
pub(super) fn places_of(
    connection: &Connection,
    id: &str,
    named: Option<Location>,
) -> Vec<Location> {
    let mut places: Vec<_> = named.into_iter().collect();
    if is_in_a_path(id) {
        let content = content(connection, id);
        places.retain(|named| named.url != content.url);
        places.push(content);
    }
    places
}

/// Whether an id can be a segment of a path.
pub(super) fn is_in_a_path(id: &str) -> bool {
    let mut segments = id.split(['/', '\\']);
    let climbs = segments.any(|segment| matches!(segment, "" | "." | ".."));
    !climbs && !id.contains(char::is_control)
}

/// A SHA-256 in lower-case hexadecimal, also with the prefix `sha256:`; none in other forms.
pub(super) fn sha256(text: &str) -> Option<String> {
    let digest = text.trim().to_ascii_lowercase();
    let digest = digest.strip_prefix("sha256:").unwrap_or(&digest);
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| digest.into())
}

/// The URL under which PopiArt itself serves the content of an artifact.
fn content(connection: &Connection, id: &str) -> Location {
    Location {
        url: url(connection, "/artifacts/{id}/content", id),
        needs_credential: true,
    }
}

/// The places that a value in a reply from `base` names. What lies on PopiArt's own origin needs
/// the credential.
pub(super) fn located(connection: &Connection, base: &str, value: &Value) -> Vec<Location> {
    let files = files(connection, base, value).into_iter();
    let places = files.map(|file| Location {
        needs_credential: origin(&file.url) == origin(&connection.base_url),
        url: file.url,
    });
    places.collect()
}

/// A text of an object that is not empty.
pub(super) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object[name].as_str().filter(|text| !text.is_empty())
}
