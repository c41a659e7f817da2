//! `zoetrope packs show`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use zoetrope_host::config::Config;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::policy::{
    Connections, CredentialPlace, Grant, Manifest, PackLimit, Permissions, Policy,
};
use zoetrope_host::sanitize::sentence;

use super::confirm::{granted_connections, of_pack};
use super::terms::{Terms, header_in_words};
use super::{find, granted, manifest_of, merge};
use crate::args::packs::Show;
use crate::context::Context;
use crate::printer::PrintError;
use crate::report::Failure;

impl Show {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let found = find(context, &self.pack).await?;
        let path = Path::new(&self.pack);
        let requested = found.component.as_deref();
        let requested = requested.map(|component| manifest_of(path, component));
        let requested = requested.transpose()?;
        let config = context.config().await?;
        show(
            context,
            config,
            config.policy(),
            found.digest,
            requested.as_ref(),
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints the permissions that a component requests, those it is granted, and the resulting
/// limits. `policy` is that of the configuration, or has a new grant too.
pub(super) fn show(
    context: &Context,
    config: &Config,
    policy: &Policy,
    digest: Sha256Digest,
    requested: Option<&Manifest>,
) -> Result<(), PrintError> {
    let grant = policy.grant(&digest).cloned();
    let effective = requested
        .cloned()
        .and_then(|manifest| policy.permissions(digest, manifest).ok());
    let grant = grant.or_else(|| {
        effective
            .as_ref()
            .map(|effective| effective.grant().clone())
    });
    let printer = context.printer();
    let (grant, effective) = (grant.as_ref(), effective.as_ref());
    if printer.json() {
        printer.line(&document(digest, requested, grant, effective))
    } else {
        printer.text(&text(config, digest, requested, grant, effective))
    }
}

fn document(
    digest: Sha256Digest,
    requested: Option<&Manifest>,
    grant: Option<&Grant>,
    effective: Option<&Permissions>,
) -> Value {
    let asks = requested.map(|manifest| {
        let mut asks = json!({
            "name": manifest.name,
            "version": manifest.version,
            "description": manifest.description,
            "connections": manifest.connections,
            "limits": manifest.limits,
        });
        merge(&mut asks, Terms::from(manifest).document().into());
        asks
    });
    let limits = effective.map(|effective| {
        let bounds = PackLimit::ALL.map(|limit| {
            let bound = effective.bounds().of_one(limit);
            (limit.name().to_owned(), Value::from(bound))
        });
        bounds.into_iter().collect::<Map<_, _>>()
    });
    json!({
        "digest": digest.to_string(),
        "allowed": grant.is_some(),
        "asks": asks,
        "granted": grant.map(granted),
        "limits": limits,
    })
}

fn text(
    config: &Config,
    digest: Sha256Digest,
    requested: Option<&Manifest>,
    grant: Option<&Grant>,
    effective: Option<&Permissions>,
) -> String {
    let mut text = String::new();
    match requested {
        Some(manifest) if manifest.name.is_empty() => {
            text.push_str("a component without a manifest: it requests no permissions\n");
        }
        Some(manifest) => {
            let _ = writeln!(text, "{} {}", manifest.name, manifest.version);
            if !manifest.description.is_empty() {
                let _ = writeln!(text, "{}", manifest.description);
            }
        }
        None => {
            let name = grant.map_or("", |grant| grant.name.as_str());
            let _ = writeln!(
                text,
                "{name}: give the component's file to see what it requests"
            );
        }
    }
    let _ = writeln!(text, "sha256 {digest}");
    if let Some(manifest) = requested {
        list_requested(&mut text, manifest);
    }
    match grant {
        Some(grant) => list_granted(&mut text, config, requested, grant, effective),
        None => text.push_str("\nnot allowed to run\n"),
    }
    text
}

fn list_requested(text: &mut String, manifest: &Manifest) {
    text.push_str("\nrequested\n");
    list(text, "connections", manifest.connections.iter());
    let keys = manifest
        .connections
        .iter()
        .map(|category| sent(category, manifest.credentials.get(category)));
    for (title, lines) in Terms::from(manifest).titled(keys.collect()) {
        list(text, title, lines.iter());
    }
    let limits = manifest
        .limits
        .stated()
        .map(|(limit, amount)| format!("{} {amount}", limit.name()));
    list(text, "limits", limits);
}

fn list_granted(
    text: &mut String,
    config: &Config,
    requested: Option<&Manifest>,
    grant: &Grant,
    effective: Option<&Permissions>,
) {
    text.push_str("\ngranted\n");
    match &grant.connections {
        Connections::Any => {
            text.push_str("  connections  any of the categories it requests\n");
        }
        Connections::These(ids) => list(text, "connections", ids.iter()),
    }
    let keys = match (requested, effective) {
        (Some(manifest), Some(effective)) => manifest
            .connections
            .iter()
            .flat_map(|category| sent_over(config, grant, category, effective.credential(category)))
            .collect(),
        _ => grant
            .credentials
            .iter()
            .flat_map(|(category, place)| sent_over(config, grant, category, Some(place)))
            .collect(),
    };
    for (title, lines) in Terms::from(grant).titled(keys) {
        list(text, title, lines.iter());
    }
    if let Some(effective) = effective {
        let bounds = PackLimit::ALL
            .map(|limit| format!("{} {}", limit.name(), effective.bounds().of_one(limit)));
        list(text, "limits", bounds.iter());
    }
}

/// Where the requests of a pack carry the key of a provider of this category, unless the
/// connection sets it.
fn sent(category: &str, place: Option<&CredentialPlace>) -> String {
    let (header, prefix) = of_pack(place);
    let words = header_in_words(header, prefix);
    format!("{}: {words}", sentence(category))
}

/// Where the requests of a pack carry the keys of the granted connections of this category: as it
/// is granted, and as the connections set it.
fn sent_over(
    config: &Config,
    grant: &Grant,
    category: &str,
    place: Option<&CredentialPlace>,
) -> Vec<String> {
    let (header, prefix) = of_pack(place);
    let used = granted_connections(config, grant, category);
    let set: Vec<_> = used
        .iter()
        .filter_map(|connection| {
            let own = (
                connection.credential_header(),
                connection.credential_prefix(),
            );
            if own == (None, None) {
                return None;
            }
            let (header, prefix) = (own.0.unwrap_or(header), own.1.unwrap_or(prefix));
            let words = header_in_words(&sentence(header), &sentence(prefix));
            Some(format!("{}: {words} (configured)", connection.id()))
        })
        .collect();
    let is_used = used.is_empty() || set.len() < used.len();
    let granted = is_used.then(|| sent(category, place));
    granted.into_iter().chain(set).collect()
}

/// A title and its items, one a line.
fn list<T: std::fmt::Display>(text: &mut String, title: &str, items: impl Iterator<Item = T>) {
    let mut title = title;
    let mut is_empty = true;
    for item in items {
        let _ = writeln!(text, "  {title:11}  {item}");
        title = "";
        is_empty = false;
    }
    if is_empty {
        let _ = writeln!(text, "  {title:11}  none");
    }
}
