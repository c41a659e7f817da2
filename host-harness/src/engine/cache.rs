//! The cache of compiled code, shared by processes.
//!
//! The file's name identifies component, engine settings and wasmtime's version. The file
//! begins with the code's digest, so that a damaged file is detected before it is run. The
//! cache is not used if other users can write its folder.
//!
//! The cache is bounded: a write removes the files that were not used for 30 days, and then the
//! longest unused ones beyond 64 files or 512 MiB. A component whose code is gone is compiled again.

use std::hash::{Hash as _, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::cleanup::{self, Freed};
use crate::hex;

/// The first bytes of every file; the number is the version of the file format.
const MAGIC: &[u8; 16] = b"zoetrope code 1\n";

const DIGEST: usize = 32;

/// The end of the names of compiled code.
const CODE: &str = ".code";

/// The bounds of the cache.
#[derive(Clone, Copy)]
struct Bounds {
    files: usize,
    bytes: u64,
    unused: Duration,
}

/// Each version of the program adds a file for each component in use, of some megabytes.
const BOUNDS: Bounds = Bounds {
    files: 64,
    bytes: 512 << 20,
    unused: Duration::from_hours(30 * 24),
};

/// A use of a file is noted at most once in this time.
const USE_INTERVAL: Duration = Duration::from_hours(1);

pub(crate) struct CodeCache {
    folder: PathBuf,
}

impl CodeCache {
    /// The cache in `folder`, which is created if it is missing. Logs a warning and returns
    /// `None` if the folder cannot be created, or if other users can write it.
    pub(crate) fn open(folder: &Path) -> Option<Self> {
        if let Err(error) = make(folder) {
            tracing::warn!(folder = %folder.display(), %error, "compiled code is not cached");
            return None;
        }
        match trusted(folder) {
            Ok(true) => Some(Self {
                folder: folder.to_owned(),
            }),
            Ok(false) => {
                tracing::warn!(
                    folder = %folder.display(),
                    "compiled code is not cached: other users can write this folder"
                );
                None
            }
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "compiled code is not cached");
                None
            }
        }
    }

    /// The compiled form of the component with this digest, if it is cached and intact.
    pub(crate) fn get(&self, engine: &wasmtime::Engine, component: &str) -> Option<Component> {
        let path = self.path(engine, component);
        let file = std::fs::read(&path).ok()?;
        let Some(code) = intact(&file) else {
            tracing::debug!(path = %path.display(), "ignored damaged compiled code");
            return None;
        };
        #[expect(
            unsafe_code,
            reason = "the bytes are as this program wrote them: they match their digest and \
                      come from a folder that only this user can write; wasmtime itself \
                      checks version and settings"
        )]
        let component = unsafe { Component::deserialize(engine, code) };
        let component = component
            .inspect_err(|error| tracing::debug!(%error, "ignored incompatible compiled code"))
            .ok()?;
        note_use(&path);
        Some(component)
    }

    /// Stores the compiled form. A failure is only logged.
    pub(crate) fn put(&self, engine: &wasmtime::Engine, component: &str, compiled: &Component) {
        let path = self.path(engine, component);
        let written = compiled
            .serialize()
            .map_err(io::Error::other)
            .and_then(|code| self.write(&path, &code));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "compiled code is not cached");
        }
        if let Err(error) = clean(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "old compiled code is not removed");
        }
    }

    fn write(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(MAGIC)?;
        file.write_all(&Sha256::digest(code))?;
        file.write_all(code)?;
        file.persist(path)?;
        Ok(())
    }

    fn path(&self, engine: &wasmtime::Engine, component: &str) -> PathBuf {
        let settings = engine_digest(engine);
        self.folder.join(format!("{component}-{settings}{CODE}"))
    }
}

/// Removes compiled code beyond the bounds of the cache in `folder`, and temporary files of writes
/// that ended with their process. A process that has read a file does not need it any more.
pub(crate) fn clean(folder: &Path) -> io::Result<Freed> {
    clean_to(folder, BOUNDS)
}

fn clean_to(folder: &Path, bounds: Bounds) -> io::Result<Freed> {
    let mut freed = Freed::default();
    let mut code = Vec::new();
    for (entry, metadata) in cleanup::files_of(folder)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let age = cleanup::age_of(&metadata);
        if name.ends_with(CODE) {
            code.push((age, metadata.len(), entry.path()));
        } else if cleanup::is_crashed_write(&name, age) {
            freed += cleanup::remove(&entry.path())?;
        }
    }
    code.sort();
    let mut kept = 0;
    for (index, (age, bytes, path)) in code.into_iter().enumerate() {
        kept += bytes;
        // The one used last stays, so that a large component is compiled once.
        let is_last_used = index == 0 && age < bounds.unused;
        let fits = index < bounds.files && kept <= bounds.bytes && age < bounds.unused;
        if !fits && !is_last_used {
            freed += cleanup::remove(&path)?;
        }
    }
    Ok(freed)
}

/// Makes a file count as used now. A failure costs a compilation later.
fn note_use(path: &Path) {
    let is_noted =
        std::fs::metadata(path).is_ok_and(|metadata| cleanup::age_of(&metadata) < USE_INTERVAL);
    if !is_noted {
        let opened = std::fs::OpenOptions::new().append(true).open(path);
        let noted = opened.and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = noted {
            tracing::debug!(path = %path.display(), %error, "the use of compiled code is not noted");
        }
    }
}

