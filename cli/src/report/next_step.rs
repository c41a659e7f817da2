//! Next steps as text. The shell commands that the program suggests are written here.

use std::path::Path;

use zoetrope_host::config::is_inherited;
use zoetrope_host::jobs::{NextStep, Repair, Unconfirmed};
use zoetrope_host::policy::Route;

use crate::ago::duration;
use crate::args::InputSource;
use crate::shell::{quoted, quoted_text};

/// The `next` of a failure. `options`: the global options to repeat in its command.
pub(crate) fn text(step: &NextStep, options: &str) -> String {
    match step {
        NextStep::Resume { .. }
        | NextStep::SubmitOrDiscard { .. }
        | NextStep::ResumeAll
        | NextStep::ResumeOnce { .. }
        | NextStep::ResumeOrFetch { .. }
        | NextStep::ResumeRepaired { .. }
        | NextStep::ResumeOrRetry { .. }
        | NextStep::ResumeConfigured { .. }
        | NextStep::FindResult { .. }
        | NextStep::Fetch { .. }
        | NextStep::Resolve { .. }
        | NextStep::Adopt { .. }
        | NextStep::SettleAccount { .. }
        | NextStep::Show { .. } => of_job(step, options),
        NextStep::AdoptUnconfirmed { .. } => unconfirmed(step, options),
        NextStep::ListJobs => format!("zoetrope jobs{options}"),
        NextStep::ListNodes => format!("zoetrope nodes{options}"),
        NextStep::CorrectInput { node } => correct_input(node, options),
        NextStep::OtherInput { .. }
        | NextStep::AddCredit { .. }
        | NextStep::Retry { .. }
        | NextStep::RetryAgain { .. }
        | NextStep::LookForCharge { .. } => retry(step, options),
        NextStep::OtherBaseUrl { .. } | NextStep::ResumeWithBaseUrl { .. } => {
            correct_base_url(step, options)
        }
        NextStep::OtherPicture
        | NextStep::ReadablePicture
        | NextStep::ConvertPicture
        | NextStep::OtherUpload => of_picture(step).into(),
        NextStep::OtherVersion { route } => other_version(route),
        NextStep::OtherDestination
        | NextStep::FreeDestination
        | NextStep::CreateFolder { .. }
        | NextStep::WritableFolder => of_destination(step),
        NextStep::OtherKey { .. } | NextStep::FreeKey { .. } => other_key(step, options),
        NextStep::OtherComponent => {
            "Run the same command again with --component FILE, the component that made the job"
                .into()
        }
        NextStep::Repeat(repair) => {
            format!("{}, then run the same command again", repair_text(*repair))
        }
        NextStep::RepeatRepaired | NextStep::RepeatUnsubmitted => unsubmitted(step).into(),
        NextStep::UseNewer | NextStep::RestoreLedger => of_ledger_file(step).into(),
        NextStep::RepairRow { job } => format!(
            "Restore the row of job {job} from a backup of the ledger. Until then, the same run \
             under another --key or --data-dir may be charged again. List the other jobs: zoetrope jobs{options}"
        ),
        NextStep::NewRun | NextStep::Nothing { .. } => after_the_end(step).into(),
        _ => "zoetrope --help".into(),
    }
}

/// The steps after a ledger that this program cannot read.
fn of_ledger_file(step: &NextStep) -> &'static str {
    match step {
        NextStep::UseNewer => "Use the newer zoetrope, or another --data-dir",
        _ => "Restore the ledger from a backup, or use another --data-dir",
    }
}

/// Correct the input of a node.
pub(crate) fn correct_input(node: &str, options: &str) -> String {
    let fields = show_node(node, options);
    format!("Correct the input and run again. List the fields: {fields}")
}

