//! Generates inputs from the corpus: changed files, and words in any order.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::corpus::Corpus;
use crate::parts::SEPARATOR;
use crate::tree;

/// The longest generated input in bytes; longer ones are cut.
const MAX_LENGTH: usize = 64 << 10;

/// One change of a file. Positions are shares of the file's length, in 65536ths: so they are valid
/// in every file, and stay similar when shrinking removes an earlier change.
#[derive(Clone, Debug)]
enum Change {
    /// Flips one bit.
    Flip { at: u16, bit: u8 },
    /// Removes a range.
    Drop { from: u16, length: u8 },
    /// Doubles a range.
    Double { from: u16, length: u8 },
    /// Removes a line, or doubles it.
    Line { at: u16, twice: bool },
    /// Cuts the rest.
    Cut { at: u16 },
    /// Replaces the rest by that of another file.
    Splice { at: u16, other: usize },
    /// Inserts a word, or overwrites as many bytes with it.
    Word { at: u16, over: bool, word: Vec<u8> },
    /// Changes one of the parts as a JSON document.
    Json { part: u8, change: tree::Change },
}

/// Files of the corpus with a few changes each.
pub(crate) fn changed(corpus: &Corpus) -> impl Strategy<Value = Vec<u8>> + use<> {
    let files = corpus.inputs();
    let changes = vec(change(files.len(), all_words(corpus)), 1..5);
    (0..files.len(), changes).prop_map(move |(file, changes)| {
        let mut input = files[file].clone();
        for change in &changes {
            change.apply(&mut input, &files);
            input.truncate(MAX_LENGTH);
        }
        input
    })
}

/// Words of the corpus and of [`ODD_TEXTS`], in any order.
pub(crate) fn words(corpus: &Corpus) -> impl Strategy<Value = Vec<u8>> + use<> {
    vec(word(all_words(corpus)), 0..40).prop_map(|words| words.concat())
}

/// The words of the files: runs of letters and digits, and single other bytes.
fn all_words(corpus: &Corpus) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    for (_, file) in corpus.files() {
        let same =
            |one: &u8, other: &u8| one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric();
        words.extend(file.chunk_by(same).map(<[u8]>::to_vec));
    }
    words.sort_unstable();
    words.dedup();
    words
}

fn word(words: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let odd: Vec<Vec<u8>> = ODD_TEXTS
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    prop_oneof![
        6 => prop::sample::select(words),
        1 => prop::sample::select(odd),
        1 => any::<char>().prop_map(|one| one.to_string().into_bytes()),
        1 => (0_usize..4000).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ]
}

/// Texts that often break parsers.
const ODD_TEXTS: [&str; 24] = [
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\u{2028}",
    "\u{1b}[2J",
    "\u{e9}",
    "e\u{301}",
    "\u{1f3a5}",
    "\\ud800",
    "\r\n",
    "\t",
    "-0",
    "1e309",
    "1e-400",
    "0x7f",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "99999999999999999999999999999999999999",
    "NaN",
    "null",
    "{}",
    "[]",
    "\"\"",
];

fn change(files: usize, words: Vec<Vec<u8>>) -> impl Strategy<Value = Change> {
    let at = any::<u16>;
    prop_oneof![
        1 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip { at, bit }),
        1 => (at(), 1..24_u8).prop_map(|(from, length)| Change::Drop { from, length }),
        1 => (at(), any::<u8>()).prop_map(|(from, length)| Change::Double { from, length }),
        1 => (at(), any::<bool>()).prop_map(|(at, twice)| Change::Line { at, twice }),
        1 => at().prop_map(|at| Change::Cut { at }),
        1 => (at(), 0..files).prop_map(|(at, other)| Change::Splice { at, other }),
        3 => (at(), any::<bool>(), word(words))
            .prop_map(|(at, over, word)| Change::Word { at, over, word }),
        12 => (any::<u8>(), tree::change()).prop_map(|(part, change)| Change::Json { part, change }),
    ]
}

