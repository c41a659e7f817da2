//! Reads the published documents in `tests/documents/`, as they are.
//!
//! A document is a list of sections: a heading, the lines below it and its blocks of code. Tables,
//! examples and front matter are read from these. One of the pages has lost its line breaks; see
//! [`in_lines`], and [`super::samples`] for the code in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::root;

/// What opens and closes a block of code.
const FENCE: &str = "```";

/// A row of a table, by the names of its columns.
pub(crate) type Row = BTreeMap<String, String>;

/// A published document.
pub(crate) struct Document {
    /// The front matter; empty where there is none.
    pub(crate) front_matter: Map<String, Value>,
    sections: Vec<Section>,
}

/// A heading and everything up to the next heading. Markdown's escapes are undone.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) heading: String,
    /// The lines outside of code.
    pub(crate) lines: Vec<String>,
    pub(crate) blocks: Vec<Block>,
}

/// A fenced block of code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// The heading of its section.
    pub(crate) heading: String,
    /// The last line before it that is not empty, or the heading.
    pub(crate) label: String,
    /// Empty where the fence names none.
    pub(crate) language: String,
    /// Each line ends with a line break.
    pub(crate) text: String,
}

/// An example of a run: fields with their values.
pub(crate) struct Example {
    pub(crate) heading: String,
    pub(crate) input: Map<String, Value>,
    pub(crate) output: Map<String, Value>,
}

impl Document {
    /// Reads the document of this name, which is its file's name without `.md`.
    #[track_caller]
    pub(crate) fn open(name: &str) -> Self {
        let path = folder().join(format!("{name}.md"));
        let text = fs::read_to_string(&path);
        Self::parse(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn parse(text: &str) -> Self {
        let is_one_line = !text.trim_end().contains('\n');
        let text = if is_one_line {
            in_lines(text)
        } else {
            text.to_owned()
        };
        let (front_matter, body) = split_front_matter(&text);
        Self {
            front_matter,
            sections: sections(body),
        }
    }

    /// The first heading.
    pub(crate) fn title(&self) -> &str {
        &self.section("").heading
    }

    /// The first section whose heading begins so.
    #[track_caller]
    pub(crate) fn section(&self, heading: &str) -> &Section {
        let found = self.sections.iter();
        let mut found = found.filter(|section| section.heading.starts_with(heading));
        found
            .next()
            .unwrap_or_else(|| panic!("no section `{heading}`"))
    }

    /// The rows of the table under this heading.
    #[track_caller]
    pub(crate) fn table(&self, heading: &str) -> Vec<Row> {
        let rows = self.section(heading).rows();
        assert!(!rows.is_empty(), "no table under `{heading}`");
        rows
    }

    /// All tables, each with its heading.
    pub(crate) fn tables(&self) -> Vec<(&str, Vec<Row>)> {
        let tables = self.sections.iter();
        let tables = tables.map(|section| (section.heading.as_str(), section.rows()));
        tables.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// The blocks of code in this language, in order.
    pub(crate) fn code_blocks(&self, language: &str) -> Vec<&Block> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter(|block| block.language == language).collect()
    }

    /// The only block of code in this language.
    #[track_caller]
    pub(crate) fn code(&self, language: &str) -> &Block {
        let blocks = self.code_blocks(language);
        let [block] = blocks[..] else {
            panic!("{} blocks of {language}", blocks.len());
        };
        block
    }

    /// The examples of runs.
    #[track_caller]
    pub(crate) fn examples(&self) -> Vec<Example> {
        let sections = self.sections.iter();
        let examples = sections.filter(|section| section.heading.starts_with("Example "));
        examples.map(Section::example).collect()
    }

    /// Whether a line outside of code contains these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        let mut lines = self.sections.iter().flat_map(|section| &section.lines);
        lines.any(|line| line.contains(words))
    }
}

impl Section {
    /// The lines that are not empty, as one.
    pub(crate) fn prose(&self) -> String {
        let lines = self.lines.iter().map(|line| line.trim());
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    }

    /// The items of its lists, without their marks.
    pub(crate) fn items(&self) -> Vec<&str> {
        let lines = self.lines.iter().map(|line| line.trim_start());
        lines
            .filter_map(|line| line.strip_prefix("- ").or(line.strip_prefix("* ")))
            .collect()
    }