/// The step after an id that the provider has not confirmed.
fn unconfirmed(step: &NextStep, options: &str) -> String {
    let NextStep::AdoptUnconfirmed {
        job,
        provider_job_id,
        why,
    } = step
    else {
        return text(step, options);
    };
    let check = "Check the ID at the provider, then run the same command with the right one";
    let first = match why {
        Unconfirmed::Impossible => {
            return format!(
                "Look the ID up at the provider, then run: zoetrope jobs resolve {job} \
                 --provider-job-id ID{options}"
            );
        }
        Unconfirmed::UnknownId => check,
        Unconfirmed::NoConnection => "Configure the connection, then run the same command again",
        Unconfirmed::NoAnswer => "Run the same command again when the provider answers",
    };
    let id = quoted_text(provider_job_id);
    format!(
        "{first}. To record this ID without asking, run: zoetrope jobs resolve {job} \
         --provider-job-id {id} --force{options}"
    )
}

/// The steps after a request that was not submitted.
fn unsubmitted(step: &NextStep) -> &'static str {
    match step {
        NextStep::RepeatRepaired => {
            "Fix the cause, then run the same command again (nothing was submitted)"
        }
        _ => "Run the same command again (nothing was submitted)",
    }
}

/// The steps after a key that belongs to another input.
fn other_key(step: &NextStep, options: &str) -> String {
    match step {
        NextStep::OtherKey { job } => format!(
            "Use another --key for another run. Show the job that has this key: zoetrope jobs show {job}{options}"
        ),
        NextStep::FreeKey { job } => format!(
            "Use another --key for another run. Job {job} was removed and cost nothing; to free its key, and those of all removed jobs as old, paid ones too, run: zoetrope jobs prune --keys{options}"
        ),
        _ => text(step, options),
    }
}

/// The steps after a job that ended without a result and can be submitted again.
fn retry(step: &NextStep, options: &str) -> String {
    match step {
        NextStep::OtherInput { node, job } => format!(
            "Change the input, and the --key if one was given, and run again (nothing was charged). List the fields: {}. To submit the same input again, run: zoetrope jobs retry {job}{options}",
            show_node(node, options)
        ),
        NextStep::AddCredit { job } => format!(
            "Add credit or raise the quota at the provider, then run: zoetrope jobs retry {job}{options} (nothing was charged)"
        ),
        NextStep::RetryAgain { job } => {
            format!("To pay for a further attempt, run: zoetrope jobs retry {job} --again{options}")
        }
        NextStep::LookForCharge { job } => format!(
            "The pack reports a refusal, which Zoetrope cannot confirm. Look for a charge at the provider. To pay for a further attempt, run: zoetrope jobs retry {job} --again{options}"
        ),
        NextStep::Retry { job } => format!(
            "To submit the same input again, run: zoetrope jobs retry {job}{options} (nothing was charged)"
        ),
        _ => text(step, options),
    }
}

/// The steps after a destination that takes no result. Nothing was sent.
fn of_destination(step: &NextStep) -> String {
    match step {
        NextStep::OtherDestination => {
            "Use another --out or --out-dir, or --force to replace the file".into()
        }
        NextStep::CreateFolder { folder } => {
            // PowerShell and cmd create the folders above it without an option.
            let command = if cfg!(windows) { "mkdir" } else { "mkdir -p" };
            format!(
                "Create the folder: {command} {}, then run the same command again",
                quoted(folder)
            )
        }
        NextStep::WritableFolder => {
            "Make the folder writable, then run the same command again, or \
                                     use another --out or --out-dir"
                .into()
        }
        _ => "Use another --out or --out-dir".into(),
    }
}

/// What the user does first where the provider refuses the account.
pub(crate) const SETTLE_ACCOUNT: &str = "Add credit or settle the account at the provider";

/// The step after a pack without the route of an upload in its manifest.
fn other_version(route: &Route) -> String {
    format!(
        "Ask the pack's author for a version whose manifest has this line. If you trust the route, name it in the connection: options = {{ files = {{ method = \"{}\", path = \"{}\" }} }}",
        route.method(),
        route.path()
    )
}

/// The steps after a job that has ended.
fn after_the_end(step: &NextStep) -> &'static str {
    match step {
        NextStep::NewRun => {
            "The ledger keeps no input of this job, so it cannot be submitted again. A run with another --key KEY is a new purchase"
        }
        NextStep::Nothing { by_provider: true } => "No further action: the provider ended this job",
        _ => "No further action: this job has ended",
    }
}

