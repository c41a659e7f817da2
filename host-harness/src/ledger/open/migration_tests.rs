use super::*;

#[test]
fn failed_migration_changes_nothing_and_is_repeated_at_the_next_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger");
    let earlier = Connection::open(&path).expect("a ledger");
    for migration in &MIGRATIONS[..2] {
        earlier.execute_batch(migration).expect("version 2");
    }
    let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2");
    earlier.execute_batch(&marks).expect("the marks");
    // The last statement of the migration then fails.
    let rename = "ALTER TABLE history RENAME COLUMN trouble TO other";
    earlier.execute_batch(rename).expect("a change");
    open(&path).expect_err("a column is missing");
    let first = earlier.prepare("SELECT given FROM jobs").map(drop);
    first.expect("the first statement was rolled back");
    assert_eq!(version(&earlier).expect("a version"), 2);

    let repair = "ALTER TABLE history RENAME COLUMN other TO trouble";
    earlier.execute_batch(repair).expect("a change");
    let migrated = open(&path).expect("the whole migration");
    assert_eq!(version(&migrated).expect("a version"), VERSION);
}
