//! Compares the ledger with the provider's account: which jobs were created and charged, and which
//! of them are clips on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zoetrope_emulator::Billing;
use zoetrope_host::download::digest_of;
use zoetrope_host::ledger::{Job, Ledger, State};

use super::practice::Provider;
use super::sandbox::Sandbox;

/// The files of the ledger that survive a kill; SQLite rebuilds the third from them.
const FILES: [&str; 2] = ["ledger.sqlite3", "ledger.sqlite3-wal"];

/// A copy of a ledger, so that opening it does not recover the original.
pub(crate) struct LedgerCopy {
    folder: TempDir,
}

impl LedgerCopy {
    /// Copies the ledger of a data directory in which no process is alive.
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

/// Copies a ledger over the one in `to`.
pub(crate) fn copy_ledger(from: &Path, to: &Path) {
    drop(fs::remove_file(to.join("ledger.sqlite3-shm")));
    for name in FILES {
        drop(fs::remove_file(to.join(name)));
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).expect("a copy");
        }
    }
}

/// The differences by idempotency key, and a few counts. Each list of an error must be empty.
#[derive(Debug, Default)]
pub(crate) struct Reconciliation {
    /// Requested jobs without a row.
    pub(crate) lost: Vec<String>,
    /// Jobs that the provider created.
    pub(crate) created: usize,
    /// Keys with more than one created job.
    pub(crate) created_twice: Vec<String>,
    /// Jobs that were charged.
    pub(crate) charged: usize,
    /// Keys with more than one charged job.
    pub(crate) charged_twice: Vec<String>,
    /// Charged jobs whose clip is not complete at its target.
    pub(crate) not_on_disk: Vec<String>,
    /// Jobs of the provider whose id is in no row.
    pub(crate) unclaimed: Vec<String>,
    /// Rows whose outcome is unknown.
    pub(crate) unknown: Vec<String>,
    /// Rows that are neither done nor of unknown outcome.
    pub(crate) unfinished: Vec<String>,
}

impl Reconciliation {
    /// Compares the ledger of a sandbox with the provider's account; `targets` has the path of each
    /// key's clip.
    pub(crate) fn balance(
        sandbox: &Sandbox,
        provider: &Provider,
        targets: &BTreeMap<String, PathBuf>,
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
            lost: targets
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
                let place = targets.get(&key).map(PathBuf::as_path);
                if place.is_none_or(|place| !is_whole(place, &clip)) {
                    found.not_on_disk.push(key);
                }
            }
        }
        found
    }

    /// Asserts that no job was created or charged twice, and none is lost.
    #[track_caller]
    pub(crate) fn assert_nothing_doubled_or_lost(&self) {
        let doubled_or_lost = [
            ("lost", &self.lost),
            ("created twice", &self.created_twice),
            ("charged twice", &self.charged_twice),
        ];
        for (what, keys) in doubled_or_lost {
            assert!(keys.is_empty(), "{what}: {keys:?}\n{self:?}");
        }
    }

    /// Asserts that every row has ended, every job of the provider has a row, and every charged clip
    /// is on the disk.
    #[track_caller]
    pub(crate) fn assert_everything_finished(&self) {
        self.assert_nothing_doubled_or_lost();
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

/// The key of the row with each provider's job id.
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
