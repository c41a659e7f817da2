//! What a command's exit code says.

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
        "usage, configuration, unknown node type, bad ticket, key conflict",
    ),
    (3, "invalid input, or something the node cannot do"),
    (
        4,
        "no usable connection, another connection, or a refused credential",
    ),
    (5, "denied by the host's policy"),
    (6, "throttled or rejected by the provider"),
    (
        7,
        "the job failed, was cancelled, or is lost, or it was too late to cancel it",
    ),
    (8, "nobody knows whether the job was accepted"),
    (
        9,
        "not finished and resumable: deadline, interrupted, unavailable, download failed",
    ),
];

/// The exit code of each kind of failure; `docs/reference/exit-codes.md` is the same for people.
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
        ErrorKind::Denied => 5,
        ErrorKind::Throttled | ErrorKind::Rejected => 6,
        ErrorKind::Failed
        | ErrorKind::Cancelled
        | ErrorKind::JobLost
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

/// The exit codes as `--help` lists them.
pub(crate) fn help() -> String {
    let mut text = String::from("Exit codes:");
    for (code, meaning) in MEANINGS {
        let _ = write!(text, "\n  {code}  {meaning}");
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
