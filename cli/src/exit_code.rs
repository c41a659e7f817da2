//! The exit codes of commands.

use std::fmt::Write as _;

use zoetrope_host::error::ErrorKind;

/// The exit codes and their meanings.
pub(crate) const MEANINGS: [(u8, &str); 10] = [
    (0, "done"),
    (
        1,
        "internal error, the component was stopped, or the ledger cannot be used",
    ),
    (
        2,
        "wrong usage, bad configuration or component, unknown node type, bad ticket, key conflict",
    ),
    (
        3,
        "invalid input, or unsupported by the node or the provider",
    ),
    (
        4,
        "no usable connection, a changed connection, or a refused credential",
    ),
    (5, "denied by policy, or it may cost more than --max-cost"),
    (
        6,
        "throttled, rejected, or the account refused by the provider",
    ),
    (
        7,
        "the job failed, was cancelled or lost, never started, or could not be cancelled in time",
    ),
    (8, "unknown whether the provider accepted the job"),
    (
        9,
        "not finished, but resumable: deadline, interruption, provider unavailable, unreadable reply, failed download",
    ),
];

/// The exit code of each kind of failure. `docs/reference/exit-codes.md` has the same table.
pub(crate) fn of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Internal | ErrorKind::ComponentTrap | ErrorKind::LedgerUnavailable => 1,
        ErrorKind::Usage
        | ErrorKind::BadConfig
        | ErrorKind::BadComponent
        | ErrorKind::UnknownNodeType
        | ErrorKind::BadTicket
        | ErrorKind::KeyConflict => 2,
        ErrorKind::InvalidInput | ErrorKind::Unsupported => 3,
        ErrorKind::ConnectionUnavailable
        | ErrorKind::ConnectionChanged
        | ErrorKind::Unauthorized
        | ErrorKind::NotSent => 4,
        ErrorKind::Denied | ErrorKind::OverMaxCost => 5,
        ErrorKind::Throttled | ErrorKind::Rejected | ErrorKind::AccountRefused => 6,
        ErrorKind::Failed
        | ErrorKind::Cancelled
        | ErrorKind::JobLost
        | ErrorKind::NoResult
        | ErrorKind::NeverStarted
        | ErrorKind::TooLate => 7,
        ErrorKind::OutcomeUnknown => 8,
        ErrorKind::Deadline
        | ErrorKind::Interrupted
        | ErrorKind::Unavailable
        | ErrorKind::DownloadFailed
        | ErrorKind::ProtocolViolation => 9,
    }
}

/// The list of exit codes in `--help`, after this text.
pub(crate) fn help(before: &str) -> String {
    /// The columns that every help fits into.
    const COLUMNS: usize = 80;
    let mut text = format!("{before}\nExit codes:");
    for (code, meaning) in MEANINGS {
        let line = textwrap::Options::new(COLUMNS).subsequent_indent("     ");
        let line = textwrap::fill(&format!("  {code}  {meaning}"), line);
        let _ = write!(text, "\n{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_documentation() {
        let documented = include_str!("../../docs/reference/exit-codes.md");
        let mut codes = Vec::new();
        for row in documented.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let Ok(code) = cells[1].parse::<u8>() else {
                continue;
            };
            let kinds = cells[2].split(", ").filter(|kind| kind.starts_with('`'));
            codes.extend(kinds.map(|kind| (kind.trim_matches('`'), code)));
        }
        for kind in ErrorKind::ALL {
            let documented: Vec<_> = codes
                .iter()
                .filter(|(name, _)| *name == kind.as_str())
                .collect();
            assert_eq!(documented, [&(kind.as_str(), of(kind))], "{kind}");
        }
        assert_eq!(codes.len(), ErrorKind::ALL.len(), "every name is a kind");
    }

    #[test]
    fn every_code_has_a_meaning() {
        for kind in ErrorKind::ALL {
            assert!(MEANINGS.iter().any(|(code, _)| *code == of(kind)), "{kind}");
        }
    }
}
