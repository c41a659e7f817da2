//! Commands that are run when a job ends: once, by whichever process ends it, with the job's facts.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{RUN, SUBMIT, end_the_job, run_until_deadline, slow_provider};

/// A script that keeps what it gets, prints, and ends with an exit code of its own.
const HOOK: &str = "/usr/bin/env >> hook.environment
echo \"$#:$1\" >> hook.arguments
/bin/cat >> hook.input
echo printed by the hook
exit 3";

/// The lines of a file that the script has written; none if it was not run.
fn lines(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let text = fs::read_to_string(sandbox.path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The same of a script that may still run: waits until it has written.
fn written(sandbox: &Sandbox, name: &str) -> Vec<String> {
    for _ in 0..600 {
        let lines = lines(sandbox, name);
        if !lines.is_empty() {
            return lines;
        }
        thread::sleep(Duration::from_millis(50));
    }
    Vec::new()
}

/// The variables of the program that the script has got.
fn variables(sandbox: &Sandbox) -> Vec<String> {
    let mut variables = lines(sandbox, "hook.environment");
    variables.retain(|line| line.starts_with("ZOETROPE_"));
    variables.sort();
    variables
}

fn hooks(sandbox: &Sandbox, job: &str) -> Value {
    let shown = sandbox.run(["--json", "jobs", "show", job]).json();
    shown["end_hooks"].clone()
}

#[test]
fn command_of_a_job_is_run_once_by_the_process_that_ends_it() {
    let (provider, sandbox) = slow_provider();
    sandbox.write_script("hook.sh", HOOK);
    let exec = ["--exec", "./hook.sh", "--exec", "clip; ready"];
    let run = RUN.iter().chain(&exec).chain(&["--deadline", "500ms"]);
    let outcome = sandbox.run(run);
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let job = outcome.error("deadline")["job"].clone();
    let job = job.as_str().expect("an id");
    assert!(lines(&sandbox, "hook.arguments").is_empty(), "not ended");
    assert_eq!(hooks(&sandbox, job), Value::Null);

    end_the_job(&provider);
    let resumed = sandbox.run(["jobs", "resume", job]);
    let file = sandbox.path("clip.mp4");
    // Standard output has the path alone, and the exit code is that of the job.
    let facts = (resumed.code, resumed.stdout.trim_end());
    assert_eq!(facts, (0, file.to_str().expect("a path")), "{resumed:?}");
    assert!(
        resumed.stderr.contains("printed by the hook"),
        "{resumed:?}"
    );
    let failure = format!("failed after the end of job {job}: it ended with exit code 3");
    assert!(resumed.stderr.contains(&failure), "{resumed:?}");
    assert_eq!(lines(&sandbox, "hook.arguments"), ["1:clip; ready"]);
    assert!(lines(&sandbox, "hook.input").is_empty());
    let expected = [
        "ZOETROPE_CHARGED=yes".to_owned(),
        "ZOETROPE_CONNECTION=scripted".to_owned(),
        format!("ZOETROPE_DATA_DIR={}", sandbox.data_dir().display()),
        format!("ZOETROPE_FILE={}", file.display()),
        format!("ZOETROPE_JOB={job}"),
        "ZOETROPE_KEY=order-66".to_owned(),
        "ZOETROPE_NODE=image_to_video_v3".to_owned(),
        "ZOETROPE_STATE=succeeded".to_owned(),
    ];
    let mut found = variables(&sandbox);
    found.retain(|line| !line.starts_with("ZOETROPE_CONFIG="));
    assert_eq!(found, expected);

    // The same command again, and a resumed job, have no further end.
    for again in [&RUN[..], &["jobs", "resume", job]] {
        let again = if again == RUN {
            [again, &exec].concat()
        } else {
            again.to_vec()
        };
        let outcome = sandbox.run(again);
        assert_eq!(outcome.code, 0, "{outcome:?}");
    }
    assert_eq!(lines(&sandbox, "hook.arguments").len(), 1);
    let hooks = hooks(&sandbox, job);
    assert_eq!(hooks.as_array().map(Vec::len), Some(1), "{hooks}");
    assert_eq!(hooks[0]["exit_code"], 3);
    assert_eq!(hooks[0]["state"], "succeeded");
    let shown = sandbox.run(["jobs", "show", job]).stdout;
    let line = "hook.sh: ended with exit code 3";
    assert!(shown.lines().any(|shown| shown.ends_with(line)), "{shown}");
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}

#[test]
fn configured_command_is_run_at_each_end_of_an_attempt_and_never_for_an_untrusted_file() {
    let refused = Reply::json(400, json!({"error": "not allowed"}));
    let provider = Server::start(Script::from([(SUBMIT.into(), vec![refused])]));
    let sandbox = Sandbox::new();
    sandbox.write_script("hook.sh", HOOK);
    let connection = provider.connection("");
    sandbox.configure(&format!(
        "{connection}\n[hooks]\non_end = [\"./hook.sh\"]\n"
    ));
    let run = [
        "--json",
        "run",
        "image_to_video_v3",
        "--set",
        "prompt=p",
        "--set",
        "image=https://p.example/a.png",
    ];
    let outcome = sandbox.run(run);
    let error = outcome.error("rejected");
    assert_eq!(lines(&sandbox, "hook.arguments"), ["0:"]);
    let found = variables(&sandbox);
    for expected in [
        "ZOETROPE_STATE=failed",
        "ZOETROPE_ERROR_KIND=rejected",
        "ZOETROPE_CHARGED=no",
    ] {
        assert!(found.iter().any(|line| line == expected), "{found:?}");
    }
    let has_file = found.iter().any(|line| line.starts_with("ZOETROPE_FILE="));
    assert!(!has_file, "{found:?}");

    let job = error["job"].as_str().expect("an id");
    let retried = sandbox.run(["--json", "jobs", "retry", job]);
    assert_ne!(retried.code, 0, "{retried:?}");
    assert_eq!(
        lines(&sandbox, "hook.arguments").len(),
        2,
        "another attempt"
    );

    // In a folder whose file is not trusted, the end of a job runs nothing of it.
    let practice = run.iter().chain(&["--connection", "practice"]);
    let command = sandbox.command_in_folder(practice);
    let outcome = sandbox.start(command).end();
    let answer = outcome.json();
    let ended = answer["job"].as_str().or(answer["error"]["job"].as_str());
    assert_eq!(hooks(&sandbox, ended.expect("a job")), Value::Null);
    assert_eq!(lines(&sandbox, "hook.arguments").len(), 2);
}

#[test]
fn command_that_is_no_program_ends_the_run_before_anything_is_sent() {
    let (provider, sandbox) = slow_provider();
    for exec in ["notify-send clip ready", "./missing.sh", ""] {
        let outcome = sandbox.run(RUN.iter().chain(&["--exec", exec]));
        outcome.error("usage");
    }
    let text = "[hooks]\non_end = \"notify-send done\"\n";
    sandbox.write("text.toml", text);
    let checked = sandbox.run(["config", "check", "text.toml"]);
    assert_eq!(checked.code, 2, "{checked:?}");
    let shown = format!("{}{}", checked.stdout, checked.stderr);
    assert!(shown.contains("no shell reads it"), "{shown}");
    assert_eq!(provider.arrived().len(), 0);
    assert!(sandbox.jobs().is_empty());
}

#[test]
fn end_that_a_killed_process_left_to_others_is_run_by_the_next_one() {
    let (provider, sandbox) = slow_provider();
    sandbox.write_script("hook.sh", HOOK);
    let error = run_until_deadline(&sandbox);
    let job = error["job"].as_str().expect("an id");
    end_the_job(&provider);
    sandbox.run(["--json", "jobs", "resume", job]).answer();
    // As a process leaves it that is killed between the end of a job and the start of its command.
    // Opened for each change: a look at the files of the sandbox ends the locks of a connection.
    let ledger = || {
        let ledger = sandbox.data_dir().join("ledger.sqlite3");
        rusqlite::Connection::open(ledger).expect("the ledger")
    };
    let add = "INSERT INTO end_hooks (job, retries, state, command)
        VALUES (?1, 0, 'succeeded', json_array(?2, 'late'))";
    let hook = sandbox.path("hook.sh");
    let hook = hook.to_str().expect("a path");
    ledger().execute(add, [job, hook]).expect("a due command");
    for _ in 0..2 {
        let resumed = sandbox.run(["jobs", "resume", "--all"]);
        assert_eq!(resumed.code, 0, "{resumed:?}");
        assert_eq!(written(&sandbox, "hook.arguments"), ["1:late"]);
    }

    // Two that do not end: later commands neither wait for the first one nor start the second.
    sandbox.write_script("hang.sh", "echo $$ >> hang.process\nexec /bin/sleep 1000");
    let hang = sandbox.path("hang.sh");
    let hang = hang.to_str().expect("a path");
    // The first one may have outlived its command on a slow machine.
    let end = "UPDATE end_hooks SET ended_at = started_at, exit_code = 0";
    ledger().execute(end, []).expect("its end");
    for state in ["failed", "cancelled"] {
        let add = "INSERT INTO end_hooks (job, retries, state, command)
            VALUES (?1, 0, ?2, json_array(?3))";
        ledger()
            .execute(add, [job, state, hang])
            .expect("a due command");
    }
    for _ in 0..2 {
        let resumed = sandbox.run(["jobs", "resume", "--all"]);
        assert_eq!(resumed.code, 0, "{resumed:?}");
        assert!(!resumed.stderr.contains("not waiting"), "{resumed:?}");
    }
    let processes = written(&sandbox, "hang.process");
    for process in &processes {
        let killed = Command::new("/bin/sh")
            .args(["-c", &format!("kill {process}")])
            .status();
        assert!(killed.expect("a process").success());
    }
    assert_eq!(processes.len(), 1, "{processes:?}");
}
