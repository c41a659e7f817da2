use super::*;

#[test]
fn commits_use_a_full_sync_and_the_log_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&folder.path().join("ledger.sqlite3")).expect("open");
    let value = |pragma: &str| -> i64 {
        let value = connection.pragma_query_value(None, pragma, |row| row.get(0));
        value.expect("a value")
    };
    assert_eq!(value("synchronous"), 2, "full");
    assert_eq!(value("fullfsync"), 1, "F_FULLFSYNC on macOS");
    assert_eq!(value("checkpoint_fullfsync"), 1, "F_FULLFSYNC on macOS");
    assert_eq!(value("journal_size_limit"), LOG_BYTES);
    assert_eq!(value("secure_delete"), 1, "deleted prompts are overwritten");
}
