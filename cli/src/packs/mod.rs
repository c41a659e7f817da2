//! `zoetrope packs`: the allowed components and their permissions.
//!
//! No component is run here: its manifest is read from its file.

mod allow;
mod confirm;
mod edit;
mod revoke;
mod show;
mod terms;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::not_a_component;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{SHORTEST, short_id};
use zoetrope_host::policy::{Connections, CredentialPlace, Grant, Manifest, ManifestError};
use zoetrope_host::sanitize::escaped_path;

use super::args::packs::{Command, Packs};
use super::context::Context;
use super::report::{Failure, Phase, next_step};
use terms::Terms;

/// The shortest digest prefix that names a pack: as for the ids of jobs.
const MIN_DIGITS: usize = SHORTEST;

/// The digits by which a listed pack is named.
const SHORT: usize = 12;

impl Packs {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        match self.command {
            None => list(context).await,
            Some(Command::Show(command)) => command.run(context).await,
            Some(Command::Allow(command)) => command.run(context).await,
            Some(Command::Revoke(command)) => command.run(context).await,
        }
    }
}

async fn list(context: &Context) -> Result<ExitCode, Failure> {
    let policy = context.config().await?.policy();
    let embedded = Sha256Digest::from(DIGEST);
    let mut packs: Vec<_> = policy
        .grants()
        .map(|(digest, grant)| (*digest, grant.clone()))
        .collect();
    if policy.grant(&embedded).is_none() {
        packs.insert(0, (embedded, Grant::as_asked(&manifest(COMPONENT)?)));
    }
    let printer = context.printer();
    if printer.json() {
        let listed = packs.iter().map(|(digest, grant)| {
            let mut pack = json!({
                "digest": digest.to_string(),
                "name": grant.name,
                "embedded": *digest == embedded,
            });
            merge(&mut pack, granted(grant));
            pack
        });
        printer.line(&listed.collect())?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = packs.iter().map(|(digest, grant)| {
        let (short, name, summary) = (short(digest), name(grant), summary(grant));
        let origin = if *digest == embedded {
            " (built in)"
        } else {
            ""
        };
        let lines = summary.iter().map(|permission| format!("  {permission}\n"));
        format!("{short}  {name}{origin}\n{}", lines.collect::<String>())
    });
    printer.text(&rows.collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

fn name(grant: &Grant) -> &str {
    match grant.name.as_str() {
        "" => "(without a name)",
        name => name,
    }
}

/// The permissions of a grant, each on a line.
fn summary(grant: &Grant) -> Vec<String> {
    let connections = match &grant.connections {
        Connections::Any => "any connection of its category".to_owned(),
        Connections::These(ids) if ids.is_empty() => "no connection".to_owned(),
        Connections::These(ids) => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            ids.join(", ")
        }
    };
    let mut parts = vec![connections];
    match grant.hosts.len() {
        0 => {}
        1 => parts.push("1 further host".into()),
        count => parts.push(format!("{count} further hosts")),
    }
    if grant.unsafe_reads {
        parts.push("reads by any method".into());
    }
    if !grant.uploads.is_empty() {
        parts.push("uploads".into());
    }
    if !grant.cancels.is_empty() {
        parts.push("cancels".into());
    }
    let headers: BTreeSet<_> = grant
        .credentials
        .values()
        .map(CredentialPlace::header)
        .collect();
    parts.extend(
        headers
            .iter()
            .map(|header| format!("the key in the header {header}")),
    );
    let places: BTreeSet<_> = grant.idempotency.values().map(terms::in_words).collect();
    parts.extend(
        places
            .iter()
            .map(|place| format!("idempotency key in {place}")),
    );
    if grant.refusals_in_2xx {
        parts.push("refusals in 2xx".into());
    }
    parts
}

/// A grant as JSON. `connections` is null if any connection of its categories is granted.
fn granted(grant: &Grant) -> Value {
    let connections = match &grant.connections {
        Connections::Any => Value::Null,
        Connections::These(ids) => ids.iter().map(ToString::to_string).collect(),
    };
    let mut granted = json!({ "connections": connections, "limits": grant.limits });
    merge(&mut granted, Terms::from(grant).document().into());
    granted
}

fn merge(one: &mut Value, other: Value) {
    if let (Value::Object(one), Value::Object(other)) = (one, other) {
        one.extend(other);
    }
}

/// The manifest of a component. `path`: its file.
fn manifest_of(path: &Path, component: &[u8]) -> Result<Manifest, Failure> {
    match not_a_component(component) {
        Some(what) => {
            let shown = escaped_path(path);
            let message = format!("`{shown}` is {what}, not a WebAssembly component");
            let next = "Name the file of a component; list the allowed ones: zoetrope packs";
            let failure = Failure::new(ErrorKind::BadComponent, Phase::Setup, message);
            Err(failure.then(next.into()))
        }
        None => manifest(component),
    }
}

fn manifest(component: &[u8]) -> Result<Manifest, Failure> {
    Manifest::of(component).map_err(|error| {
        let next = match error {
            ManifestError::Content(_) | ManifestError::Several | ManifestError::Long => {
                "Correct the manifest and build the component again, or ask its author"
            }
            _ => "Name a WebAssembly component",
        };
        Failure::new(ErrorKind::BadComponent, Phase::Setup, error.to_string()).then(next.into())
    })
}

/// The first digits of a digest, as a name for it.
fn short(digest: &Sha256Digest) -> String {
    let mut digits = digest.to_string();
    digits.truncate(SHORT);
    digits
}

/// A component, found by its file, its digest or its name.
struct Found {
    digest: Sha256Digest,
    /// Its bytes, if there is a copy.
    component: Option<Vec<u8>>,
}

/// Finds a component by a digest prefix, a pack's name, or the path of its file. A file of the
/// working directory does not take the place of an allowed pack of its name.
async fn find(context: &Context, text: &str) -> Result<Found, Failure> {
    let policy = context.config().await?.policy();
    let embedded = Sha256Digest::from(DIGEST);
    let own = manifest(COMPONENT)?.name;
    let granted = policy
        .grants()
        .map(|(digest, grant)| (*digest, grant.name.clone()));
    let mut found: Vec<_> = granted
        .chain([(embedded, own)])
        .filter(|(digest, name)| {
            *name == text || text.len() >= MIN_DIGITS && digest.to_string().starts_with(text)
        })
        .map(|(digest, _)| digest)
        .collect();
    found.dedup();
    match found[..] {
        [digest] => Ok(Found {
            component: component_of(context, &digest),
            digest,
        }),
        [] if Path::new(text).is_file() => {
            let component = super::context::read_component(Path::new(text))?;
            Ok(Found {
                digest: Sha256Digest::of(&component),
                component: Some(component),
            })
        }
        [] => Err(Failure::usage(format!(
            "`{text}` is neither a file nor an allowed pack's name or digest"
        ))
        .then(next_step::list_packs(&context.options()))),
        _ => Err(ambiguous(text, &found).then(next_step::list_packs(&context.options()))),
    }
}

/// The failure of a text that names several components.
fn ambiguous(text: &str, found: &[Sha256Digest]) -> Failure {
    let mut digests: Vec<_> = found.iter().map(ToString::to_string).collect();
    digests.sort();
    let short = digests
        .iter()
        .map(|digest| short_id(digest, &digests, SHORT));
    let short: Vec<_> = short.collect();
    Failure::usage(format!(
        "`{text}` names {} components: {}",
        found.len(),
        short.join(", ")
    ))
}

/// A component's bytes: those of the embedded one, or the copy that is kept for its jobs.
fn component_of(context: &Context, digest: &Sha256Digest) -> Option<Vec<u8>> {
    if *digest == DIGEST.into() {
        return Some(COMPONENT.to_vec());
    }
    let kept = context
        .data_dir()
        .ok()?
        .join(format!("components/{digest}.wasm"));
    fs::read(kept).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_digest_lists_the_components_with_enough_digits() {
        let zeros = "0".repeat(63);
        let digests = ["1", "2"].map(|last| format!("{zeros}{last}").parse().expect("a digest"));
        let message = ambiguous("0000", &digests).message().to_owned();
        assert!(
            message.starts_with("`0000` names 2 components: "),
            "{message}"
        );
        for last in ["1", "2"] {
            assert!(message.contains(&format!("{zeros}{last}")), "{message}");
        }
    }
}
