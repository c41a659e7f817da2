//! `zoetrope packs show`.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::policy::{Connections, Grant, Manifest, PackLimit, Permissions, Policy};

use super::{find, granted, manifest};
use crate::args::packs::Show;
use crate::context::Context;
use crate::report::Failure;

impl Show {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let found = find(context, &self.pack).await?;
        let requested = found.component.as_deref().map(manifest).transpose()?;
        let policy = context.config().await?.policy();
        show(context, policy, found.digest, requested.as_ref())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints the permissions that a component requests, those it is granted, and the resulting
/// limits.
pub(super) fn show(
    context: &Context,
    policy: &Policy,
    digest: Sha256Digest,
    requested: Option<&Manifest>,
) -> Result<(), Failure> {
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
        printer.line(&document(digest, requested, grant, effective))?;
    } else {
        printer.text(&text(digest, requested, grant, effective))?;
    }
    Ok(())
}

fn document(
    digest: Sha256Digest,
    requested: Option<&Manifest>,
    grant: Option<&Grant>,
    effective: Option<&Permissions>,
) -> Value {
    let asks = requested.map(|manifest| {
        json!({
            "name": manifest.name,
            "version": manifest.version,
            "description": manifest.description,
            "connections": manifest.connections,
            "hosts": manifest.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "unsafe_reads": manifest.unsafe_reads,
            "limits": manifest.limits,
        })
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
        text.push_str("\nrequested\n");
        list(&mut text, "connections", manifest.connections.iter());
        list(&mut text, "hosts", manifest.hosts.iter());
        list(&mut text, "reads", [reads(manifest.unsafe_reads)].iter());
        let stated = manifest.limits.stated();
        list(
            &mut text,
            "limits",
            stated.map(|(limit, amount)| format!("{} {amount}", limit.name())),
        );
    }
    let Some(grant) = grant else {
        text.push_str("\nnot allowed to run\n");
        return text;
    };
    text.push_str("\ngranted\n");
    match &grant.connections {
        Connections::Any => {
            text.push_str("  connections  any of the categories it requests\n");
        }
        Connections::These(ids) => {
            list(&mut text, "connections", ids.iter());
        }
    }
    list(&mut text, "hosts", grant.hosts.iter());
    list(&mut text, "reads", [reads(grant.unsafe_reads)].iter());
    if let Some(effective) = effective {
        let bounds = PackLimit::ALL
            .map(|limit| format!("{} {}", limit.name(), effective.bounds().of_one(limit)));
        list(&mut text, "limits", bounds.iter());
    }
    text
}

fn reads(unsafe_reads: bool) -> &'static str {
    if unsafe_reads {
        "by any method"
    } else {
        "by GET and HEAD"
    }
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
