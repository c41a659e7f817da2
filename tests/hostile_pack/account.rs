//! The account of a provider that does not trust its customers, compared with the ledger.

use std::collections::BTreeSet;

use serde_json::Value;

use super::mode::Mode;
use super::process::{Run, Step};
use crate::support::provider::Arrived;

/// Methods that order nothing at any provider.
const READS: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// Whether another submit may follow a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Permits {
    /// At any time: the provider put the submit off.
    Again,
    /// By a command of the user: the provider refused it.
    OnCommand,
    /// The provider charges the submit, or may.
    Never,
}

/// What the mode achieved against the promises about money.
pub(super) fn faults(mode: &Mode, run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    submits(mode, run, &mut faults);
    for (at, step) in run.steps.iter().enumerate() {
        let so_far = run.arrived.get(..step.arrived).unwrap_or(&run.arrived);
        row(mode, step, so_far, &mut faults);
        let is_first = at == 0;
        if is_first && mode.neighbour && step.row.is_none() {
            faults.push("the first command made no job".into());
        }
    }
    for (line, most) in &mode.routes {
        let count = count(&run.arrived, line);
        if count > *most {
            faults.push(format!("{count} times {line}, at most {most} permitted"));
        }
    }
    for (line, expected) in &mode.arrives {
        let count = count(&run.arrived, line) + self::count(&run.elsewhere, line);
        if count != *expected {
            faults.push(format!("{count} times {line}, {expected} expected"));
        }
    }
    let reads = |request: &&Arrived| READS.contains(&request.method.as_str());
    for request in run.arrived.iter().filter(reads) {
        if !request.body.is_empty() {
            faults.push(format!("a body on {}", request.line()));
        }
    }
    for request in run.elsewhere.iter().filter(|request| changes(request)) {
        faults.push(format!("{} at another origin", request.line()));
    }
    faults
}

/// Checks that each submit was permitted by the reply to the one before it.
fn submits(mode: &Mode, run: &Run, faults: &mut Vec<String>) {
    let mut charged = 0;
    let mut sent = 0;
    let mut keys = BTreeSet::new();
    let mut last: Option<(Permits, usize, &Arrived)> = None;
    for (at, request) in run.arrived.iter().enumerate() {
        if !is_submit(mode, request) {
            continue;
        }
        let command = run.steps.iter().filter(|step| step.arrived <= at).count();
        let key = request.header("idempotency-key");
        let is_known = mode.honours && key.is_some_and(|key| !keys.insert(key));
        if let Some((permits, of_command, before)) = last
            && !is_known
        {
            let is_permitted = match permits {
                Permits::Again => true,
                Permits::OnCommand => command > of_command,
                Permits::Never => false,
            };
            if !is_permitted {
                let status = before.reply.status();
                faults.push(format!(
                    "a second purchase: {} after {} was answered {status:?}",
                    request.line(),
                    before.line()
                ));
            }
        }
        let permits = permits(request);
        charged += usize::from(permits == Permits::Never && !is_known);
        sent += 1;
        last = Some((permits, command, request));
    }
    if charged > mode.charged_at_most {
        faults.push(format!("{charged} submits are charged"));
    }
    if let Some(most) = mode.sends_at_most
        && sent > most
    {
        faults.push(format!(
            "{sent} submits were sent, at most {most} permitted"
        ));
    }
}

/// Checks that the row does not deny what was paid, and has not lost its ticket.
fn row(mode: &Mode, step: &Step, so_far: &[Arrived], faults: &mut Vec<String>) {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let command = &step.command;
    let paid = so_far
        .iter()
        .filter(|request| is_submit(mode, request) && permits(request) == Permits::Never);
    let paid: Vec<_> = paid.collect();
    let is_answered = paid.iter().any(|request| {
        let status = request.reply.status();
        status.is_some_and(|status| (200..300).contains(&status))
    });
    let Some(row) = &step.row else {
        if !paid.is_empty() {
            faults.push(format!("{command}: paid, but there is no row"));
        }
        return;
    };
    let (state, charge) = (text(row, "state"), text(row, "charged"));
    if !paid.is_empty() && charge == "no" {
        faults.push(format!(
            "{command}: `charged` is `no` for what was paid ({state})"
        ));
    }
    match &mode.states {
        Some(states) if !states.contains(&state) => {
            faults.push(format!(
                "{command}: the state is {state}, not of {states:?}"
            ));
        }
        // The process died while it waited for the reply.
        None if state == "submitting" && command.starts_with("killed") => {}
        None if !paid.is_empty() && ["queued", "submitting"].contains(&state.as_str()) => {
            faults.push(format!("{command}: paid, but the row is {state}"));
        }
        None if state == "cancelled" && mode.commands.iter().any(|one| one == "cancel") => {}
        None if is_answered
            && !["started", "succeeded", "outcome_unknown"].contains(&state.as_str()) =>
        {
            faults.push(format!("{command}: accepted, but the row is {state}"));
        }
        _ => {}
    }
    if let Some(id) = &mode.provider_job_id
        && row["provider_job_id"] != id.as_str()
    {
        faults.push(format!("{command}: the ticket of the accepted job is lost"));
    }
}

/// Whether a request may be a purchase: all that is neither a read nor on a granted route.
fn is_submit(mode: &Mode, request: &Arrived) -> bool {
    let is_neighbours = mode.neighbour && request.line().ends_with("/neighbour");
    changes(request) && !mode.routes.contains_key(&request.line()) && !is_neighbours
}

/// Whether a request may order something: by its method, or by a header that replaces it.
fn changes(request: &Arrived) -> bool {
    let overrides = |name: &str| {
        let name = name.replace('_', "-");
        [
            "x-http-method-override",
            "x-http-method",
            "x-method-override",
        ]
        .contains(&name.as_str())
    };
    !READS.contains(&request.method.as_str())
        || request.headers.iter().any(|(name, _)| overrides(name))
}

fn permits(request: &Arrived) -> Permits {
    match request.reply.status() {
        Some(429) => Permits::Again,
        Some(503) if request.reply.has_header("retry-after") => Permits::Again,
        Some(400..500) => Permits::OnCommand,
        _ => Permits::Never,
    }
}

fn count(arrived: &[Arrived], line: &str) -> usize {
    let of_line = arrived.iter().filter(|request| request.line() == line);
    of_line.count()
}
