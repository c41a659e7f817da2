//! Restores the line breaks of code in a page that lost them: each was replaced by a space, and
//! indentation with it.
//!
//! No character is added, removed or changed but spaces that become line breaks. A line begins
//!
//! - at a word that begins a statement of the language, outside of quotes and brackets;
//! - at a comment, outside of quotes and brackets; a comment ends where the next statement begins;
//! - after a backslash before a space, in a shell.
//!
//! The words that begin a statement are those of the samples: an assignment and a few names. The
//! samples have no block of statements, so no indentation is needed.

/// The language of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Bash,
    JavaScript,
    Python,
}

impl Language {
    /// Its name at a fence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::JavaScript => "javascript",
            Self::Python => "python",
        }
    }

    /// What begins a comment.
    fn comment(self) -> &'static str {
        match self {
            Self::Bash | Self::Python => "#",
            Self::JavaScript => "//",
        }
    }

    fn is_quote(self, character: char) -> bool {
        match self {
            Self::Bash | Self::Python => matches!(character, '"' | '\''),
            Self::JavaScript => matches!(character, '"' | '\'' | '`'),
        }
    }

    /// Whether a statement begins here.
    fn begins_statement(self, rest: &str) -> bool {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match (self, word) {
            (_, "") => false,
            (Self::Bash, "curl") | (Self::JavaScript, "const") | (Self::Python, "import") => {
                after.starts_with(' ')
            }
            (Self::Bash, _) => after.starts_with('='),
            (Self::JavaScript, _) => word == "console" && after.starts_with(".log("),
            (Self::Python, "print") => after.starts_with('('),
            (Self::Python, _) => after.starts_with(" = "),
        }
    }
}

/// The code with its line breaks.
pub(crate) fn with_line_breaks(language: Language, code: &str) -> String {
    let mut lines = String::new();
    let mut quote = None;
    let mut depth = 0_usize;
    let mut is_comment = false;
    let code = code.trim();
    for (index, character) in code.char_indices() {
        let rest = &code[index..];
        let is_first = code[..index].chars().next_back().is_none_or(|it| it == ' ');
        if quote.is_some() {
            if quote == Some(character) {
                quote = None;
            }
        } else if depth == 0 && is_first && rest.starts_with(language.comment()) {
            is_comment = true;
            break_line(&mut lines);
        } else if depth == 0 && is_first && language.begins_statement(rest) {
            is_comment = false;
            break_line(&mut lines);
        } else if is_comment {
            // Words, in which nothing has a meaning.
        } else if language == Language::Bash && lines.ends_with('\\') && character == ' ' {
            lines.push('\n');
            continue;
        } else if language.is_quote(character) {
            quote = Some(character);
        } else if matches!(character, '(' | '[' | '{') {
            depth += 1;
        } else if matches!(character, ')' | ']' | '}') {
            depth = depth.checked_sub(1).expect("an open bracket");
        }
        lines.push(character);
    }
    lines.push('\n');
    lines
}

/// Replaces the space at the end by a line break.
fn break_line(lines: &mut String) {
    if lines.pop().is_some() {
        lines.push('\n');
    }
}

#[test]
fn code_of_each_language_gets_its_line_breaks() {
    let cases = [
        (
            Language::Bash,
            r#"# Step 1: Make it a=$(curl --get \ --url "b # c" \ --data '{ "d=e": 1 }') B=$(echo "$a" | sed 's/a=//') # Step 2 curl --url "$B" \ --get"#,
            "# Step 1: Make it\na=$(curl --get \\\n--url \"b # c\" \\\n--data '{ \"d=e\": 1 }')\n\
             B=$(echo \"$a\" | sed 's/a=//')\n# Step 2\ncurl --url \"$B\" \\\n--get\n",
        ),
        (
            Language::JavaScript,
            "// Step 1: Make it const a = await b(`https://c`, { d: \"// e\" }); const f = a.g; // Step 2 console.log(f);",
            "// Step 1: Make it\nconst a = await b(`https://c`, { d: \"// e\" });\nconst f = a.g;\n\
             // Step 2\nconsole.log(f);\n",
        ),
        (
            Language::Python,
            r##"import a # Step 1: Make it url = "#b" c = { "d": "e = f" } g = a.get(url, c=c) # Step 2 print(g)"##,
            "import a\n# Step 1: Make it\nurl = \"#b\"\nc = { \"d\": \"e = f\" }\ng = a.get(url, c=c)\n\
             # Step 2\nprint(g)\n",
        ),
    ];
    for (language, code, expected) in cases {
        assert_eq!(with_line_breaks(language, code), expected);
    }
}
