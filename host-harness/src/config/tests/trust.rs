use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::super::{ConfigFile, TrustError, TrustRecord};

const DIGEST: &str = "3f9c0000000000000000000000000000000000000000000000000000000000aa";

fn record_in(folder: &TempDir) -> PathBuf {
    folder.path().join("zoetrope/trust.json")
}

fn parse(text: &str) -> Result<TrustRecord, TrustError> {
    TrustRecord::parse(text.as_bytes(), Path::new("/own/trust.json"))
}

#[test]
fn file_is_trusted_with_the_content_that_was_recorded_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = record_in(&folder);
    assert_eq!(
        TrustRecord::read(&path).expect("no record"),
        TrustRecord::default()
    );
    let file = ConfigFile::written(Path::new("/project/zoetrope.toml"), "# one\n");
    TrustRecord::add(&path, &file, Timestamp::UNIX_EPOCH).expect("written");
    let record = TrustRecord::read(&path).expect("a record");
    assert!(record.trusts(&file));
    let entry = record.entry(file.path()).expect("an entry");
    assert_eq!((entry.text(), entry.digest()), ("# one\n", file.digest()));
    let changed = ConfigFile::written(file.path(), "# two\n");
    assert!(!record.trusts(&changed));
    let elsewhere = ConfigFile::written(Path::new("/other/zoetrope.toml"), "# one\n");
    assert!(!record.trusts(&elsewhere));

    TrustRecord::add(&path, &changed, Timestamp::UNIX_EPOCH).expect("written");
    let record = TrustRecord::read(&path).expect("a record");
    assert_eq!(record.files().len(), 1, "an entry is renewed");
    assert!(record.trusts(&changed) && !record.trusts(&file));
    assert!(TrustRecord::remove(&path, file.path()).expect("written"));
    assert!(!TrustRecord::remove(&path, file.path()).expect("unchanged"));
    assert!(
        TrustRecord::read(&path)
            .expect("a record")
            .files()
            .is_empty()
    );
}

#[cfg(unix)]
#[test]
fn record_and_its_folder_are_private_and_are_refused_if_others_can_write_them() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let path = record_in(&folder);
    let file = ConfigFile::written(Path::new("/project/zoetrope.toml"), "");
    TrustRecord::add(&path, &file, Timestamp::UNIX_EPOCH).expect("written");
    let mode = |path: &Path| {
        let metadata = fs::metadata(path).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    let folder = path.parent().expect("a folder");
    for (place, wrong, right) in [(&*path, 0o620, 0o600), (folder, 0o777, 0o755)] {
        let set = |mode| fs::set_permissions(place, fs::Permissions::from_mode(mode));
        set(wrong).expect("a mode");
        let error = TrustRecord::read(&path).expect_err("others can write it");
        assert!(
            matches!(error, TrustError::WritableByOthers { .. }),
            "{error}"
        );
        let command = format!("`chmod go-w '{}'`", place.display());
        assert!(error.to_string().contains(&command), "{error}");
        let error = TrustRecord::remove(&path, file.path()).expect_err("it is not changed");
        assert!(
            matches!(error, TrustError::WritableByOthers { .. }),
            "{error}"
        );
        set(right).expect("a mode");
        assert!(TrustRecord::read(&path).expect("a record").trusts(&file));
    }
}

#[cfg(unix)]
#[test]
fn path_with_control_characters_or_invalid_utf_8_is_recorded_and_shown_escaped() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let path = record_in(&folder);
    for (name, shown) in [
        (
            &b"/a\n\x1b[2J/zoetrope.toml"[..],
            "/a\\u{a}\\u{1b}[2J/zoetrope.toml",
        ),
        (b"/\xff\xfe/zoetrope.toml", "/\\xff\\xfe/zoetrope.toml"),
        (b"/%ff/zoetrope.toml", "/%ff/zoetrope.toml"),
    ] {
        let file = ConfigFile::written(Path::new(OsStr::from_bytes(name)), "");
        TrustRecord::add(&path, &file, Timestamp::UNIX_EPOCH).expect("written");
        let record = TrustRecord::read(&path).expect("a record");
        assert!(record.trusts(&file));
        let entry = record.entry(file.path()).expect("an entry");
        assert_eq!(entry.shown_path(), shown);
    }
    assert_eq!(TrustRecord::read(&path).expect("a record").files().len(), 3);
}

#[test]
fn record_that_is_damaged_or_of_another_version_is_an_error_that_names_the_file() {
    let entry = format!(
        "{{\"path\": \"/p\", \"sha256\": \"{DIGEST}\", \"text\": \"\", \"trusted_at\": \"2026-01-01T00:00:00Z\"}}"
    );
    let whole = |files: &str| format!("{{\"version\": 1, \"files\": [{files}]}}");
    assert_eq!(parse(&whole(&entry)).expect("a record").files().len(), 1);
    let with_hex =
        |digits: &str| entry.replace("\"path\": \"/p\"", &format!("\"path_hex\": \"{digits}\""));
    assert_eq!(
        parse(&whole(&with_hex("2fff")))
            .expect("a record")
            .files()
            .len(),
        1
    );
    for text in [
        String::new(),
        "[]".into(),
        "{\"version\": 1}".into(),
        "{\"version\": 2, \"files\": []}".into(),
        "{\"version\": 1, \"files\": [], \"trust_all\": true}".into(),
        "{\"version\": 1, \"version\": 1, \"files\": []}".into(),
        whole(&format!("{entry}, {entry}")),
        whole(&entry.replace(DIGEST, "3f9c")),
        whole(&entry.replace("\"path\": \"/p\", ", "")),
        whole(&entry.replace("\"text\"", "\"path_hex\": \"ff\", \"text\"")),
        whole(&with_hex("2f")),
        whole(&with_hex("2")),
        whole(&entry.replace("2026-01-01", "yesterday")),
    ] {
        let error = parse(&text).expect_err(&text).to_string();
        assert!(error.contains("/own/trust.json"), "{error}");
    }
}
