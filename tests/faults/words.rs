//! Status words in other spellings: case does not matter, and `-`, `_` and a blank are equal. Other
//! words stay unrecognized.

use serde_json::{Value, json};

use super::table::Table;
use super::wires::{Wire, for_each_wire, message};
use crate::support::provider::Reply;

/// What a job's status means.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    Waiting,
    Succeeded,
    Failed,
    Cancelled,
    Unrecognized,
}

use Meaning::{Cancelled, Failed, Succeeded, Unrecognized, Waiting};

/// The statuses of a wire that differ from its words in spelling, and others.
fn statuses(wire: Wire) -> Vec<(Value, Meaning)> {
    let words: &[(&str, Meaning)] = match wire {
        Wire::Jobs => &[
            ("SUCCEEDED", Succeeded),
            ("Succeeded", Succeeded),
            ("QUEUED", Waiting),
            ("Running", Waiting),
            ("FAILED", Failed),
            ("Cancelled", Cancelled),
            ("suc-ceeded", Unrecognized),
            ("archived", Unrecognized),
        ],
        Wire::Configured => &[
            ("completed", Succeeded),
            ("COMPLETED", Succeeded),
            ("IN_PROGRESS", Waiting),
            ("in-progress", Waiting),
            ("In Progress", Waiting),
            ("ON-HOLD", Waiting),
            ("Burnt_Out", Failed),
            ("SENT BACK", Cancelled),
            ("sent_back", Cancelled),
            ("inprogress", Unrecognized),
            ("in.progress", Unrecognized),
            ("succeeded", Unrecognized),
        ],
        Wire::AgenticFlow => &[
            ("SUCCESS", Succeeded),
            ("Success", Succeeded),
            ("RUNNING", Waiting),
            ("Created", Waiting),
            ("QUEUED", Waiting),
            ("FAILED", Failed),
            ("Cancelled", Cancelled),
            ("archived", Unrecognized),
        ],
        // Its statuses are numbers, in a text or bare.
        Wire::ShortApi => &[
            ("2", Succeeded),
            (" 2 ", Succeeded),
            ("1", Waiting),
            ("3", Failed),
        ],
        Wire::PopiArt => &[
            ("DONE", Succeeded),
            ("Done", Succeeded),
            ("PENDING", Waiting),
            ("Running", Waiting),
            ("FAILED", Failed),
            ("Cancelled", Cancelled),
            ("archived", Unrecognized),
        ],
    };
    let words = words.iter().map(|(word, meaning)| (json!(word), *meaning));
    words.collect()
}

/// Runs a job whose every poll has this status.
fn job_ends_as(wire: Wire, status: &Value, meaning: Meaning) {
    let job = wire.job(status, &json!({"message": "as told"}));
    let replies = vec![Reply::json(200, job)];
    let ran = wire.run(wire.lines().poll, replies, &["--deadline", "2500ms"]);
    let unrecognized = format!("`{}`", status.as_str().unwrap_or_default());
    match meaning {
        Succeeded => ran.has_a_clip(wire),
        Failed => {
            ran.error("failed", 7, "unknown");
        }
        Cancelled => {
            ran.error("cancelled", 7, "unknown");
        }
        Waiting | Unrecognized => {
            let error = ran.error("deadline", 9, "unknown");
            let is_named = message(&error).contains(&unrecognized);
            let is_unknown = matches!(meaning, Unrecognized);
            assert_eq!(is_named, is_unknown, "{error}");
            assert!(ran.count(wire.lines().poll) > 0, "{error}");
        }
    }
}

fn every_status_is_read(wire: Wire) {
    let mut table = Table::default();
    for (status, meaning) in statuses(wire) {
        table.row(format!("{status} is {meaning:?}"), move || {
            job_ends_as(wire, &status, meaning);
        });
    }
    table.try_all();
}

for_each_wire!(status_in_another_spelling_is_read: every_status_is_read);