impl Change {
    fn apply(&self, input: &mut Vec<u8>, files: &[Vec<u8>]) {
        match self {
            Self::Flip { at, bit } => {
                let at = place(*at, input.len());
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Drop { from, length } => drop(input.drain(stretch(*from, *length, input.len()))),
            Self::Double { from, length } => {
                let twice = input[stretch(*from, *length, input.len())].to_vec();
                let at = place(*from, input.len());
                input.splice(at..at, twice);
            }
            Self::Line { at, twice } => {
                let at = place(*at, input.len());
                let from = input[..at].iter().rposition(|byte| *byte == b'\n');
                let from = from.map_or(0, |end| end + 1);
                let until = input[at..].iter().position(|byte| *byte == b'\n');
                let until = until.map_or(input.len(), |end| at + end + 1);
                let line = input[from..until].to_vec();
                let kept = if *twice { line.repeat(2) } else { Vec::new() };
                input.splice(from..until, kept);
            }
            Self::Cut { at } => input.truncate(place(*at, input.len())),
            Self::Splice { at, other } => {
                let rest = &files[*other];
                input.truncate(place(*at, input.len()));
                input.extend_from_slice(&rest[place(*at, rest.len())..]);
            }
            Self::Word { at, over, word } => {
                let at = place(*at, input.len());
                let until = if *over { at + word.len() } else { at };
                input.splice(at..until.min(input.len()), word.iter().copied());
            }
            Self::Json { part, change } => change_part(input, *part, change),
        }
    }
}

/// Changes a part if it is JSON.
fn change_part(input: &mut Vec<u8>, part: u8, change: &tree::Change) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut parts: Vec<_> = text.split(SEPARATOR).map(str::to_owned).collect();
    let part = usize::from(part) % parts.len();
    if let Some(changed) = change.apply(&parts[part]) {
        parts[part] = changed;
        *input = parts.join(SEPARATOR).into_bytes();
    }
}

/// The position of a share.
fn place(share: u16, length: usize) -> usize {
    length * usize::from(share) / 65_536
}

fn stretch(from: u16, length: u8, all: usize) -> Range<usize> {
    let from = place(from, all);
    from..(from + usize::from(length)).min(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(change: &Change, input: &str) -> String {
        let mut input = input.as_bytes().to_vec();
        change.apply(&mut input, &[b"0123456789".to_vec()]);
        String::from_utf8(input).expect("text")
    }

    #[test]
    fn each_change_gives_the_expected_document() {
        let at = 1 << 15;
        let put = |over| Change::Word {
            at,
            over,
            word: b"XY".to_vec(),
        };
        for (change, expected) in [
            (Change::Flip { at, bit: 0 }, "abcddfgh"),
            (
                Change::Drop {
                    from: at,
                    length: 2,
                },
                "abcdgh",
            ),
            (
                Change::Double {
                    from: at,
                    length: 2,
                },
                "abcdefefgh",
            ),
            (Change::Line { at, twice: false }, ""),
            (Change::Line { at, twice: true }, "abcdefghabcdefgh"),
            (Change::Cut { at }, "abcd"),
            (Change::Splice { at, other: 0 }, "abcd56789"),
            (put(false), "abcdXYefgh"),
            (put(true), "abcdXYgh"),
        ] {
            assert_eq!(after(&change, "abcdefgh"), expected, "{change:?}");
        }
        let change = tree::Change {
            node: 1,
            what: tree::What::Drop,
        };
        let json = Change::Json { part: 1, change };
        assert_eq!(
            after(&json, "{\"a\":1}\n---\n{\"b\":1}"),
            "{\"a\":1}\n---\n{}"
        );
    }

    #[test]
    fn positions_stay_within_the_input() {
        for share in [0, 1, u16::MAX] {
            for length in [0, 1, 7, MAX_LENGTH] {
                assert!(place(share, length) <= length);
                assert!(stretch(share, 255, length).end <= length);
            }
        }
    }
}
