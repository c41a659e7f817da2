//! A sandbox whose processes are killed, a provider that outlives them, and the final checks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_host::ledger::{Job, Ledger, State};

use super::billing::{LedgerCopy, Reconciliation};
use super::practice::Provider;
use super::sandbox::Sandbox;

pub(crate) const RESUME: [&str; 4] = ["--json", "jobs", "resume", "--all"];

/// A sandbox with one connection to a practice provider in this process.
pub(crate) struct Fixture {
    pub(crate) sandbox: Sandbox,
    pub(crate) provider: Provider,
    pub(crate) honoured: bool,
    /// The path of each key's clip.
    pub(crate) targets: BTreeMap<String, PathBuf>,
}

/// The final counts. The last four are always 0: [`Fixture::finish_and_check`] asserts it.
pub(crate) struct Ending {
    pub(crate) jobs: usize,
    pub(crate) created: usize,
    pub(crate) charged: usize,
    pub(crate) unknown: usize,
    pub(crate) found: usize,
    pub(crate) never_started: usize,
    pub(crate) created_twice: usize,
    pub(crate) charged_twice: usize,
    pub(crate) lost: usize,
    pub(crate) not_on_disk: usize,
}

impl Fixture {
    /// A provider with these faults. `honoured`: it honours idempotency keys, and the configuration
    /// says so; otherwise it creates a job for every submit.
    pub(crate) fn new(honoured: bool, queue_time: Duration, rules: &Value) -> Self {
        let (policy, window) = if honoured {
            ("honoured", "idempotency = \"24h\"")
        } else {
            ("ignored", "")
        };
        let script = json!({ "idempotency": policy, "rules": rules });
        let provider = Provider::start(queue_time, &script);
        let sandbox = Sandbox::new();
        sandbox.configure(&provider.connection(window));
        Self {
            sandbox,
            provider,
            honoured,
            targets: BTreeMap::new(),
        }
    }

    /// A copy of the ledger that the killed processes left.
    pub(crate) fn ledger(&self) -> LedgerCopy {
        LedgerCopy::of(&self.sandbox.data_dir())
    }

    /// Resumes and resolves all jobs, then compares the ledger with the provider's account.
    /// `in_doubt` has the keys of the jobs that were killed between the commits of `submitting` and
    /// `started`, if the test could observe them.
    #[track_caller]
    pub(crate) fn finish_and_check(&self, in_doubt: Option<&BTreeSet<String>>) -> Ending {
        let outcome = self.sandbox.run(RESUME);
        let billing = self.billing();
        billing.assert_nothing_doubled_or_lost();
        assert!(billing.unfinished.is_empty(), "{billing:?}");
        let unknown: BTreeSet<_> = billing.unknown.iter().cloned().collect();
        if self.honoured {
            assert!(unknown.is_empty(), "{billing:?}");
        } else if let Some(in_doubt) = in_doubt {
            assert_eq!(
                &unknown, in_doubt,
                "unknown outcomes and jobs killed while submitting"
            );
        }
        let expected = if unknown.is_empty() { 0 } else { 8 };
        assert_eq!(outcome.code, expected, "{outcome:?}");
        for (what, keys) in [
            ("unclaimed", &billing.unclaimed),
            ("paid, not on disk", &billing.not_on_disk),
        ] {
            let known = keys.iter().find(|key| !unknown.contains(*key));
            assert_eq!(known, None, "{what}, and its outcome is known: {billing:?}");
        }
        let ledger = self.ledger().open();
        let unknown = rows_of(&ledger, &unknown);
        for job in &unknown {
            was_killed_while_submitting(&ledger, job);
        }
        let found = unknown.iter().filter(|job| self.resolve(job)).count();
        let outcome = self.sandbox.run(RESUME);
        assert_eq!(outcome.code, 0, "{outcome:?}");

        let billing = self.billing();
        billing.assert_everything_finished();
        Ending {
            jobs: self.targets.len(),
            created: billing.created,
            charged: billing.charged,
            unknown: unknown.len(),
            found,
            never_started: unknown.len() - found,
            created_twice: billing.created_twice.len(),
            charged_twice: billing.charged_twice.len(),
            lost: billing.lost.len(),
            not_on_disk: billing.not_on_disk.len(),
        }
    }

    fn billing(&self) -> Reconciliation {
        Reconciliation::balance(&self.sandbox, &self.provider, &self.targets)
    }

    /// Resolves a job by the provider's account, as a user would. Returns whether it was found there.
    #[track_caller]
    fn resolve(&self, job: &Job) -> bool {
        let billing = self.provider.billing();
        let mut found = billing.jobs.iter();
        let found = found.find(|made| made.key.as_ref() == Some(&job.spec.key));
        let finding = match found {
            // The account is the provider's own word: a poll that fails is no reason to doubt it.
            Some(made) => vec![
                "--force".into(),
                "--provider-job-id".into(),
                made.id.to_string(),
            ],
            None => vec!["--never-started".to_owned()],
        };
        let resolve = ["--json", "jobs", "resolve", &job.spec.id];
        let mut command = self.sandbox.command(resolve);
        // Not `Sandbox::run`, which reads every clip of a long storm after each command.
        let output = command.args(finding).output().expect("the binary");
        assert!(output.status.success(), "{output:?}");
        found.is_some()
    }
}

fn rows_of(ledger: &Ledger, keys: &BTreeSet<String>) -> Vec<Job> {
    let mut jobs = ledger.jobs().expect("the rows");
    jobs.retain(|job| keys.contains(&job.spec.key));
    jobs
}

/// Asserts that the last known state of a job with an unknown outcome is `submitting`.
#[track_caller]
fn was_killed_while_submitting(ledger: &Ledger, job: &Job) {
    let history = ledger.history(&job.spec.id).expect("its history");
    let mut before = history.iter().rev();
    let before = before.find(|entry| entry.state != State::OutcomeUnknown);
    assert_eq!(
        before.map(|entry| entry.state),
        Some(State::Submitting),
        "{history:?}"
    );
}

/// The number in an environment variable.
pub(crate) fn number<N: std::str::FromStr>(name: &str) -> Option<N> {
    let text = std::env::var(name).ok()?;
    let number = text.parse().ok();
    Some(number.unwrap_or_else(|| panic!("{name} is no number: {text}")))
}
