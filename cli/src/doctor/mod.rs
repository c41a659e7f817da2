//! `zoetrope doctor`: checks of this machine and of the data directory.
//!
//! Its output is made to be pasted into a report: it has no secret, no prompt, and `~` in the place
//! of the home folder.
//!
//! - [`check`]: the result of a check; [`home`]: texts with `~`
//! - the other modules: the checks

mod check;
mod clock;
mod configuration;
mod connections;
mod data_dir;
mod driver;
mod engine;
mod home;
mod ledger;
mod network;
mod program;
mod terminal;

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use self::check::{COLUMNS, Check, MIN_COLUMNS};
use self::home::Home;
use super::args::Doctor;
use super::context::Context;
use super::report::{Failure, Phase};
use super::table::width;

impl Doctor {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        // Its checks say what the data directory lacks.
        context.makes_no_folder();
        let data_dir = context.named_data_dir()?;
        let options = context.options();
        let mut checks = Vec::from(program::checks());
        checks.extend([
            data_dir::check(&data_dir, &options),
            ledger::check(&data_dir, &options),
            driver::check(&data_dir, &options),
            clock::check(&data_dir),
            configuration::check(context).await,
        ]);
        checks.extend(connections::checks(context, self.online).await);
        checks.extend([
            network::check(context).await,
            engine::check(
                engine::tried(context.engine_that_makes_no_folder()).await,
                &options,
            ),
            terminal::check(),
        ]);
        let home = Home::of_user();
        let columns = width().map_or(COLUMNS, |width| width.clamp(MIN_COLUMNS, COLUMNS));
        let sent = if self.online {
            Some(connections::sent(context).await)
        } else {
            None
        };
        let documents: Vec<_> = checks.iter().map(|check| check.document(&home)).collect();
        let mut text: Vec<_> = checks
            .iter()
            .map(|check| check.text(&home, columns))
            .collect();
        if let Some(sent) = &sent {
            text.push(format!("Sent: {sent}."));
        }
        let text = text.join("\n");
        let Some(worst) = worst(&checks, &home) else {
            let answer = json!({ "ok": true, "checks": documents, "sent": sent });
            context.printer().answer(&answer, &text)?;
            return Ok(ExitCode::SUCCESS);
        };
        if !context.json() {
            // The problems are in the text, with their next steps.
            context.printer().text(&format!("{text}\n"))?;
            return Ok(worst.exit_code());
        }
        let more = Map::from_iter([
            ("checks".to_owned(), Value::Array(documents)),
            ("sent".to_owned(), sent.into()),
        ]);
        Err(worst.of_job(more))
    }
}

/// The failure of the worst problem: that of the lowest exit code, and of these the first.
fn worst(checks: &[Check], home: &Home) -> Option<Failure> {
    let problems = checks.iter().filter_map(|check| {
        let summary = home.hidden(&check.summary());
        let failure = Failure::new(check.problem()?, Phase::Setup, summary);
        Some(match check.next() {
            Some(next) => failure.then(home.hidden(next)),
            None => failure,
        })
    });
    problems.min_by_key(Failure::code)
}

#[cfg(test)]
mod tests {
    use zoetrope_host::error::ErrorKind;

    use super::*;

    #[test]
    fn worst_problem_is_the_one_of_the_lowest_exit_code() {
        let ok = || Check::ok("a", "fine");
        let warning = || Check::warning("b", "slow", "wait");
        assert!(worst(&[ok(), warning()], &Home::none()).is_none());
        let problem = |kind| Check::problem_of(kind, "c", "broken", "fix it");
        let checks = [
            ok(),
            problem(ErrorKind::ConnectionUnavailable),
            problem(ErrorKind::LedgerUnavailable),
            warning(),
        ];
        let found = worst(&checks, &Home::none());
        let found = found.expect("a failure");
        assert_eq!(found.code(), 1);
        assert_eq!(found.next(), "fix it");
        assert_eq!(found.message(), "c: broken");
    }
}
