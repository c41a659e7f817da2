//! The process of a command: no shell, no input, its output on standard error.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use zoetrope_host::ledger::{EndHook, Job, State};
use zoetrope_host::sanitize::line;

/// What a command's process gets from this one.
pub(super) struct Surroundings {
    pub(super) data_dir: PathBuf,
    /// The variables that hold credentials: the process does not get them.
    pub(super) credentials: Vec<String>,
}

/// Runs a command to its end; returns its exit code, or why it has none.
pub(super) fn run(hook: &EndHook, job: &Job, surroundings: &Surroundings) -> Result<i32, String> {
    let mut command = command(hook, job, surroundings);
    let started = command.spawn();
    let mut child = started.map_err(|error| format!("it cannot be started: {error}"))?;
    let status = child.wait();
    let status = status.map_err(|error| format!("its end is unknown: {error}"))?;
    status.code().ok_or_else(|| without_code(status))
}

fn command(hook: &EndHook, job: &Job, surroundings: &Surroundings) -> Command {
    let mut command = hook.command.command();
    for name in &surroundings.credentials {
        command.env_remove(name);
    }
    for (name, value) in variables(hook, job) {
        match value {
            Some(value) => command.env(name, value),
            // Not one that this process has got itself.
            None => command.env_remove(name),
        };
    }
    command.env(
        crate::args::environment::DATA_DIR.name,
        &surroundings.data_dir,
    );
    command
        .stdin(Stdio::null())
        // Standard output is for the paths and the JSON of this program.
        .stdout(Stdio::from(io::stderr()))
        .stderr(Stdio::inherit());
    apart(&mut command);
    command
}

/// Ctrl-C is not for the command.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        /// `CREATE_NEW_PROCESS_GROUP`.
        const NEW_GROUP: u32 = 0x0000_0200;
        std::os::windows::process::CommandExt::creation_flags(command, NEW_GROUP);
    }
    #[cfg(not(any(unix, windows)))]
    let _ = command;
}

/// The variables about the job, without prompt and ticket. `docs/reference/configuration.md` lists them.
fn variables(hook: &EndHook, job: &Job) -> [(&'static str, Option<OsString>); 9] {
    let file = job.file().filter(|_| job.is_finalized());
    let error = job.last_error.as_ref();
    let error = error.filter(|_| hook.state != State::Succeeded);
    let cost = job.cost();
    let text = |text: &str| Some(OsString::from(line(text).as_ref()));
    [
        ("ZOETROPE_JOB", text(&job.spec.id)),
        ("ZOETROPE_STATE", text(hook.state.as_str())),
        ("ZOETROPE_NODE", text(&job.spec.node)),
        ("ZOETROPE_KEY", text(&job.spec.key)),
        ("ZOETROPE_CONNECTION", text(&job.spec.connection)),
        (
            "ZOETROPE_FILE",
            file.map(|file| file.path.clone().into_os_string()),
        ),
        ("ZOETROPE_CHARGED", text(job.charge().as_str())),
        (
            "ZOETROPE_COST",
            cost.and_then(|cost| text(&format!("{} {}", cost.amount, cost.unit))),
        ),
        (
            "ZOETROPE_ERROR_KIND",
            error.and_then(|error| text(error.kind.as_str())),
        ),
    ]
}

#[cfg(unix)]
fn without_code(status: ExitStatus) -> String {
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    format!("it was ended by signal {}", signal.unwrap_or_default())
}

#[cfg(not(unix))]
fn without_code(status: ExitStatus) -> String {
    format!("it ended with {status}")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use zoetrope_host::error::ErrorKind;
    use zoetrope_host::external_command::ExternalCommand;
    use zoetrope_host::ledger::{Cost, JobError, JobSpec, Target};

    use super::*;

    fn job() -> Job {
        let spec = JobSpec {
            id: "j-1".into(),
            node: "image_to_video".into(),
            raw_input: "{\"prompt\": \"secret prompt\"}".into(),
            raw_input_sha256: String::new(),
            input: "{\"prompt\": \"secret prompt\"}".into(),
            component: "c".into(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: "order-66".into(),
            idempotency_ms: 0,
            created_at: 1_000,
        };
        let target = Target::File("/clips/j.mp4".into());
        let mut job = Job::new(spec, target, "requester".into(), 1_800_000);
        job.billing.cost = Some(Cost {
            amount: "0.08".into(),
            unit: "USD".into(),
        });
        job.last_error = Some(JobError::new(ErrorKind::Rejected, "secret prompt"));
        job
    }

    fn hook(words: &[&str]) -> EndHook {
        EndHook {
            id: 1,
            job: "j-1".into(),
            state: State::Failed,
            command: ExternalCommand::new(words.iter().map(OsString::from)).expect("a command"),
            started_at: Some(1),
            end: None,
        }
    }

    fn surroundings() -> Surroundings {
        Surroundings {
            data_dir: "/data".into(),
            credentials: vec!["PIXELML_API_KEY".into()],
        }
    }

    #[test]
    fn process_gets_the_facts_of_the_job_and_neither_prompt_nor_credential() {
        let command = command(
            &hook(&["notify-send", "clip ready"]),
            &job(),
            &surroundings(),
        );
        let variables: Vec<_> = command.get_envs().collect();
        let of = |name: &str| {
            let found = variables.iter().find(|one| one.0 == name);
            found.unwrap_or_else(|| panic!("{name}")).1
        };
        for (name, value) in [
            ("ZOETROPE_JOB", "j-1"),
            ("ZOETROPE_STATE", "failed"),
            ("ZOETROPE_NODE", "image_to_video"),
            ("ZOETROPE_KEY", "order-66"),
            ("ZOETROPE_CONNECTION", "pixelml"),
            ("ZOETROPE_CHARGED", "no"),
            ("ZOETROPE_COST", "0.08 USD"),
            ("ZOETROPE_ERROR_KIND", "rejected"),
            ("ZOETROPE_DATA_DIR", "/data"),
        ] {
            assert_eq!(of(name), Some(OsStr::new(value)), "{name}");
        }
        assert_eq!(of("ZOETROPE_FILE"), None, "it has no file");
        assert_eq!(of("PIXELML_API_KEY"), None, "it is removed");
        let shown = format!("{variables:?}");
        assert!(!shown.contains("prompt"), "{shown}");
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["clip ready"]);
    }

    #[cfg(unix)]
    #[test]
    fn end_of_a_process_is_its_code_or_the_reason_why_it_has_none() {
        let run = |words: &[&str]| run(&hook(words), &job(), &surroundings());
        assert_eq!(run(&["/bin/sh", "-c", "exit 3"]), Ok(3));
        assert_eq!(
            run(&["/bin/sh", "-c", "kill -9 $$"]),
            Err("it was ended by signal 9".into())
        );
        let missing = run(&["/nonexistent/program"]).expect_err("no program");
        assert!(missing.starts_with("it cannot be started: "), "{missing}");
        // Its input ends at once.
        assert_eq!(run(&["/bin/cat"]), Ok(0));
    }
}