fn intact(file: &[u8]) -> Option<&[u8]> {
    let rest = file.strip_prefix(MAGIC)?;
    let (digest, code) = rest.split_at_checked(DIGEST)?;
    (Sha256::digest(code)[..] == *digest).then_some(code)
}

/// A digest of the target, the settings and wasmtime's version, on which compiled code
/// depends.
fn engine_digest(engine: &wasmtime::Engine) -> String {
    struct Digest(Sha256);

    impl Hasher for Digest {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    let mut digest = Digest(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut digest);
    hex::encoded(&digest.0.finalize()[..8]).to_string()
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether only this user can write to `folder`.
#[cfg(unix)]
fn trusted(folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(folder)?;
    let mine = metadata.uid() == rustix::process::geteuid().as_raw();
    Ok(mine && metadata.mode() & 0o022 == 0)
}

/// On other systems the user's folders are private by default.
#[cfg(not(unix))]
fn trusted(_: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleanup::testing::make_old;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn engine() -> wasmtime::Engine {
        wasmtime::Engine::default()
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("folder");
        entries.map(|entry| entry.expect("entry").path()).collect()
    }

    #[test]
    fn cached_code_is_loaded_unless_it_is_damaged_or_incompatible() {
        let folder = tempfile::tempdir().expect("folder");
        let folder = folder.path().join("made");
        let engine = engine();
        let cache = CodeCache::open(&folder).expect("cache");
        assert!(cache.get(&engine, "a").is_none());
        let compiled = Component::new(&engine, EMPTY).expect("component");
        cache.put(&engine, "a", &compiled);
        assert!(cache.get(&engine, "a").is_some());
        assert!(cache.get(&engine, "b").is_none());

        let [path] = &files(&folder)[..] else {
            panic!("expected one file")
        };
        let whole = std::fs::read(path).expect("file");
        for damaged in [
            &whole[..whole.len() - 1],
            &whole[1..],
            b"",
            b"zoetrope code 1\n",
        ] {
            std::fs::write(path, damaged).expect("write");
            assert!(cache.get(&engine, "a").is_none());
        }
        // An intact file with code of another engine.
        let mut foreign = MAGIC.to_vec();
        foreign.extend_from_slice(&Sha256::digest(b"not code"));
        foreign.extend_from_slice(b"not code");
        std::fs::write(path, foreign).expect("write");
        assert!(cache.get(&engine, "a").is_none());
        cache.put(&engine, "a", &compiled);
        assert!(cache.get(&engine, "a").is_some());
    }

    #[test]
    fn cache_is_bounded_by_number_size_and_age_and_keeps_the_last_used() {
        let folder = tempfile::tempdir().expect("folder");
        let hour = Duration::from_hours(1);
        let fill = || {
            for number in 0..6 {
                let path = folder.path().join(format!("{number}{CODE}"));
                std::fs::write(&path, [0; 10]).expect("write");
                make_old(&path, hour * number);
            }
        };
        let left = || {
            let mut left: Vec<_> = files(folder.path())
                .iter()
                .filter_map(|path| path.file_stem()?.to_str()?.parse::<u32>().ok())
                .collect();
            left.sort_unstable();
            left
        };
        let bounds = Bounds {
            files: 100,
            bytes: 1000,
            unused: hour * 100,
        };
        let few = Bounds { files: 4, ..bounds };
        let small = Bounds {
            bytes: 25,
            ..bounds
        };
        let tiny = Bounds { bytes: 5, ..bounds };
        let recent = Bounds {
            unused: hour * 3,
            ..bounds
        };
        for (bounds, expected) in [
            (bounds, vec![0, 1, 2, 3, 4, 5]),
            (few, vec![0, 1, 2, 3]),
            (small, vec![0, 1]),
            (tiny, vec![0]),
            (recent, vec![0, 1, 2]),
        ] {
            fill();
            let freed = clean_to(folder.path(), bounds).expect("clean");
            assert_eq!(left(), expected);
            let removed = 6 - expected.len() as u64;
            assert_eq!((freed.files, freed.bytes), (removed, removed * 10));
        }
    }

    #[test]
    fn code_that_is_used_outlives_newer_code_that_is_not_and_crashed_writes_go() {
        let folder = tempfile::tempdir().expect("folder");
        let engine = engine();
        let cache = CodeCache::open(folder.path()).expect("cache");
        let compiled = Component::new(&engine, EMPTY).expect("component");
        for name in ["used", "unused"] {
            cache.put(&engine, name, &compiled);
        }
        let day = Duration::from_hours(24);
        make_old(&cache.path(&engine, "used"), day * 20);
        make_old(&cache.path(&engine, "unused"), day * 10);
        let crashed = folder.path().join(".tmpcrashed");
        std::fs::write(&crashed, "x").expect("write");
        make_old(&crashed, cleanup::CRASHED_WRITE);
        assert!(cache.get(&engine, "used").is_some());
        let one = Bounds { files: 1, ..BOUNDS };
        clean_to(folder.path(), one).expect("clean");
        assert_eq!(files(folder.path()), [cache.path(&engine, "used")]);
        make_old(&cache.path(&engine, "used"), BOUNDS.unused);
        cache.put(&engine, "new", &compiled);
        assert_eq!(files(folder.path()), [cache.path(&engine, "new")]);
    }

    #[cfg(unix)]
    #[test]
    fn cache_folder_writable_by_others_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("folder");
        for (mode, used) in [(0o700, true), (0o755, true), (0o775, false), (0o777, false)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path(), permissions).expect("mode");
            assert_eq!(CodeCache::open(folder.path()).is_some(), used, "{mode:o}");
        }
    }
}
