//! The components that rows name. A job is continued with the component that started it, even
//! if the program or the component's file has been replaced since.

use std::collections::{HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::NamedTempFile;

use super::backoff;
use super::error::DriverError;
use crate::catalog::About;
use crate::cleanup::{self, Freed};
use crate::component::{CallContext, CallError, Pack, PackError};
use crate::contract::NodeType;
use crate::digest::Sha256Digest;
use crate::durable::{sync_file, sync_folder};
use crate::engine::Engine;
use crate::error::{ErrorKind, chain};
use crate::ledger::{JobError, Millis};
use crate::policy::Policy;
use crate::rights;

const FOLDER: &str = "components";

/// A component and its node types.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) pack: Pack,
    nodes: Arc<[KnownNode]>,
}

/// A node type, and the pace of its polls.
#[derive(Clone)]
pub(super) struct KnownNode {
    pub(super) node: Arc<NodeType>,
    /// The longest pause between two polls where the provider gives no delay, if the usual
    /// duration of a run is documented.
    pub(super) longest_pause: Option<Millis>,
}

impl From<NodeType> for KnownNode {
    fn from(node: NodeType) -> Self {
        let duration = About::of(&node).estimated_duration;
        let millis = duration.and_then(|duration| Millis::try_from(duration.as_millis()).ok());
        Self {
            node: Arc::new(node),
            longest_pause: millis.map(backoff::longest),
        }
    }
}

impl Known {
    /// The node type of this name.
    pub(super) fn node(&self, name: &str) -> Result<KnownNode, JobError> {
        let found = self.nodes.iter().find(|known| known.node.name == name);
        found.cloned().ok_or_else(|| {
            JobError::new(
                ErrorKind::UnknownNodeType,
                format!("there is no node type `{name}`"),
            )
        })
    }
}

/// The components of a data directory, by digest.
pub(super) struct Packs {
    engine: Engine,
    policy: Policy,
    folder: PathBuf,
    /// Components that the program has loaded.
    loaded: Mutex<HashMap<String, Pack>>,
    /// Whether a component is trusted, by digest.
    trusted: Mutex<HashMap<String, bool>>,
    known: Mutex<HashMap<String, Known>>,
}

