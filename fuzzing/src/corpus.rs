//! The files that a target begins with.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The file of the input at hand; gone with this value, but not with the process.
pub(crate) struct Hand {
    path: PathBuf,
    /// Open all the time: many file systems write to the disk whatever was emptied and closed.
    file: File,
}

impl Hand {
    /// Keeps an input until the next.
    pub(crate) fn hold(&self, input: &[u8]) {
        let mut file = &self.file;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(input))
            .expect("a write of the input at hand");
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        // What stays behind is in the build's folder and does no harm.
        drop(fs::remove_file(&self.path));
    }
}

/// A target's folder and what is in it.
pub(crate) struct Corpus {
    folder: PathBuf,
    hand: PathBuf,
    files: Vec<(String, Vec<u8>)>,
}

impl Corpus {
    /// Reads a target's folder, by name so that every run has the same order.
    pub(crate) fn read(target: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("corpus").join(target);
        let entries = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("a target needs {}: {error}", folder.display()));
        let mut files: Vec<_> = entries
            .map(|entry| {
                let path = entry.expect("a file of the corpus").path();
                let name = path.file_name().unwrap_or_default();
                let bytes = fs::read(&path).expect("a file of the corpus");
                (name.to_string_lossy().into_owned(), bytes)
            })
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        Self {
            folder,
            hand: root.join("../target/fuzzing").join(target),
            files,
        }
    }

    /// Each file's name and bytes.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Each file's bytes.
    pub(crate) fn inputs(&self) -> Vec<Vec<u8>> {
        self.files.iter().map(|(_, bytes)| bytes.clone()).collect()
    }

    /// A place for the input at hand: one that ends the process cannot be kept later.
    pub(crate) fn hand(&self) -> Hand {
        if let Some(folder) = self.hand.parent() {
            fs::create_dir_all(folder).expect("a folder for the input at hand");
        }
        let file = File::create(&self.hand).expect("a file for the input at hand");
        Hand {
            path: self.hand.clone(),
            file,
        }
    }

    /// Adds an input that failed; where it is.
    pub(crate) fn keep(&self, input: &[u8]) -> String {
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        let path = self.folder.join(format!("found-{:016x}", hasher.finish()));
        fs::write(&path, input).expect("a file for the input that failed");
        path.display().to_string()
    }
}
