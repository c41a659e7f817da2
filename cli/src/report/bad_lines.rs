//! The lines of a batch that are refused.

use serde_json::{Map, Value, json};
use zoetrope_host::contract::Violation;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::sanitize::line;

use super::violations;

/// Most lines that are named. The others are counted.
const NAMED: usize = 100;

/// The refused lines of a batch, in their order.
#[derive(Debug, Default)]
pub(crate) struct BadLines {
    /// One for each violation.
    entries: Vec<Value>,
    /// One for each line.
    texts: Vec<String>,
    count: usize,
    /// How many lines were read, without the blank ones.
    all: usize,
}

impl BadLines {
    /// Adds the failure of a line: its kind, its message and its violations.
    pub(crate) fn add(
        &mut self,
        number: usize,
        kind: ErrorKind,
        reason: &str,
        found: &[Violation],
    ) {
        self.count += 1;
        if self.texts.len() == NAMED {
            return;
        }
        let entry = |path: &str, keyword: &str, message: &str| {
            json!({
                "line": number,
                "kind": kind.as_str(),
                "instance_path": path,
                "keyword": keyword,
                "message": message,
            })
        };
        if found.is_empty() {
            self.entries.push(entry("", kind.as_str(), reason));
        }
        let entries = found
            .iter()
            .map(|found| entry(&found.instance_path, &found.keyword, &found.message));
        self.entries.extend(entries);
        let mut sentences = vec![reason.to_owned()];
        if found.len() > 1 {
            sentences = found.iter().map(violations::sentence).collect();
            sentences.dedup();
        }
        self.texts
            .push(format!("line {number}: {}", sentences.join("; ")));
    }

    /// Sets how many lines were read.
    pub(crate) fn among(self, all: usize) -> Self {
        Self { all, ..self }
    }

    /// The first line of the text.
    pub(super) fn headline(&self) -> String {
        let are = if self.count == 1 { "is" } else { "are" };
        format!(
            "{} of {} lines {are} refused; nothing was sent",
            self.count, self.all
        )
    }

    /// The lines below the message.
    pub(super) fn lines(&self) -> Vec<String> {
        let shown = self.texts.iter().map(|text| format!("  {}", line(text)));
        let mut lines: Vec<_> = shown.collect();
        match self.rest() {
            0 => {}
            1 => lines.push("  and 1 more line".into()),
            rest => lines.push(format!("  and {rest} more lines")),
        }
        lines
    }

    /// Adds them to the error's JSON.
    pub(super) fn put_into(&self, error: &mut Map<String, Value>) {
        error.insert("errors".into(), self.entries.clone().into());
        error.insert("refused_lines".into(), self.count.into());
    }

    fn rest(&self) -> usize {
        self.count - self.texts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_named_with_each_violation_and_the_others_are_counted() {
        let violation = |path: &str, message: &str| Violation {
            instance_path: path.into(),
            keyword: "type".into(),
            message: message.into(),
        };
        let mut bad = BadLines::default();
        let two = [
            violation("/a", "a must be text"),
            violation("/b", "b must be text"),
        ];
        bad.add(
            3,
            ErrorKind::InvalidInput,
            "the input has 2 violations",
            &two,
        );
        bad.add(5, ErrorKind::Usage, "no such picture", &[]);
        assert_eq!(
            bad.lines(),
            [
                "  line 3: a must be text; b must be text",
                "  line 5: no such picture"
            ]
        );
        let mut error = Map::new();
        bad.put_into(&mut error);
        let places = error["errors"].as_array().expect("errors").iter();
        let places: Vec<_> = places
            .map(|entry| (&entry["line"], &entry["instance_path"], &entry["keyword"]))
            .collect();
        let [three, five] = [3, 5].map(Value::from);
        let [a, b, none] = ["/a", "/b", ""].map(Value::from);
        let [of_type, usage] = ["type", "usage"].map(Value::from);
        assert_eq!(
            places,
            [
                (&three, &a, &of_type),
                (&three, &b, &of_type),
                (&five, &none, &usage)
            ]
        );
        for line in 6..200 {
            bad.add(line, ErrorKind::Usage, "no such picture", &[]);
        }
        assert_eq!(bad.lines().len(), 101);
        assert_eq!(bad.lines()[100], "  and 96 more lines");
        let headline = "196 of 250 lines are refused; nothing was sent";
        assert_eq!(bad.among(250).headline(), headline);
    }
}