/// The steps after the error of a local picture.
fn of_picture(step: &NextStep) -> &'static str {
    match step {
        NextStep::OtherPicture => {
            "Use another picture, or give its URL, with another --key if one was given (nothing was submitted)"
        }
        NextStep::ReadablePicture => {
            "Name a picture file that exists and can be read, then run again (nothing was submitted)"
        }
        NextStep::ConvertPicture => {
            "Convert the picture to PNG or JPEG, and run again with the new file (nothing was submitted)"
        }
        _ => {
            "Look at the provider for the upload and its charge. A run with another --key KEY uploads once more, which may be charged as well"
        }
    }
}

fn correct_base_url(step: &NextStep, options: &str) -> String {
    match step {
        NextStep::ResumeWithBaseUrl { connection, job } => format!(
            "Correct the base_url of connection `{connection}`, then resume the job: zoetrope jobs resume {job}{options}"
        ),
        NextStep::OtherBaseUrl { connection } => format!(
            "Correct the base_url of connection `{connection}`, then run again, with another --key if one was given (nothing was charged)"
        ),
        _ => text(step, options),
    }
}

/// The documented solution of an error, and then the step: a new run where the old one has
/// ended, else `next`.
pub(crate) fn after_solution(
    solution: &str,
    step: Option<&NextStep>,
    next: &str,
    options: &str,
) -> String {
    let solution = solution.trim_end_matches('.');
    match step {
        Some(NextStep::OtherInput { node, job }) => format!(
            "{solution}, then run again, with another --key if one was given (nothing was charged). List the fields: {}. To submit the same input again, run: zoetrope jobs retry {job}{options}",
            show_node(node, options)
        ),
        Some(NextStep::AddCredit { job } | NextStep::Retry { job }) => format!(
            "{solution}, then run again, with another --key if one was given (nothing was charged). To submit the same input again, run: zoetrope jobs retry {job}{options}"
        ),
        Some(NextStep::OtherPicture) => {
            format!("{solution}, then run again (nothing was submitted)")
        }
        Some(NextStep::RetryAgain { job }) => format!(
            "{solution}, then run again, with another --key if one was given: that run is charged separately. To pay for a further attempt with the same input, run: zoetrope jobs retry {job} --again{options}"
        ),
        Some(NextStep::Nothing { .. } | NextStep::NewRun | NextStep::LookForCharge { .. }) => {
            format!(
                "{solution}, then run again, with another --key if one was given: that run is charged separately"
            )
        }
        _ => format!("{solution}. Then: {next}"),
    }
}