    /// The list of parameters under this heading, in the form of a table. An item is
    /// `` **`NAME`** (`TYPE`, _required_): DESCRIPTION ``; the items after it, such as
    /// `` Default: `VALUE` ``, are further columns.
    pub(crate) fn parameters(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for item in self.items() {
            if let Some(row) = parameter(item) {
                rows.push(row);
            } else if let (Some(row), Some((column, value))) =
                (rows.last_mut(), item.split_once(": "))
            {
                row.insert(column.into(), value.trim_matches('`').into());
            }
        }
        rows
    }

    fn rows(&self) -> Vec<Row> {
        let mut lines = self.lines.iter().filter(|line| line.starts_with('|'));
        let Some(columns) = lines.next().map(|line| cells(line)) else {
            return Vec::new();
        };
        let is_rule = |line: &String| line.trim_matches(['|', '-', ':', ' ']).is_empty();
        assert!(lines.next().is_some_and(is_rule), "{columns:?}");
        let row = |line: &String| -> Row {
            let cells = cells(line);
            assert_eq!(cells.len(), columns.len(), "{line}");
            let cells = columns.iter().zip(cells);
            cells
                .map(|(column, cell)| ((*column).to_owned(), cell.to_owned()))
                .collect()
        };
        lines.map(row).collect()
    }

    /// A block of code after the lines so far.
    fn block(&self, language: &str) -> Block {
        let label = self.lines.iter().rev().find(|line| !line.is_empty());
        Block {
            heading: self.heading.clone(),
            label: label.unwrap_or(&self.heading).clone(),
            language: language.to_owned(),
            text: String::new(),
        }
    }

    #[track_caller]
    fn example(&self) -> Example {
        let labelled = |label: &str| {
            let block = self.blocks.iter().find(|block| block.label == label);
            let block = block.unwrap_or_else(|| panic!("{}: no {label}", self.heading));
            fields(&block.text)
        };
        Example {
            heading: self.heading.clone(),
            input: labelled("**Input:**"),
            output: labelled("**Output:**"),
        }
    }
}

/// The names of all documents.
pub(crate) fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the documents");
    let names = entries.filter_map(|entry| {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str()?.strip_suffix(".md")?.to_owned();
        (name != "README").then_some(name)
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    root().join("tests/documents")
}

/// Restores the line breaks of a page that is one line, in which each of them became a space.
/// Outside of code, a heading, a quote and an item of a list begin with their marks; the end of a
/// heading cannot be told, so the text after it belongs to it.
fn in_lines(page: &str) -> String {
    let mut lines = String::new();
    for (index, part) in page.trim().split(FENCE).enumerate() {
        let part = part.trim();
        if index % 2 == 1 {
            let (language, code) = part.split_once(' ').expect("a language and code");
            let _ = write!(lines, "\n{FENCE}{language}\n{code}\n{FENCE}\n");
        } else {
            let mut prose = format!(" {part}");
            for mark in ["# ", "## ", "### ", "> ", "- "] {
                prose = prose.replace(&format!(" {mark}"), &format!("\n{mark}"));
            }
            lines.push_str(prose.trim_start());
        }
    }
    lines
}

/// The sections of a document; what is before its first heading is left out.
fn sections(body: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut section = Section::default();
    let mut code: Option<Block> = None;
    for line in body.lines() {
        if let Some(language) = line.strip_prefix(FENCE) {
            match code.take() {
                Some(block) => section.blocks.push(block),
                None => code = Some(section.block(language)),
            }
        } else if let Some(block) = &mut code {
            let _ = writeln!(block.text, "{line}");
        } else if let Some(heading) = heading(line) {
            sections.push(std::mem::take(&mut section));
            section.heading = heading;
        } else {
            section.lines.push(unescaped(line));
        }
    }
    sections.push(section);
    sections.split_off(1)
}

fn heading(line: &str) -> Option<String> {
    let text = line.trim_start_matches('#');
    let text = text.strip_prefix(' ').filter(|_| text.len() < line.len())?;
    Some(unescaped(text))
}

/// Undoes Markdown's escapes: `\_` is `_`.
fn unescaped(line: &str) -> String {
    let mut text = String::new();
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes = |next: &char| character == '\\' && next.is_ascii_punctuation();
        text.push(characters.next_if(escapes).unwrap_or(character));
    }
    text
}

fn cells(row: &str) -> Vec<&str> {
    row.trim()
        .trim_matches('|')
        .split('|')
        .map(str::trim)
        .collect()
}

fn parameter(item: &str) -> Option<Row> {
    let (name, rest) = item.strip_prefix("**`")?.split_once("`** (`")?;
    let (kind, rest) = rest.split_once("`, _")?;
    let (required, description) = rest.split_once("_): ")?;
    let columns = [
        ("Name", name),
        ("Type", kind),
        ("Required", required),
        ("Description", description),
    ];
    Some(
        columns
            .map(|(name, cell)| (name.into(), cell.into()))
            .into(),
    )
}

/// The fields of an example: `name: VALUE` in each line, the value in JSON.
#[track_caller]
fn fields(text: &str) -> Map<String, Value> {
    let field = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), serde_json::from_str(value).ok()?))
    };
    text.lines()
        .map(|line| field(line).unwrap_or_else(|| panic!("no field: {line}")))
        .collect()
}

