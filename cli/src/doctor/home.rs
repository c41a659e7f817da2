//! Texts without the path of the home folder, which has the user's name.

use std::path::Path;

use directories::BaseDirs;
use serde_json::Value;
use zoetrope_host::sanitize::escaped_path;

/// Replaces the home folder by `~` in texts.
pub(super) struct Home(Option<String>);

impl Home {
    pub(super) fn of_user() -> Self {
        let folders = BaseDirs::new();
        Self::at(folders.as_ref().map(BaseDirs::home_dir))
    }

    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self(None)
    }

    fn at(folder: Option<&Path>) -> Self {
        // In a container, the home folder may be the root.
        let folder = folder.filter(|folder| folder.parent().is_some());
        Self(folder.map(escaped_path))
    }

    /// A text with `~` in the place of the home folder. Where the folder begins a quoted word of a
    /// command, the shell replaces `~` in the result.
    pub(super) fn hidden(&self, text: &str) -> String {
        let Some(home) = &self.0 else {
            return text.to_owned();
        };
        let (mut hidden, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once(home.as_str()) {
            let continues = |next: char| next.is_alphanumeric() || matches!(next, '-' | '_' | '.');
            if after.starts_with(continues) {
                // Another folder, whose name begins with that of the home folder.
                hidden.extend([before, home.as_str()]);
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
}