impl Packs {
    pub(super) fn of(data_dir: &Path, engine: &Engine, policy: &Policy) -> Self {
        Self {
            engine: engine.clone(),
            policy: policy.clone(),
            folder: data_dir.join(FOLDER),
            loaded: Mutex::default(),
            trusted: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// Whether this component is trusted: it is bundled with the program, or an earlier build of
    /// the program embedded it and the operator has not granted it anything. The answer stays the
    /// same as long as this process runs.
    pub(super) fn trusts(&self, digest: &str) -> bool {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is_trusted) = trusted.get(digest) {
            return *is_trusted;
        }
        let is_trusted = digest.parse().is_ok_and(|digest| {
            self.policy.trusts(&digest)
                || self.policy.grant(&digest).is_none() && self.was_embedded(&digest).exists()
        });
        trusted.insert(digest.to_owned(), is_trusted);
        is_trusted
    }

    /// Adds a component that is loaded already.
    pub(super) fn remember(&self, pack: &Pack) {
        let digest = pack.digest().to_string();
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.insert(digest.clone(), pack.permissions().is_trusted());
        drop(trusted);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.insert(digest, pack.clone());
    }

    /// Stores a component for the processes that continue its jobs; synced when this returns. The
    /// caller holds the ledger's files until a row names it.
    pub(super) fn keep(&self, pack: &Pack, component: &[u8]) -> Result<(), DriverError> {
        let path = self.path(&pack.digest().to_string());
        if path.exists() {
            return Ok(());
        }
        let write = || {
            rights::make_folder(&self.folder)?;
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(component)?;
            sync_file(file.as_file())?;
            if self.policy.trusts(pack.digest()) {
                let mut mark = OpenOptions::new();
                let mark = rights::private(mark.write(true).create(true).truncate(true));
                mark.open(self.was_embedded(pack.digest()))?;
            }
            match file.persist(&path) {
                // Another process stored the same bytes, and may have the file open, which Windows
                // does not replace.
                Err(_) if path.exists() => {}
                persisted => drop(persisted?),
            }
            sync_folder(&self.folder)
        };
        write().map_err(|source| DriverError::File {
            path: path.clone(),
            source,
        })
    }

    /// Whether the component of this digest is stored.
    pub(super) fn has(&self, digest: &str) -> bool {
        self.path(digest).is_file()
    }

    /// The component of this digest.
    pub(super) async fn get(&self, digest: &str) -> Result<Known, JobError> {
        let known = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(digest).cloned()
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let pack = match self.loaded(digest) {
            Some(pack) => pack,
            None => self.load(digest).await?,
        };
        let nodes = pack.node_types(&CallContext::offline()).await;
        let nodes = nodes.map_err(|error| match error {
            CallError::Host(_) => JobError::new(ErrorKind::Internal, chain(&error)),
            error => self.bad(digest, &error),
        })?;
        let found = Known {
            pack,
            nodes: nodes.into_iter().map(Into::into).collect(),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(digest.to_owned(), found.clone());
        Ok(found)
    }

    fn loaded(&self, digest: &str) -> Option<Pack> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.get(digest).cloned()
    }

    async fn load(&self, digest: &str) -> Result<Pack, JobError> {
        let bad = |why: &dyn std::fmt::Display| self.bad(digest, why);
        let path = self.path(digest);
        let bytes = std::fs::read(&path).map_err(|error| bad(&error))?;
        let policy = self.policy_for(digest);
        let engine = self.engine.clone();
        let loaded =
            tokio::task::spawn_blocking(move || Pack::load(&engine, &bytes, &policy)).await;
        match loaded.map_err(|error| bad(&error))? {
            Ok(pack) if pack.digest().to_string() == digest => Ok(pack),
            Ok(_) => Err(bad(&"its content does not match the digest in its name")),
            Err(PackError::NotAllowed(refused)) => {
                let way = format!("zoetrope packs allow {}", path.display());
                Err(JobError::new(
                    ErrorKind::Denied,
                    format!("{refused}; to allow it: {way}"),
                ))
            }
            // The component is as good as it was.
            Err(error) if error.lacks_memory() => {
                Err(JobError::new(ErrorKind::Internal, chain(&error)))
            }
            Err(error) => Err(bad(&error)),
        }
    }

    /// The operator's policy, which trusts the component if this program does.
    fn policy_for(&self, digest: &str) -> Policy {
        let policy = self.policy.clone();
        match digest.parse::<Sha256Digest>() {
            Ok(parsed) if self.trusts(digest) => policy.trusting(parsed),
            _ => policy,
        }
    }

    fn bad(&self, digest: &str, why: &dyn std::fmt::Display) -> JobError {
        let path = self.path(digest);
        let message = format!("the component `{}` cannot be used: {why}", path.display());
        JobError::new(ErrorKind::BadComponent, message)
    }

    /// The file that marks a component as embedded in the program that stored it. A process
    /// that can create it can also write the ledger and compiled code.
    fn was_embedded(&self, digest: &Sha256Digest) -> PathBuf {
        self.folder.join(format!("{digest}.embedded"))
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}

/// Removes the components of a data directory that are not `wanted`, and temporary files of writes
/// that ended with their process. A component is stored again with its next job.
pub(crate) fn remove_others(data_dir: &Path, wanted: &HashSet<String>) -> io::Result<Freed> {
    cleanup::remove_from(&data_dir.join(FOLDER), |name, age| {
        let digest = name
            .strip_suffix(".wasm")
            .or_else(|| name.strip_suffix(".embedded"));
        match digest {
            Some(digest) => digest.parse::<Sha256Digest>().is_ok() && !wanted.contains(digest),
            None => cleanup::is_crashed_write(name, age),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineSettings;

    #[test]
    fn component_that_an_earlier_build_embedded_is_trusted_everywhere() {
        let folder = tempfile::tempdir().expect("folder");
        let components = folder.path().join(FOLDER);
        std::fs::create_dir(&components).expect("folder");
        let (earlier, stranger) = ("a".repeat(64), "b".repeat(64));
        let mark = components.join(format!("{earlier}.embedded"));
        std::fs::write(&mark, "").expect("write");
        let engine = Engine::new(EngineSettings::default()).expect("engine");
        let packs = Packs::of(folder.path(), &engine, &Policy::default());
        for (digest, is_trusted) in [(&earlier, true), (&stranger, false)] {
            assert_eq!(packs.trusts(digest), is_trusted);
            let parsed = digest.parse().expect("a digest");
            assert_eq!(packs.policy_for(digest).trusts(&parsed), is_trusted);
        }
        std::fs::remove_file(&mark).expect("remove");
        assert!(packs.trusts(&earlier), "cached");
    }

    #[test]
    fn components_that_no_row_names_are_removed_and_other_files_stay() {
        let folder = tempfile::tempdir().expect("folder");
        let components = folder.path().join(FOLDER);
        std::fs::create_dir(&components).expect("folder");
        let (wanted, other) = ("a".repeat(64), "b".repeat(64));
        let names = [
            format!("{wanted}.wasm"),
            format!("{wanted}.embedded"),
            format!("{other}.wasm"),
            format!("{other}.embedded"),
            "mine.wasm".to_owned(),
            ".tmpnew".to_owned(),
        ];
        for name in &names {
            std::fs::write(components.join(name), "x").expect("write");
        }
        let freed = remove_others(folder.path(), &HashSet::from([wanted]));
        assert_eq!(freed.expect("clean"), Freed { files: 2, bytes: 2 });
        let left: Vec<_> = names
            .iter()
            .map(|name| components.join(name).exists())
            .collect();
        assert_eq!(left, [true, true, false, false, true, true]);
        assert!(remove_others(&folder.path().join("none"), &HashSet::new()).is_ok());
    }
}
