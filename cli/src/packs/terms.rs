//! The permissions that a manifest and a grant both have, as JSON and as text.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};
use zoetrope_host::policy::{CredentialPlace, Grant, HostRule, KeyPlace, Manifest, Route};

/// The header of a credential and the text before it, where no other is granted or configured.
pub(super) const STANDARD: (&str, &str) = ("authorization", "Bearer ");

/// The requests that a pack sends, and where they carry the key of the provider and the
/// idempotency key.
pub(super) struct Terms<'a> {
    pub(super) hosts: &'a [HostRule],
    pub(super) unsafe_reads: bool,
    pub(super) uploads: &'a [Route],
    pub(super) cancels: &'a [Route],
    pub(super) credentials: &'a BTreeMap<String, CredentialPlace>,
    pub(super) idempotency: &'a BTreeMap<String, KeyPlace>,
    pub(super) refusals_in_2xx: bool,
}

impl<'a> From<&'a Manifest> for Terms<'a> {
    fn from(manifest: &'a Manifest) -> Self {
        Self {
            hosts: &manifest.hosts,
            unsafe_reads: manifest.unsafe_reads,
            uploads: &manifest.uploads,
            cancels: &manifest.cancels,
            credentials: &manifest.credentials,
            idempotency: &manifest.idempotency,
            refusals_in_2xx: manifest.refusals_in_2xx,
        }
    }
}

impl<'a> From<&'a Grant> for Terms<'a> {
    fn from(grant: &'a Grant) -> Self {
        Self {
            hosts: &grant.hosts,
            unsafe_reads: grant.unsafe_reads,
            uploads: &grant.uploads,
            cancels: &grant.cancels,
            credentials: &grant.credentials,
            idempotency: &grant.idempotency,
            refusals_in_2xx: grant.refusals_in_2xx,
        }
    }
}

impl Terms<'_> {
    /// As fields of a JSON object, named as in a manifest.
    pub(super) fn document(&self) -> Map<String, Value> {
        let credentials: Map<_, _> = self
            .credentials
            .iter()
            .map(|(category, place)| {
                let place = json!({ "header": place.header(), "prefix": place.prefix() });
                (category.clone(), place)
            })
            .collect();
        let idempotency: Map<_, _> = self
            .idempotency
            .iter()
            .map(|(category, place)| (category.clone(), place.to_string().into()))
            .collect();
        let fields = [
            ("hosts", texts(self.hosts)),
            ("unsafe_reads", self.unsafe_reads.into()),
            ("uploads", texts(self.uploads)),
            ("cancels", texts(self.cancels)),
            ("credentials", credentials.into()),
            ("idempotency", idempotency.into()),
            ("refusals_in_2xx", self.refusals_in_2xx.into()),
        ];
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The permissions as titles, each with its lines; `credentials`: the lines about the key of
    /// the provider.
    pub(super) fn titled(&self, credentials: Vec<String>) -> [(&'static str, Vec<String>); 7] {
        let reads = if self.unsafe_reads {
            "by any method"
        } else {
            "by GET and HEAD"
        };
        let mut keys: Vec<_> = self
            .idempotency
            .iter()
            .map(|(category, place)| format!("{category}: in {}", in_words(place)))
            .collect();
        if keys.is_empty() {
            keys.push("in the header idempotency-key".to_owned());
        }
        let refusals = if self.refusals_in_2xx {
            "believed with a status of 2xx or 4xx"
        } else {
            "believed with a status of 4xx"
        };
        [
            ("hosts", lines(self.hosts)),
            ("reads", vec![reads.into()]),
            ("uploads", lines(self.uploads)),
            ("cancels", lines(self.cancels)),
            ("credentials", credentials),
            ("idempotency", keys),
            ("refusals", vec![refusals.into()]),
        ]
    }
}

/// The place of an idempotency key in words.
pub(super) fn in_words(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Header(name) => format!("the header {name}"),
        KeyPlace::Field(pointer) => format!("the field {pointer} of the body"),
    }
}

/// The place of a credential in words: `in the header authorization, after "Bearer "`.
pub(super) fn header_in_words(header: &str, prefix: &str) -> String {
    if prefix.is_empty() {
        format!("in the header {header}")
    } else {
        format!("in the header {header}, after \"{prefix}\"")
    }
}

fn lines<T: fmt::Display>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn texts<T: fmt::Display>(items: &[T]) -> Value {
    lines(items).into()
}
