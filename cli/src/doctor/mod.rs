//! `zoetrope doctor`: checks of this machine and of the data directory.
//!
//! - [`check`]: the result of a check; [`home`]: paths with `~`
//! - [`data_dir`], [`ledger`], [`driver`], [`engine`]: the checks

mod check;
mod data_dir;
mod driver;
mod engine;
mod home;
mod ledger;

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use self::check::Check;
use super::args::Doctor;
use super::context::Context;
use super::report::{Failure, Phase};

impl Doctor {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let data_dir = context.data_dir()?;
        let options = context.options();
        let checks = [
            program(),
            data_dir::check(&data_dir, &options),
            ledger::check(&data_dir, &options),
            driver::check(&data_dir, &options),
            engine::check(
                engine::tried(context.engine_that_makes_no_folder()).await,
                &options,
            ),
        ];
        let documents: Vec<_> = checks.iter().map(Check::document).collect();
        let text: Vec<_> = checks.iter().map(Check::text).collect();
        let text = text.join("\n");
        let Some(worst) = worst(&checks) else {
            let answer = json!({ "ok": true, "checks": documents });
            context.printer().answer(&answer, &text)?;
            return Ok(ExitCode::SUCCESS);
        };
        if !context.json() {
            // The problems are in the text, with their next steps.
            context.printer().text(&format!("{text}\n"))?;
            return Ok(worst.exit_code());
        }
        let more = Map::from_iter([("checks".to_owned(), Value::Array(documents))]);
        Err(worst.of_job(more))
    }
}

/// The failure of the worst problem: that of the lowest exit code, and of these the first.
fn worst(checks: &[Check]) -> Option<Failure> {
    let problems = checks.iter().filter_map(|check| {
        let failure = Failure::new(check.problem()?, Phase::Setup, check.summary());
        Some(match check.next() {
            Some(next) => failure.then(next.to_owned()),
            None => failure,
        })
    });
    problems.min_by_key(Failure::code)
}

fn program() -> Check {
    let version = env!("CARGO_PKG_VERSION");
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let text = format!("zoetrope {version}, {system} on {machine}");
    Check::ok("program", text)
        .with("version", version)
        .with("system", system)
        .with("machine", machine)
}

#[cfg(test)]
mod tests {
    use zoetrope_host::error::ErrorKind;

    use super::*;

    #[test]
    fn worst_problem_is_the_one_of_the_lowest_exit_code() {
        let ok = || Check::ok("a", "fine");
        let warning = || Check::warning("b", "slow", "wait");
        assert!(worst(&[ok(), warning()]).is_none());
        let problem = |kind| Check::problem_of(kind, "c", "broken", "fix it");
        let found = worst(&[
            ok(),
            problem(ErrorKind::ConnectionUnavailable),
            problem(ErrorKind::LedgerUnavailable),
            warning(),
        ]);
        let found = found.expect("a failure");
        assert_eq!(found.code(), 1);
        assert_eq!(found.next(), "fix it");
        assert_eq!(found.message(), "c: broken");
    }
}
