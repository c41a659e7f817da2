//! The commands of a job's ends, as `jobs show` prints them.

use serde_json::{Value, json};
use zoetrope_host::ledger::EndHook;
use zoetrope_host::sanitize::line;

use crate::report::outcome;

/// A command as JSON: without its arguments, which may hold what only the program may read.
pub(super) fn document(hook: &EndHook) -> Value {
    let end = hook.end.as_ref();
    json!({
        "state": hook.state.as_str(),
        "program": hook.command.shown_program(),
        "started_at": hook.started_at.map(outcome::time),
        "ended_at": end.map(|end| outcome::time(end.at)),
        "exit_code": end.and_then(|end| end.exit_code),
        "problem": end.and_then(|end| end.problem.as_deref()),
    })
}

/// A command's line.
pub(super) fn text(hook: &Value) -> String {
    let field = |name: &str| hook[name].as_str();
    let how = match (field("problem"), hook["exit_code"].as_i64()) {
        (Some(problem), _) => problem.to_owned(),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) if field("started_at").is_some() => {
            "was started, and its end is not known".to_owned()
        }
        (None, None) => "is not started yet".to_owned(),
    };
    let program = field("program").unwrap_or_default();
    line(&format!("{program}: {how}")).into_owned()
}

#[cfg(test)]
mod tests {
    use zoetrope_host::external_command::ExternalCommand;
    use zoetrope_host::ledger::{HookEnd, State};

    use super::*;

    #[test]
    fn line_of_a_command_says_whether_it_was_run() {
        let words = ["notify-send", "hidden"].map(Into::into);
        let mut hook = EndHook {
            id: 1,
            job: "j".into(),
            state: State::Succeeded,
            command: ExternalCommand::new(words).expect("a command"),
            started_at: None,
            end: None,
        };
        let shown = |hook: &EndHook| text(&document(hook));
        assert_eq!(shown(&hook), "notify-send: is not started yet");
        hook.started_at = Some(1_000);
        let unknown = "notify-send: was started, and its end is not known";
        assert_eq!(shown(&hook), unknown);
        let mut end = HookEnd {
            at: 2_000,
            exit_code: Some(3),
            problem: None,
        };
        hook.end = Some(end.clone());
        assert_eq!(shown(&hook), "notify-send: ended with exit code 3");
        end.exit_code = None;
        end.problem = Some("it was ended by signal 9".into());
        hook.end = Some(end);
        assert_eq!(shown(&hook), "notify-send: it was ended by signal 9");
        assert!(!document(&hook).to_string().contains("hidden"));
    }
}
