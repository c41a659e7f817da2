//! How to go on, as text: the only place that turns a [`NextStep`] into shell commands.

use zoetrope_host::jobs::{NextStep, Repair};

use crate::shell::quoted_text;

/// What a failure says under `next`. `options`: the global options that a further command
/// needs.
pub(crate) fn text(step: &NextStep, options: &str) -> String {
    match step {
        NextStep::Resume { .. }
        | NextStep::ResumeAll
        | NextStep::ResumeOnce { .. }
        | NextStep::ResumeOrFetch { .. }
        | NextStep::Fetch { .. }
        | NextStep::Resolve { .. }
        | NextStep::Adopt { .. }
        | NextStep::Show { .. } => of_job(step, options),
        NextStep::ListJobs => format!("zoetrope jobs{options}"),
        NextStep::ListNodes => format!("zoetrope nodes{options}"),
        NextStep::CorrectInput { node } => format!(
            "correct the input; its fields: zoetrope nodes {}{options}",
            quoted_text(node)
        ),
        NextStep::OtherInput { node } => format!(
            "a run with another input: this one cost nothing; its fields: zoetrope nodes {}{options}",
            quoted_text(node)
        ),
        NextStep::OtherPicture => {
            "the same command with another picture, or its URL: nothing was submitted".into()
        }
        NextStep::OtherDestination => "the same command, with another --out or with --force".into(),
        NextStep::OtherKey { job } => format!(
            "another --key for another run; the job that has this one: zoetrope jobs show {job}"
        ),
        NextStep::Repeat(repair) => format!("{}, and the same command again", cure(*repair)),
        NextStep::RepeatRepaired => {
            "the same command again, once that is put right: nothing was submitted".into()
        }
        NextStep::RepeatUnsubmitted => "the same command again: nothing was submitted".into(),
        NextStep::UseNewer => "use the newer zoetrope, or another --data-dir".into(),
        NextStep::RestoreLedger => {
            "put a copy of the ledger in its place, or use another --data-dir".into()
        }
        NextStep::RepairRow { job } => format!(
            "restore the row of job {job} from a copy of the ledger; until then, the same run \
             under another --key or --data-dir may be charged again. The other jobs: zoetrope jobs{options}"
        ),
        NextStep::Nothing { by_provider: true } => {
            "nothing: the provider has ended this job".into()
        }
        NextStep::Nothing { by_provider: false } => "nothing: this job has ended".into(),
        _ => "zoetrope --help".into(),
    }
}

fn of_job(step: &NextStep, options: &str) -> String {
    match step {
        NextStep::Resume { job } => format!("zoetrope jobs resume {job}{options}"),
        NextStep::ResumeOnce { job, window } => format!(
            "zoetrope jobs resume {job}{options} finds the job or starts it, and cannot cost twice within {}",
            humantime::format_duration(*window)
        ),
        NextStep::ResumeOrFetch { job } => format!(
            "zoetrope jobs resume {job}{options}, or zoetrope jobs fetch {job} --out FILE{options}"
        ),
        NextStep::Fetch { job } => format!("zoetrope jobs fetch {job} --out FILE{options}"),
        NextStep::Resolve { job, key } => {
            let known_by = key
                .as_ref()
                .map_or_else(String::new, |key| format!(" (idempotency key {key})"));
            format!(
                "look for the job at the provider{known_by}, then: \
                 zoetrope jobs resolve {job} --provider-job-id ID{options}, or --never-started"
            )
        }
        NextStep::Adopt {
            job,
            provider_job_id,
        } => format!(
            "zoetrope jobs resolve {job} --provider-job-id {}{options}",
            quoted_text(provider_job_id)
        ),
        NextStep::Show { job } => format!("zoetrope jobs show {job}{options}"),
        NextStep::ResumeAll => format!("zoetrope jobs resume --all{options}"),
        _ => "zoetrope --help".into(),
    }
}

/// The same where jobs are under way: these are gone on with, not asked for anew.
pub(crate) fn then(step: &NextStep, way_on: &str) -> String {
    match step {
        NextStep::Repeat(repair) => format!("{}, then: {way_on}", cure(*repair)),
        step => format!("{}, then: {way_on}", text(step, "")),
    }
}

fn cure(repair: Repair) -> &'static str {
    match repair {
        Repair::Configuration => "correct the configuration",
        Repair::Connection => "provide the connection",
        Repair::Input => "correct the input",
        Repair::Disk => "make room or mend the rights",
        Repair::NothingKnown => "ZOETROPE_LOG=debug",
        _ => "mend that",
    }
}