/// The front matter and the text after it. Of YAML, the documents have `key: value` and lists of
/// plain words.
fn split_front_matter(text: &str) -> (Map<String, Value>, &str) {
    let rest = text.strip_prefix("---\n");
    let Some((head, body)) = rest.and_then(|rest| rest.split_once("\n---\n")) else {
        return (Map::new(), text);
    };
    let scalar =
        |text: &str| -> Value { serde_json::from_str(text).unwrap_or_else(|_| text.into()) };
    let mut front_matter = Map::new();
    let mut list = String::new();
    for line in head.lines() {
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            let items = front_matter.get_mut(&list).and_then(Value::as_array_mut);
            items.expect("the key of a list").push(scalar(item));
            continue;
        }
        let (key, value) = line.split_once(':').expect("a key");
        let value = match value.trim() {
            "" => json!([]),
            value => scalar(value),
        };
        list.clear();
        list.push_str(key);
        front_matter.insert(key.to_owned(), value);
    }
    (front_matter, body)
}

#[test]
fn document_is_read_by_its_sections() {
    let document = Document::parse(
        "---\nname: a\ntags:\n  - b\n  - c\nseconds: 150\nbasic: true\n---\n\n# Title\n\nWords.\n\n\
         ## Table\n\n| Name | Solution |\n| :--: | -------- |\n| a\\_b | use https\\://c |\n\n\
         ### Example 1: one\n\n**Input:**\n\n```\na_b: \"c: d\"\nn: 0.6\n```\n\n**Output:**\n\n\
         ```\nvideo: null\n```\n\n```json\n{\n  \"a\": 1\n}\n```\n",
    );
    let front_matter = json!({"name": "a", "tags": ["b", "c"], "seconds": 150, "basic": true});
    assert_eq!(Value::Object(document.front_matter.clone()), front_matter);
    assert_eq!(document.title(), "Title");
    assert_eq!(document.section("Title").prose(), "Words.");
    let cell = |name: &str, cell: &str| (name.to_owned(), cell.to_owned());
    let row = Row::from([cell("Name", "a_b"), cell("Solution", "use https://c")]);
    assert_eq!(document.table("Table"), std::slice::from_ref(&row));
    assert_eq!(document.tables(), [("Table", vec![row])]);
    let example = document.examples().remove(0);
    assert_eq!(
        Value::Object(example.input),
        json!({"a_b": "c: d", "n": 0.6})
    );
    assert_eq!(Value::Object(example.output), json!({"video": null}));
    assert_eq!(document.code("json").text, "{\n  \"a\": 1\n}\n");
    assert!(document.says("Words") && !document.says("words"));
}

#[test]
fn page_without_line_breaks_is_read_by_its_marks() {
    let document = Document::parse(
        "# a/b > A model. ## Overview - **Kind**: c ## Input - **`d`** (`string`, _optional_): \
         An e (f:g) - Default: `h` ### Shell ```sh # One g \\ -h ``` More.",
    );
    assert_eq!(document.title(), "a/b");
    assert_eq!(document.section("a/b").prose(), "> A model.");
    assert_eq!(document.section("Overview").items(), ["**Kind**: c"]);
    let columns = [
        ("Name", "d"),
        ("Type", "string"),
        ("Required", "optional"),
        ("Description", "An e (f:g)"),
        ("Default", "h"),
    ];
    let row = Row::from(columns.map(|(name, cell)| (name.to_owned(), cell.to_owned())));
    assert_eq!(document.section("Input").parameters(), [row]);
    let code = document.code("sh");
    assert_eq!((&*code.heading, &*code.text), ("Shell", "# One g \\ -h\n"));
}
