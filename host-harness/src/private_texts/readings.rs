//! The readings of a message: as it is, and with escapes and encodings removed.

use std::ops::Range;

/// How many layers of escaping or encoding are removed.
const DEPTH: u32 = 2;

/// A character, and its range in the message.
type Placed = (char, Range<usize>);

/// The letters and digits of a message in one reading, in lower case.
pub(super) struct Reading {
    pub(super) letters: Vec<char>,
    places: Vec<Range<usize>>,
    /// The numbers of letters before each ellipsis.
    pub(super) cuts: Vec<usize>,
}

impl Reading {
    fn of(characters: &[Placed]) -> Self {
        let mut reading = Self {
            letters: Vec::new(),
            places: Vec::new(),
            cuts: Vec::new(),
        };
        for (at, (character, place)) in characters.iter().enumerate() {
            for letter in letters_of(*character) {
                reading.letters.push(letter);
                reading.places.push(place.clone());
            }
            let is_cut = match character {
                // Not of a text that was redacted.
                '…' => at == 0 || characters[at - 1].0 != '[',
                '.' => characters[at..]
                    .iter()
                    .take(3)
                    .map(|it| it.0)
                    .eq("...".chars()),
                _ => false,
            };
            if is_cut {
                reading.cuts.push(reading.letters.len());
            }
        }
        reading
    }

    /// The range of the message that these letters are from.
    pub(super) fn place(&self, letters: Range<usize>) -> Range<usize> {
        self.places[letters.start].start..self.places[letters.end - 1].end
    }
}

/// The letters of a character in lower case; none of punctuation and blanks.
pub(super) fn letters_of(character: char) -> impl Iterator<Item = char> {
    let letter = Some(character).filter(|letter| letter.is_alphanumeric());
    letter.into_iter().flat_map(char::to_lowercase)
}

/// All readings of a message.
pub(super) fn readings(message: &str) -> Vec<Reading> {
    let characters = message.char_indices();
    let characters: Vec<Placed> = characters
        .map(|(at, character)| (character, at..at + character.len_utf8()))
        .collect();
    let mut readings = Vec::new();
    read(&characters, DEPTH, &mut readings);
    readings
}

fn read(characters: &[Placed], depth: u32, readings: &mut Vec<Reading>) {
    readings.push(Reading::of(characters));
    if depth > 0 {
        for decode in [unescaped, percent_decoded, html_decoded] {
            if let Some(decoded) = decoded(characters, decode) {
                read(&decoded, depth - 1, readings);
            }
        }
    }
}

/// Decodes at the start of a text: the characters, and the length of their encoding.
type Decode = fn(&[Placed]) -> Option<(String, usize)>;

/// The decoded text; `None` if nothing in it is encoded.
fn decoded(characters: &[Placed], decode: Decode) -> Option<Vec<Placed>> {
    let mut text = Vec::with_capacity(characters.len());
    let mut at = 0;
    let mut any = false;
    while at < characters.len() {
        match decode(&characters[at..]) {
            Some((decoded, length)) => {
                any = true;
                let place = characters[at].1.start..characters[at + length - 1].1.end;
                text.extend(decoded.chars().map(|letter| (letter, place.clone())));
                at += length;
            }
            None => {
                text.push(characters[at].clone());
                at += 1;
            }
        }
    }
    any.then_some(text)
}

fn at(text: &[Placed], index: usize) -> Option<char> {
    Some(text.get(index)?.0)
}

/// The number of these hexadecimal digits.
fn hex(text: &[Placed], digits: Range<usize>) -> Option<u32> {
    let digits: String = text.get(digits)?.iter().map(|it| it.0).collect();
    let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(&digits, 16).ok().filter(|_| is_hex)
}

/// Decodes an escape of a JSON string, also in a pair of surrogates.
fn unescaped(text: &[Placed]) -> Option<(String, usize)> {
    if at(text, 0)? != '\\' {
        return None;
    }
    match at(text, 1)? {
        'u' => {
            let first = hex(text, 2..6)?;
            let second = || {
                let is_escape = at(text, 6)? == '\\' && at(text, 7)? == 'u';
                hex(text, 8..12).filter(|_| is_escape)
            };
            match char::from_u32(first) {
                Some(character) => Some((character.into(), 6)),
                None => {
                    let units = [u16::try_from(first).ok()?, u16::try_from(second()?).ok()?];
                    Some((String::from_utf16(&units).ok()?, 12))
                }
            }
        }
        'n' | 'r' | 't' | 'b' | 'f' => Some((" ".into(), 2)),
        character @ ('"' | '\\' | '/' | '\'') => Some((character.into(), 2)),
        _ => None,
    }
}

/// Decodes a percent-encoded character of up to four bytes.
fn percent_decoded(text: &[Placed]) -> Option<(String, usize)> {
    let byte = |index: usize| {
        let is_encoded = at(text, index)? == '%';
        u8::try_from(hex(text, index + 1..index + 3)?)
            .ok()
            .filter(|_| is_encoded)
    };
    let length = match byte(0)? {
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return None,
    };
    let bytes = (0..length)
        .map(|index| byte(index * 3))
        .collect::<Option<Vec<_>>>()?;
    Some((String::from_utf8(bytes).ok()?, length * 3))
}

/// Decodes a character reference of HTML.
fn html_decoded(text: &[Placed]) -> Option<(String, usize)> {
    if at(text, 0)? != '&' {
        return None;
    }
    let end = text.iter().take(10).position(|it| it.0 == ';')?;
    let name: String = text[1..end].iter().map(|it| it.0).collect();
    let number = |digits: &str| match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    };
    let character = match (name.as_str(), name.strip_prefix('#')) {
        ("quot", _) => '"',
        ("apos", _) => '\'',
        ("amp", _) => '&',
        ("lt", _) => '<',
        ("gt", _) => '>',
        ("nbsp", _) => ' ',
        (_, Some(digits)) => char::from_u32(number(digits)?)?,
        _ => return None,
    };
    Some((character.into(), end + 1))
}