fn of_job(step: &NextStep, options: &str) -> String {
    match step {
        NextStep::Resume { job } => format!("zoetrope jobs resume {job}{options}"),
        NextStep::SubmitOrDiscard { job } => format!(
            "zoetrope jobs resume {job}{options}, or, to discard the job: {}",
            cancel(job, options)
        ),
        NextStep::ResumeOnce { job, window } => format!(
            "Resume the job; the provider honours its key for {} and does not charge twice: zoetrope jobs resume {job}{options}",
            duration(*window)
        ),
        NextStep::ResumeOrFetch { job } => format!(
            "zoetrope jobs resume {job}{options}, or zoetrope jobs fetch {job} --out FILE{options}"
        ),
        NextStep::ResumeRepaired { job, repair } => format!(
            "{}, then run: zoetrope jobs resume {job}{options}, or zoetrope jobs fetch {job} --out FILE{options}",
            repair_text(*repair)
        ),
        NextStep::ResumeOrRetry { job, charged: true } => format!(
            "zoetrope jobs resume {job}{options}, or, to pay for a further attempt: zoetrope jobs retry {job} --again{options}"
        ),
        NextStep::ResumeOrRetry { job, .. } => format!(
            "zoetrope jobs resume {job}{options}, or, to submit the same input again: zoetrope jobs retry {job}{options}"
        ),
        NextStep::ResumeConfigured { connection, job } => {
            configure(connection, &format!("zoetrope jobs resume {job}{options}"))
        }
        NextStep::FindResult {
            job,
            provider_job_id,
        } => find_result(job, provider_job_id.as_deref(), options),
        NextStep::Fetch { job } => format!("zoetrope jobs fetch {job} --out FILE{options}"),
        NextStep::Resolve { job, key } => {
            let known_by = key
                .as_ref()
                .map_or_else(String::new, |key| format!(" (idempotency key {key})"));
            format!(
                "Look for the job at the provider{known_by}, then run: zoetrope jobs resolve {job} \
                 --provider-job-id ID{options}, or with --never-started if the provider does not have it"
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
        NextStep::SettleAccount { job } => {
            format!("{SETTLE_ACCOUNT}, then run: zoetrope jobs resume {job}{options}")
        }
        NextStep::ResumeAll => format!("zoetrope jobs resume --all{options}"),
        _ => "zoetrope --help".into(),
    }
}

fn find_result(job: &str, provider_job_id: Option<&str>, options: &str) -> String {
    let id =
        provider_job_id.map_or_else(String::new, |id| format!(" of its job {}", quoted_text(id)));
    format!(
        "Put the file back at its place, or ask the provider's support for the result{id}, then run: zoetrope jobs resume {job}{options} (nothing is charged). A run with another --key is a new purchase"
    )
}

/// The step before `command` where the configuration in use has no connection of this id.
pub(crate) fn configure(connection: &str, command: &str) -> String {
    let connection = quoted_text(connection);
    format!(
        "Configure the connection `{connection}`, or name the configuration that has it with --config FILE, then run: {command}"
    )
}

/// The `next` of a failure while jobs are in flight: `resume` resumes them, since the same
/// command again could start new ones.
pub(crate) fn then_resume(step: &NextStep, resume: &str) -> String {
    match step {
        NextStep::Repeat(repair) => format!("{}, then run: {resume}", repair_text(*repair)),
        step => format!("{}, then run: {resume}", text(step, "")),
    }
}

pub(super) fn repair_text(repair: Repair) -> &'static str {
    match repair {
        Repair::Configuration => "Correct the configuration",
        Repair::Connection => "Configure the connection",
        Repair::Input => "Correct the input",
        Repair::Space => "Free disk space",
        Repair::ExistingFile => "Move the existing file away",
        Repair::FileSize => "Raise the limit on the size of files (ulimit -f)",
        Repair::OpenFiles => "Raise the limit on open files (ulimit -n)",
        Repair::DataDirectory => {
            "Fix the permissions of the data directory, or use another --data-dir"
        }
        Repair::OtherProcess => "Wait for the other process, or end it",
        Repair::LocalDataDirectory => "Use a data directory on a local disk (--data-dir DIR)",
        Repair::NothingKnown => "Set ZOETROPE_LOG=debug for detailed logs",
        _ => "Fix the cause",
    }
}

/// Correct the input and check it again. A document on the command line may hold a prompt, so
/// it is not repeated; a pipe of the shell is gone.
pub(crate) fn check_again(node: &str, input: &InputSource, options: &str) -> String {
    match input {
        InputSource::File(path) if !is_inherited(path) => format!(
            "Correct the input, then run: zoetrope check {} --input {}{options}",
            quoted_text(node),
            quoted(path)
        ),
        _ => format!(
            "Correct the input, then check again. List the fields: {}",
            show_node(node, options)
        ),
    }
}

/// Wait again for a cancellation that is recorded.
pub(crate) fn cancel(job: &str, options: &str) -> String {
    format!("zoetrope jobs cancel {job}{options}")
}

/// Show a node type with its fields.
pub(crate) fn show_node(node: &str, options: &str) -> String {
    format!("zoetrope nodes {}{options}", quoted_text(node))
}

/// List the allowed packs.
pub(crate) fn list_packs(options: &str) -> String {
    format!("zoetrope packs{options}")
}

/// Show the permissions that a component requests, then allow it. `more`: an allowed
/// component of the same name has fewer.
pub(crate) fn allow_pack(file: &Path, more: bool, options: &str) -> String {
    let file = quoted(file);
    let more = if more { " --more" } else { "" };
    format!(
        "Show its permissions: zoetrope packs show {file}{options}, then allow it: zoetrope packs allow {file}{more}{options}"
    )
}

/// Allow a component that requests more than the allowed one of the same name.
pub(crate) fn allow_more(file: &Path, options: &str) -> String {
    format!(
        "To allow that, run: zoetrope packs allow {} --more{options}",
        quoted(file)
    )
}
