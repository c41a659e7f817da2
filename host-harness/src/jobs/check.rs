//! Checks an input, before any request is sent.

use std::sync::Arc;

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::commands::Jobs;
use super::error::JobsError;
use super::pictures::{Local, by_content, find};
use crate::component::{CallContext, Pack};
use crate::connections::Connection;
use crate::contract::{CheckOptions, MediaKind, NodeType, Plan, Profile};
use crate::digest::Sha256Digest;
use crate::formats::extensions_of;
use crate::json;
use crate::media::Picture;

/// An input to check.
#[derive(Clone, Copy)]
pub struct CheckRequest<'a> {
    /// The node type; [`Jobs::node_type`] finds it by its name.
    pub node: &'a NodeType,
    /// The input document, JSON. Local pictures are `file:` URLs in it.
    pub input: &'a str,
    /// How strictly the input is read.
    pub profile: Profile,
    /// The connection of the run, if it is known: some rules depend on its options. Its
    /// credential is not read.
    pub connection: Option<&'a Arc<Connection>>,
}

impl<'a> CheckRequest<'a> {
    /// A strict check, without a connection.
    #[must_use]
    pub fn new(node: &'a NodeType, input: &'a str) -> Self {
        Self {
            node,
            input,
            profile: Profile::Strict,
            connection: None,
        }
    }
}

/// An input that the node accepts, with its local pictures.
pub struct Checked {
    /// The id of the job that is made from it.
    pub(super) id: String,
    pub(super) node: NodeType,
    /// The input as the user gave it, with local pictures as `file:` URLs.
    pub(super) raw_input: Value,
    /// The completed input, local pictures still as `file:` URLs.
    pub(super) plan: Plan,
    pub(super) pictures: Vec<Local>,
}

impl Checked {
    /// Checks an input without a ledger; see [`Jobs::check`].
    ///
    /// # Errors
    ///
    /// As [`Jobs::check`].
    pub async fn check(pack: &Pack, request: &CheckRequest<'_>) -> Result<Self, JobsError> {
        let node = request.node.clone();
        let (context, options) = check_context(request.connection, request.profile);
        let plan = pack
            .check(&context, &node.name, request.input, options)
            .await
            .map_err(|source| JobsError::Check {
                node: node.name.clone(),
                source,
            })?;
        let raw_input = json::parse(request.input).map_err(JobsError::NotJson)?;
        Ok(Self {
            // Random from its first character: a few of them name the job.
            id: Uuid::new_v4().to_string(),
            pictures: find(&node, &raw_input, &plan)?,
            node,
            raw_input,
            plan,
        })
    }

    /// The node type.
    #[must_use]
    pub fn node(&self) -> &NodeType {
        &self.node
    }

    /// The component's plan: the completed input, with notes.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The input as the user gave it, with local pictures as `file:` URLs.
    #[must_use]
    pub fn raw_input(&self) -> &Value {
        &self.raw_input
    }

    /// The local pictures, each with the JSON Pointer of its field.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, &Picture)> {
        let pictures = self.pictures.iter();
        pictures.map(|local| (local.field.as_str(), &local.picture))
    }

    /// The JSON Pointers of the local pictures that are named relative to the working directory.
    pub fn relative_pictures(&self) -> impl Iterator<Item = &str> {
        let relative = self.pictures.iter().filter(|local| local.is_relative());
        relative.map(|local| local.field.as_str())
    }

    /// The extensions that the result's file may have, the usual one first.
    pub(super) fn extensions(&self) -> impl Iterator<Item = &'static str> {
        extensions_of(match self.node.output_media.first() {
            Some(media) if media.kind == MediaKind::Image => "image",
            _ => "video",
        })
    }

    /// The digest by which runs are the same: of node and raw input, local pictures by content.
    /// Rows keep it, so the document must not change.
    pub(super) fn digest(&self) -> String {
        let mut raw_input = by_content(&self.raw_input, &self.pictures);
        normalize(&mut raw_input);
        let document = serde_json::json!({ "node": self.node.name, "given": raw_input });
        Sha256Digest::from(Sha256::digest(document.to_string())).to_string()
    }
}

/// Writes numbers as earlier programs did, which read them as 64-bit floats, so that a run
/// under the key of one of their rows is found to be the same. A number with more digits than
/// a float has stays as it was written, and conflicts with such a row.
fn normalize(document: &mut Value) {
    const DIGITS: usize = 17;
    match document {
        Value::Number(number)
            if number.as_str() == "-0"
                || number.as_i64().is_none() && number.as_u64().is_none() =>
        {
            let digits = number.as_str().trim_start_matches(['-', '0', '.']);
            let digits = digits
                .bytes()
                .take_while(|byte| !matches!(byte, b'e' | b'E'));
            let digits = digits.filter(u8::is_ascii_digit).count();
            let float = number.as_f64().and_then(Number::from_f64);
            if let Some(float) = float.filter(|_| digits <= DIGITS) {
                *number = float;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(normalize),
        Value::Object(fields) => fields.values_mut().for_each(normalize),
        _ => {}
    }
}

impl Jobs {
    /// The node type of this name, in the component of new jobs.
    ///
    /// # Errors
    ///
    /// [`JobsError::UnknownNodeType`], or [`JobsError::List`].
    pub async fn node_type(&self, name: &str) -> Result<NodeType, JobsError> {
        node_type(&self.pack, name).await
    }

    /// Checks an input: the component completes it, and the local pictures in it are opened.
    /// Nothing is sent or written.
    ///
    /// # Errors
    ///
    /// [`JobsError::Check`] if the component refuses the input; [`JobsError::FileUrl`]
    /// or [`JobsError::Picture`] if a local picture cannot be used.
    pub async fn check(&self, request: &CheckRequest<'_>) -> Result<Checked, JobsError> {
        Checked::check(&self.pack, request).await
    }
}

/// The context and options of a check. With a connection, the component can read its options,
/// and the plan contains a preview of the request.
#[must_use]
pub fn check_context(
    connection: Option<&Arc<Connection>>,
    profile: Profile,
) -> (CallContext, CheckOptions) {
    let options = CheckOptions {
        profile,
        preview_request: connection.is_some(),
    };
    let context = connection.map_or_else(CallContext::offline, |connection| {
        CallContext::previewing(Arc::new(Arc::clone(connection).without_credential()))
    });
    (context, options)
}

/// The node type of this name; see [`Jobs::node_type`]. Needs no ledger.
///
/// # Errors
///
/// As [`Jobs::node_type`].
pub async fn node_type(pack: &Pack, name: &str) -> Result<NodeType, JobsError> {
    let listed = pack.node_types(&CallContext::offline()).await;
    let mut types = listed.map_err(JobsError::List)?;
    match types.iter().position(|node| node.name == name) {
        Some(index) => Ok(types.swap_remove(index)),
        None => Err(JobsError::UnknownNodeType {
            name: name.to_owned(),
            known: types.into_iter().map(|node| node.name).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_digest_are_those_of_earlier_programs() {
        let text = r#"{"a":[1.50,1E2,20.0,5,-3,-0,18446744073709551615],"b":{"c":0.5e0}}"#;
        let mut document = json::parse(text).expect("a document");
        normalize(&mut document);
        let expected = r#"{"a":[1.5,100.0,20.0,5,-3,-0.0,18446744073709551615],"b":{"c":0.5}}"#;
        assert_eq!(document.to_string(), expected);
        let exact = "[123456789012345678901234567890,0.12345678901234567890]";
        let mut document = json::parse(exact).expect("a document");
        normalize(&mut document);
        assert_eq!(document.to_string(), exact);
    }
}
