//! The ledger's word beside the provider's: which jobs were made and paid for, and which of those
//! are clips on this disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zoetrope_emulator::Billing;
use zoetrope_host::download::digest_of;
use zoetrope_host::ledger::{Job, Ledger, State};

use super::practice::Provider;
use super::sandbox::Sandbox;

/// The files of the ledger that survive a kill; the third is made anew from them.
const FILES: [&str; 2] = ["ledger.sqlite3", "ledger.sqlite3-wal"];

/// A copy of a ledger, so that whoever looks at what a killed process left does not tidy it up.
pub(crate) struct LedgerCopy {
    folder: TempDir,
}

impl LedgerCopy {
    /// Of a data directory in which no process is alive.
    pub(crate) fn of(data_dir: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        copy_ledger(data_dir, folder.path());
        Self { folder }
    }

    pub(crate) fn open(&self) -> Ledger {
        Ledger::open(self.folder.path()).expect("the ledger is whole")
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.open().jobs().expect("the rows")
    }
}

/// Copies a ledger in place of what is there.
pub(crate) fn copy_ledger(from: &Path, to: &Path) {
    drop(fs::remove_file(to.join("ledger.sqlite3-shm")));
    for name in FILES {
        drop(fs::remove_file(to.join(name)));
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).expect("a copy");
        }
    }
}

/// What is wrong, by idempotency key, and a few counts. Everything that must not be is a list that
/// must be empty.
#[derive(Debug, Default)]
pub(crate) struct Reconciliation {
    /// Jobs that were asked for and have no row.
    pub(crate) lost: Vec<String>,
    /// Jobs that the provider made.
    pub(crate) created: usize,
    /// Keys under which it made more than one.
    pub(crate) created_twice: Vec<String>,
    /// Jobs that were paid for.
    pub(crate) charged: usize,
    /// Keys under which more than one was paid for.
    pub(crate) charged_twice: Vec<String>,
    /// Paid clips that are not on the disk, whole and in their place.
    pub(crate) not_on_disk: Vec<String>,
    /// Jobs of the provider that no row knows by their id.
    pub(crate) unclaimed: Vec<String>,
    /// Rows whose outcome is unknown.
    pub(crate) unknown: Vec<String>,
    /// Rows that have neither a clip nor a reason: not done, and not openly unknown.
    pub(crate) unfinished: Vec<String>,
}

impl Reconciliation {
    /// Balances the ledger of a desk with the provider's account; `wanted` has the place of each
    /// key's clip.
    pub(crate) fn balance(
        sandbox: &Sandbox,
        provider: &Provider,
        wanted: &BTreeMap<String, PathBuf>,
    ) -> Self {
        let billing = provider.final_billing();
        let jobs = LedgerCopy::of(&sandbox.data_dir()).jobs();
        let keys: BTreeSet<_> = jobs.iter().map(|job| job.spec.key.as_str()).collect();
        let keys_of = |is_one: &dyn Fn(&Job) -> bool| -> Vec<_> {
            let ours = jobs.iter().filter(|job| is_one(job));
            ours.map(|job| job.spec.key.clone()).collect()
        };
        let claimed = keys_by_claim(&jobs);
        let clip = provider.clip_sha256();
        let mut found = Self {
            lost: wanted
                .keys()
                .filter(|key| !keys.contains(key.as_str()))
                .cloned()
                .collect(),
            created: billing.jobs.len(),
            created_twice: more_than_one(&billing, false),
            charged_twice: more_than_one(&billing, true),
            unknown: keys_of(&|job| job.state() == State::OutcomeUnknown),
            unfinished: keys_of(&|job| !job.is_done() && job.state() != State::OutcomeUnknown),
            ..Self::default()
        };
        for made in &billing.jobs {
            let key = made.key.clone().unwrap_or_default();
            if claimed.get(made.id.to_string().as_str()) != Some(&key.as_str()) {
                found.unclaimed.push(key.clone());
            }
            if made.charged {
                found.charged += 1;
                let place = wanted.get(&key).map(PathBuf::as_path);
                if place.is_none_or(|place| !is_whole(place, &clip)) {
                    found.not_on_disk.push(key);
                }
            }
        }
        found
    }

    /// Nothing was made or paid for twice, and nothing is lost.
    #[track_caller]
    pub(crate) fn nothing_is_doubled_or_lost(&self) {
        let doubled_or_lost = [
            ("lost", &self.lost),
            ("created twice", &self.created_twice),
            ("charged twice", &self.charged_twice),
        ];
        for (what, keys) in doubled_or_lost {
            assert!(keys.is_empty(), "{what}: {keys:?}\n{self:?}");
        }
    }

    /// Every row has ended, every job of the provider is one of ours, every paid clip is here.
    #[track_caller]
    pub(crate) fn everything_is_here(&self) {
        self.nothing_is_doubled_or_lost();
        let missing = [
            ("paid and not on disk", &self.not_on_disk),
            ("not known by its id", &self.unclaimed),
            ("unknown", &self.unknown),
            ("unfinished", &self.unfinished),
        ];
        for (what, keys) in missing {
            assert!(keys.is_empty(), "{what}: {keys:?}\n{self:?}");
        }
    }
}

/// The key of the row that knows each job of the provider.
fn keys_by_claim(jobs: &[Job]) -> BTreeMap<&str, &str> {
    let claims = jobs.iter().filter_map(|job| {
        let id = job.provider_job_id()?;
        Some((id, job.spec.key.as_str()))
    });
    claims.collect()
}

fn more_than_one(billing: &Billing, charged_only: bool) -> Vec<String> {
    let mut counts = BTreeMap::<_, usize>::new();
    for job in &billing.jobs {
        if job.charged || !charged_only {
            *counts
                .entry(job.key.clone().unwrap_or_default())
                .or_default() += 1;
        }
    }
    let doubled = counts.into_iter().filter(|(_, count)| *count > 1);
    doubled.map(|(key, _)| key).collect()
}

fn is_whole(place: &Path, sha256: &str) -> bool {
    let digest = digest_of(place).expect("a readable file");
    digest.is_some_and(|digest| digest.to_string() == sha256)
}
