use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::super::{
    CONFIG_FILE, ConfigError, ConfigFile, FileFault, Located, NotTrusted, Place, Places,
    TrustRecord, create_private_folder, recorded_path,
};

const TEXT: &str = "[connections.a]\ncategory = \"x\"\nbase_url = \"https://a.example\"\n";

/// A working directory and a user's folder.
struct Folders {
    root: TempDir,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["work", "own"] {
            create_private_folder(&root.path().join(name)).expect("a folder");
        }
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path
    }

    fn places(&self) -> Places {
        Places {
            working_dir: Some(self.path("work")),
            user_dir: Some(self.path("own")),
            ..Places::default()
        }
    }

    fn locate(&self) -> Located {
        self.places().locate().expect("a place")
    }

    fn trust(&self, path: &Path) {
        let record = self.places().trust_record().expect("a record");
        let file = ConfigFile::read_found(path).expect("a file");
        TrustRecord::add(&record, &file, Timestamp::UNIX_EPOCH).expect("written");
    }

    /// Why the file of the working directory is not used.
    #[track_caller]
    fn distrust(&self) -> NotTrusted {
        match self.locate() {
            Located::NotTrusted { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }
}

#[track_caller]
fn found(located: Result<Located, ConfigError>) -> (Place, PathBuf) {
    match located.expect("a place") {
        Located::File { place, file } => (place, file.path().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn first_of_option_variable_trusted_file_and_own_file_is_used() {
    let folders = Folders::new();
    assert!(matches!(folders.locate(), Located::Nothing));
    let own = folders.write("own/zoetrope.toml", TEXT);
    assert_eq!(found(folders.places().locate()), (Place::User, own));
    let here = folders.write("work/zoetrope.toml", TEXT);
    folders.trust(&here);
    let at_work = (Place::WorkingDirectory, here);
    assert_eq!(found(folders.places().locate()), at_work);
    let variable = folders.write("variable.toml", TEXT);
    let places = Places {
        variable: Some(variable.clone()),
        ..folders.places()
    };
    assert_eq!(found(places.locate()), (Place::Variable, variable));
    let option = folders.write("option.toml", TEXT);
    let places = Places {
        option: Some(option.clone()),
        ..places
    };
    assert_eq!(found(places.locate()), (Place::Option, option));
}

#[test]
fn named_file_that_is_missing_is_an_error() {
    let folders = Folders::new();
    let places = Places {
        option: Some(folders.path("gone.toml")),
        ..folders.places()
    };
    let error = places.locate().expect_err("no file");
    assert!(error.is_missing(), "{error}");
}

#[test]
fn untrusted_file_is_not_skipped_in_favour_of_the_users_own() {
    let folders = Folders::new();
    folders.write("own/zoetrope.toml", TEXT);
    folders.write("work/zoetrope.toml", TEXT);
    assert!(matches!(folders.distrust(), NotTrusted::New));
}

#[test]
fn parent_folders_are_not_searched() {
    let folders = Folders::new();
    folders.write("zoetrope.toml", TEXT);
    assert!(matches!(folders.locate(), Located::Nothing));
}

#[test]
fn users_own_folder_as_the_working_directory_needs_no_trust() {
    let folders = Folders::new();
    let own = folders.write("own/zoetrope.toml", TEXT);
    let places = Places {
        working_dir: Some(folders.path("own")),
        ..folders.places()
    };
    assert!(places.is_own(&own) && !places.is_own(&folders.path("work/zoetrope.toml")));
    assert!(!places.is_own(&folders.path("own/other.toml")));
    assert_eq!(found(places.locate()), (Place::User, own));
}

#[test]
fn file_that_changed_since_it_was_trusted_is_not_used() {
    let folders = Folders::new();
    let here = folders.write("work/zoetrope.toml", TEXT);
    folders.trust(&here);
    folders.write(
        "work/zoetrope.toml",
        &TEXT.replace("a.example", "b.example"),
    );
    assert!(matches!(folders.distrust(), NotTrusted::Changed));
    folders.write("work/zoetrope.toml", TEXT);
    assert!(matches!(folders.locate(), Located::File { .. }));
}

#[test]
fn trust_of_one_folder_is_no_trust_of_a_copy_elsewhere() {
    let folders = Folders::new();
    let elsewhere = folders.write(CONFIG_FILE, TEXT);
    folders.trust(&elsewhere);
    folders.write("work/zoetrope.toml", TEXT);
    assert!(matches!(folders.distrust(), NotTrusted::New));
}

#[test]
fn text_of_a_located_file_is_that_of_its_digest_after_a_change_of_the_path() {
    let folders = Folders::new();
    let here = folders.write("work/zoetrope.toml", TEXT);
    folders.trust(&here);
    let Located::File { file, .. } = folders.locate() else {
        panic!("it is trusted");
    };
    // The file changes between the check and the use: the checked text is used.
    folders.write("work/zoetrope.toml", "[connections.evil]\n");
    assert_eq!(file.text(), TEXT);
    assert_eq!(file.digest(), ConfigFile::written(&here, TEXT).digest());
}

#[cfg(unix)]
#[test]
fn symbolic_link_in_the_working_directory_is_refused_even_after_trust() {
    let folders = Folders::new();
    let here = folders.write("work/zoetrope.toml", TEXT);
    folders.trust(&here);
    let target = folders.write("elsewhere.toml", TEXT);
    fs::remove_file(&here).expect("removed");
    std::os::unix::fs::symlink(&target, &here).expect("a link");
    // The content is the trusted one: the link alone is the reason.
    let why = folders.distrust();
    assert!(
        matches!(
            &why,
            NotTrusted::Unreadable(ConfigError::Read {
                source: FileFault::Link,
                ..
            })
        ),
        "{why:?}"
    );
    // A named link is followed.
    let places = Places {
        option: Some(here.clone()),
        ..Places::default()
    };
    assert_eq!(found(places.locate()), (Place::Option, here));
}

#[cfg(unix)]
#[test]
fn link_that_leads_nowhere_is_an_error_at_the_users_own_file() {
    let folders = Folders::new();
    let own = folders.path("own/zoetrope.toml");
    std::os::unix::fs::symlink(folders.path("gone.toml"), &own).expect("a link");
    let error = folders.places().locate().expect_err("no file");
    assert!(!error.is_missing(), "{error}");
    assert!(
        matches!(
            &error,
            ConfigError::Read {
                source: FileFault::DanglingLink,
                ..
            }
        ),
        "{error:?}"
    );
}

#[cfg(unix)]
#[test]
fn recorded_path_of_a_missing_folder_is_that_of_its_time() {
    let folders = Folders::new();
    let root = fs::canonicalize(folders.root.path()).expect("a folder");
    fs::create_dir(root.join("work/project")).expect("a folder");
    std::os::unix::fs::symlink(root.join("work"), root.join("link")).expect("a link");
    let recorded = |name: &str| recorded_path(&root.join(name)).expect("a path");
    let names = [
        "link/project/zoetrope.toml",
        "own/../link/project/zoetrope.toml",
        "link/project/gone/../zoetrope.toml",
        "gone/../link/./project/zoetrope.toml",
    ];
    let expected = root.join("work/project/zoetrope.toml");
    for name in names {
        assert_eq!(recorded(name), expected, "{name}");
    }
    fs::remove_dir(root.join("work/project")).expect("removed");
    for name in names {
        assert_eq!(recorded(name), expected, "{name} of a missing folder");
    }
}

#[cfg(unix)]
#[test]
fn pipe_and_folder_are_refused_without_waiting() {
    let folders = Folders::new();
    let here = folders.path("work/zoetrope.toml");
    let made = std::process::Command::new("mkfifo").arg(&here).status();
    assert!(made.expect("mkfifo").success());
    let is_irregular = |why: &NotTrusted| {
        matches!(
            why,
            NotTrusted::Unreadable(ConfigError::Read {
                source: FileFault::NotRegular,
                ..
            })
        )
    };
    assert!(is_irregular(&folders.distrust()));
    assert!(ConfigFile::read(&here).is_err(), "a named pipe too");
    fs::remove_file(&here).expect("removed");
    fs::create_dir(&here).expect("a folder");
    assert!(is_irregular(&folders.distrust()));
}

#[test]
fn file_of_100_megabytes_is_refused_unread() {
    let folders = Folders::new();
    let here = folders.path("work/zoetrope.toml");
    let file = fs::File::create(&here).expect("a file");
    file.set_len(100 << 20).expect("its length");
    let why = folders.distrust();
    assert!(
        matches!(
            &why,
            NotTrusted::Unreadable(ConfigError::Read {
                source: FileFault::TooLong { .. },
                ..
            })
        ),
        "{why:?}"
    );
}

#[test]
fn damaged_record_trusts_no_file_and_stays() {
    let folders = Folders::new();
    let here = folders.write("work/zoetrope.toml", TEXT);
    folders.trust(&here);
    let record = folders.write("own/trust.json", "{\"version\": 1, \"files\": [");
    assert!(matches!(folders.distrust(), NotTrusted::Record(_)));
    let file = ConfigFile::read_found(&here).expect("a file");
    let added = TrustRecord::add(&record, &file, Timestamp::UNIX_EPOCH);
    let error = added.expect_err("a damaged record");
    assert!(error.to_string().contains("trust.json"), "{error}");
    let kept = fs::read_to_string(&record).expect("the record");
    assert_eq!(kept, "{\"version\": 1, \"files\": [");
}
