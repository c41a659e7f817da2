//! Texts without the path of the home folder, which has the user's name.

use std::path::{Path, PathBuf};

use directories::BaseDirs;
use serde_json::Value;
use zoetrope_host::sanitize::escaped_path;

/// Replaces the home folder by `~` in texts: each path of it, the longest first.
pub(super) struct Home(Vec<String>);

impl Home {
    pub(super) fn of_user() -> Self {
        let folders = BaseDirs::new();
        Self::at(folders.as_ref().map(BaseDirs::home_dir))
    }

    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// The home folder at this path, which may be a symbolic link.
    fn at(folder: Option<&Path>) -> Self {
        // Without a separator at its end.
        let written = folder.map(|folder| folder.components().collect::<PathBuf>());
        let canonical = folder.and_then(|folder| folder.canonicalize().ok());
        let folders = [written, canonical].into_iter().flatten();
        // In a container, the home folder may be the root.
        let folders = folders.filter(|folder| folder.parent().is_some());
        let mut paths: Vec<_> = folders.map(|folder| escaped_path(&folder)).collect();
        paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
        paths.dedup();
        Self(paths)
    }

    /// A text with `~` in the place of the home folder. Where the folder begins a quoted word of a
    /// command, the shell replaces `~` in the result.
    pub(super) fn hidden(&self, text: &str) -> String {
        let hide = |text: String, home: &String| without(home, &text);
        self.0.iter().fold(text.to_owned(), hide)
    }

    /// The same for every text of a document.
    pub(super) fn hide(&self, document: &mut Value) {
        match document {
            Value::String(text) => *text = self.hidden(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.hide(value)),
            _ => {}
        }
    }
}

/// A text with `~` in the place of this folder.
fn without(home: &str, text: &str) -> String {
    let is_of_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let (mut hidden, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(home) {
        if before.ends_with(is_of_name) || after.starts_with(is_of_name) {
            // Another folder, whose path has that of the home folder in it.
            hidden.extend([before, home]);
        } else {
            match (before.strip_suffix('\''), after.strip_prefix('/')) {
                (Some(before), Some(_)) if after.contains('\'') => {
                    hidden.extend([before, "~/'"]);
                    rest = &after[1..];
                    continue;
                }
                _ => hidden.extend([before, "~"]),
            }
        }
        rest = after;
    }
    hidden.push_str(rest);
    hidden
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn home_folder_is_hidden_in_texts_commands_and_documents() {
        let home = Home::at(Some(Path::new("/home/ann")));
        for (text, expected) in [
            ("/home/ann", "~"),
            ("`/home/ann/data` and /home/ann/x", "`~/data` and ~/x"),
            (
                "/home/anna/data, /home/ann-b",
                "/home/anna/data, /home/ann-b",
            ),
            ("chmod 700 '/home/ann/my data'", "chmod 700 ~/'my data'"),
            ("", ""),
        ] {
            assert_eq!(home.hidden(text), expected);
        }
        let mut document = json!({"a": ["/home/ann/b", 1], "c": {"d": "/home/ann"}});
        home.hide(&mut document);
        assert_eq!(document, json!({"a": ["~/b", 1], "c": {"d": "~"}}));
        assert_eq!(Home::at(Some(Path::new("/"))).hidden("/a"), "/a");
        assert_eq!(Home::at(None).hidden("/a"), "/a");
    }

    #[cfg(unix)]
    #[test]
    fn home_folder_that_is_a_link_is_hidden_under_both_paths() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a path");
        std::fs::create_dir(folder.join("ann")).expect("a folder");
        let link = folder.join("home");
        std::os::unix::fs::symlink("ann", &link).expect("a link");
        // As `HOME` may be written.
        let home = Home::at(Some(&link.join("")));
        for name in ["home", "ann"] {
            let path = folder.join(name).join("data");
            assert_eq!(home.hidden(&path.display().to_string()), "~/data");
        }
        let longer = format!("/volume{}/data", link.display());
        assert_eq!(home.hidden(&longer), longer);
    }
}
