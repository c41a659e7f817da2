//! The corpus of a target.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The file of the current input. It is removed when this is dropped, not when the process dies.
pub(crate) struct CurrentInput {
    path: PathBuf,
    /// Kept open: many file systems write a file to the disk when it is truncated and closed.
    file: File,
}

impl CurrentInput {
    /// Replaces the stored input.
    pub(crate) fn write(&self, input: &[u8]) {
        let mut file = &self.file;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(input))
            .expect("a write of the current input");
    }
}

impl Drop for CurrentInput {
    fn drop(&mut self) {
        // A file that stays is in the build folder and harmless.
        drop(fs::remove_file(&self.path));
    }
}

/// A target's folder and its files.
pub(crate) struct Corpus {
    folder: PathBuf,
    current_input: PathBuf,
    files: Vec<(String, Vec<u8>)>,
}

impl Corpus {
    /// Reads a target's folder, sorted by name so that every run has the same order.
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
            current_input: root.join("../target/fuzzing").join(target),
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

    /// A file for the current input, so that an input that ends the process is not lost.
    pub(crate) fn current_input(&self) -> CurrentInput {
        if let Some(folder) = self.current_input.parent() {
            fs::create_dir_all(folder).expect("a folder for the current input");
        }
        let file = File::create(&self.current_input).expect("a file for the current input");
        CurrentInput {
            path: self.current_input.clone(),
            file,
        }
    }

    /// Adds a failing input and returns its path.
    pub(crate) fn keep(&self, input: &[u8]) -> String {
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        let path = self.folder.join(format!("found-{:016x}", hasher.finish()));
        fs::write(&path, input).expect("a file for the input that failed");
        path.display().to_string()
    }
}
