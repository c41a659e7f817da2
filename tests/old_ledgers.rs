//! Ledgers that earlier versions wrote, in `ledgers/`, with a job in each state.

use std::fs;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::root;
use crate::support::sandbox::Sandbox;

/// A data directory with the ledger of this version.
fn sandbox_with_ledger(version: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let path = sandbox.data_dir().join("ledger.sqlite3");
    fs::create_dir_all(sandbox.data_dir()).expect("the data directory");
    let dump = root().join(format!("tests/ledgers/{version}.sql"));
    let dump = fs::read_to_string(dump).expect("the dump");
    let ledger = Connection::open(&path).expect("a ledger");
    ledger.execute_batch(&dump).expect("the dump's statements");
    sandbox
}

/// All jobs of the ledger, from `jobs show --input`.
fn everything(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.run(["--json", "jobs"]).json();
    let jobs = listed.as_array().expect("an array").iter();
    jobs.map(|job| {
        let id = job["id"].as_str().expect("an id");
        sandbox
            .run(["--json", "jobs", "show", id, "--input"])
            .json()
    })
    .collect()
}

#[test]
fn ledger_of_version_2_reads_as_its_own_program_showed_it() {
    let sandbox = sandbox_with_ledger("version_2");
    let jobs = everything(&sandbox);
    let states: Vec<_> = jobs.iter().map(|job| job["state"].clone()).collect();
    assert_eq!(
        states,
        [
            "succeeded",
            "succeeded",
            "failed",
            "outcome_unknown",
            "queued",
            "cancelled",
            "started",
            "submitting"
        ]
    );
    insta::assert_json_snapshot!(jobs);
}
