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

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use self::bounds::{CODE, note_use};
use crate::hex;
use crate::rights;

mod bounds;

pub(crate) use self::bounds::{clean, clear};

/// The first bytes of every file; the number is the version of the file format.
const MAGIC: &[u8; 16] = b"zoetrope code 1\n";

const DIGEST: usize = 32;

pub(crate) struct CodeCache {
    folder: PathBuf,
}

impl CodeCache {
    /// The cache in `folder`, which is created if it is missing. Logs a warning and returns
    /// `None` if the folder cannot be created, or if other users can write it.
    pub(crate) fn open(folder: &Path) -> Option<Self> {
        if let Err(error) = rights::make_folder(folder) {
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
    use std::time::Duration;

    use super::bounds::{BOUNDS, Bounds, clean_to};
    use super::*;
    use crate::cleanup;
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
