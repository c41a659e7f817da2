//! Replays the log of a terminal: what the screen showed, and when.

use std::error::Error;

/// The width of the terminal that `scripts/draw-run.sh` records.
pub(crate) const COLUMNS: usize = 80;

/// Screens that follow each other faster than this are not drawn, except for the last one.
const SHORTEST_SECONDS: f64 = 0.05;

/// Shown for the folder that the run was recorded in.
const DIRECTORY: &str = "~/zoetrope";

/// What the terminal showed from a moment on.
pub(crate) struct Screen {
    /// Since the command was started.
    pub(crate) seconds: f64,
    /// Without trailing spaces.
    pub(crate) rows: Vec<String>,
}

/// The screens of a run, the first one with the command alone. The path of the working directory
/// is shown as [`DIRECTORY`].
pub(crate) fn screens(
    command: &str,
    directory: &str,
    output: &str,
    timing: &str,
) -> Result<Vec<Screen>, Box<dyn Error>> {
    let mut terminal = Terminal::default();
    let prompts = ["$ "].into_iter().chain(std::iter::repeat("> "));
    for (line, prompt) in command.lines().zip(prompts) {
        terminal.print(&format!("{prompt}{line}\r\n"));
    }
    let mut screens = vec![terminal.screen(0.0)];
    // The first line of the log is a header, and no part of what the timing counts.
    let (_, log) = output.split_once('\n').ok_or("the output is empty")?;
    let (mut seconds, mut read, mut printed) = (0.0, 0, 0);
    let mut pending = String::new();
    for line in timing.lines() {
        let (delay, bytes) = line.split_once(' ').ok_or("a timing has two columns")?;
        seconds += delay.parse::<f64>()?;
        read += bytes.parse::<usize>()?;
        // A character or a sequence that a chunk leaves unfinished is printed with the next one.
        let end = log.floor_char_boundary(read);
        pending.push_str(&log[printed..end]);
        printed = end;
        let shown = pending.replace(directory.trim_end(), DIRECTORY);
        terminal.print(&shown).clone_into(&mut pending);
        screens.push(terminal.screen(seconds));
    }
    terminal.print("$ ");
    screens.push(terminal.screen(seconds));
    Ok(without_short_ones(screens))
}

fn without_short_ones(screens: Vec<Screen>) -> Vec<Screen> {
    let mut kept: Vec<Screen> = Vec::new();
    for screen in screens {
        // The first screen has the command alone and stays.
        if kept.len() > 1
            && let Some(last) = kept.last()
            && screen.seconds - last.seconds < SHORTEST_SECONDS
        {
            kept.pop();
        }
        kept.push(screen);
    }
    kept
}

/// A control sequence or a character.
fn first_token(text: &str) -> Option<&str> {
    let end = if let Some(sequence) = text.strip_prefix("\x1b[") {
        2 + sequence.find(|c: char| ('@'..='~').contains(&c))? + 1
    } else {
        text.chars().next()?.len_utf8()
    };
    Some(&text[..end])
}

/// The part of a terminal that the program's progress lines use.
#[derive(Default)]
struct Terminal {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Terminal {
    /// Prints a text up to a control sequence that it does not end; that rest is returned.
    fn print<'a>(&mut self, mut text: &'a str) -> &'a str {
        while let Some(token) = first_token(text) {
            self.apply(token);
            text = &text[token.len()..];
        }
        text
    }

    fn apply(&mut self, token: &str) {
        match (token, token.strip_prefix("\x1b[")) {
            (_, Some(sequence)) => self.control(sequence),
            ("\r", _) => self.column = 0,
            ("\n", _) => self.row += 1,
            _ => token.chars().for_each(|character| self.put(character)),
        }
    }

    fn put(&mut self, character: char) {
        if self.column == COLUMNS {
            self.row += 1;
            self.column = 0;
        }
        let column = self.column;
        let line = self.line();
        line.resize(line.len().max(column + 1), ' ');
        line[column] = character;
        self.column += 1;
    }

    /// Colours and the visibility of the cursor are left out.
    fn control(&mut self, sequence: &str) {
        let (parameter, action) = sequence.split_at(sequence.len() - 1);
        let count = parameter.parse().unwrap_or(1);
        let column = self.column;
        match (action, parameter) {
            ("A", _) => self.row = self.row.saturating_sub(count),
            ("B", _) => self.row += count,
            ("K", "2") => self.line().clear(),
            ("K", _) => self.line().truncate(column),
            _ => {}
        }
    }

    fn line(&mut self) -> &mut Vec<char> {
        let rows = self.rows.len().max(self.row + 1);
        self.rows.resize_with(rows, Vec::new);
        &mut self.rows[self.row]
    }

    fn screen(&self, seconds: f64) -> Screen {
        let rows = self.rows.iter();
        let rows = rows.map(|line| line.iter().collect::<String>().trim_end().to_owned());
        Screen {
            seconds,
            rows: rows.collect(),
        }
    }
}
