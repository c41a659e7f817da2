//! The categories that nodes use, and connections that none of them uses.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use zoetrope_bundled_pack::COMPONENT;
use zoetrope_host::config::{Config, UnusedConnection};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::policy::{Connections, Manifest};
use zoetrope_host::sanitize::sentence;

use super::configuration::PRACTICE;
use super::context::Context;
use super::report::{Failure, Phase};

/// The folder of the data directory that has the components of jobs.
const COMPONENTS: &str = "components";

impl Context {
    /// The categories that the built-in nodes and the allowed packs of `config` use.
    pub(super) fn categories(&self, config: &Config) -> BTreeSet<String> {
        let mut known = categories_of(COMPONENT);
        known.insert(PRACTICE.into());
        let data_dir = self.data_dir().ok();
        for (digest, grant) in config.policy().grants() {
            known.extend(grant.credentials.keys().cloned());
            known.extend(grant.idempotency.keys().cloned());
            if let Connections::These(ids) = &grant.connections {
                let granted = ids.iter().filter_map(|id| config.connection(id.as_str()));
                known.extend(granted.map(|found| found.category().to_owned()));
            }
            // A component that a job used is kept.
            let kept = data_dir.as_ref().and_then(|data_dir| {
                let file = data_dir.join(COMPONENTS).join(format!("{digest}.wasm"));
                std::fs::read(file).ok()
            });
            known.extend(kept.map(|bytes| categories_of(&bytes)).unwrap_or_default());
        }
        known
    }
}

/// The categories of a component, as its manifest has them.
pub(super) fn categories_of(component: &[u8]) -> BTreeSet<String> {
    let manifest = Manifest::of(component);
    manifest
        .map(|found| found.connections.into_iter().collect())
        .unwrap_or_default()
}

/// The failure of a command for `category`, which has no connection, although the configuration has
/// connections that no node uses: the category of one may be misspelled.
pub(super) fn misspelled(config: &Config, category: &str, unused: &[UnusedConnection]) -> Failure {
    let category = sentence(category);
    let mut message = format!("no connection is configured for the category `{category}`");
    for UnusedConnection { id, category, .. } in unused {
        let category = sentence(category);
        let _ = write!(
            message,
            "; connection `{id}` has the category `{category}`, which no node uses"
        );
    }
    let near = unused.iter().find_map(|one| one.did_you_mean.as_deref());
    let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    let file = config.source().map_or_else(
        || "the configuration".into(),
        |file| format!("`{}`", zoetrope_host::sanitize::escaped_path(file)),
    );
    let next = format!(
        "Correct the category in {file}{near}, then run the same command again; or use the practice provider: --connection {PRACTICE}"
    );
    Failure::new(ErrorKind::ConnectionUnavailable, Phase::Setup, message).then(next)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn built_in_component_has_its_categories_and_a_misspelled_one_is_named() {
        let known = categories_of(COMPONENT);
        assert!(known.contains("pixelml"), "{known:?}");
        let text = "[connections.mine]\ncategory = \"PixelML\"\nbase_url = \"https://a.example\"\n";
        let config = Config::parse(text, Path::new("z.toml")).expect("a configuration");
        let unused = config.unused_connections(&known);
        let failure = misspelled(&config, "pixelml", &unused);
        assert_eq!(failure.kind(), ErrorKind::ConnectionUnavailable);
        assert!(
            failure
                .message()
                .contains("connection `mine` has the category `PixelML`")
        );
        assert!(
            failure.next().contains("did you mean `pixelml`?"),
            "{}",
            failure.next()
        );
    }
}
