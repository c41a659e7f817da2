//! The characters that a text may mean at one place: as it stands, or as an escape of JSON,
//! percent-encoding or HTML, or as such an escape inside another one.
//!
//! Nothing is decoded as a whole: the matcher asks for the readings of one place after another.
//! The work at one place is bounded, whatever the text is.

/// How many layers of escapes are read.
pub(super) const DEPTH: u32 = 2;

/// Longest encoded character that is read, in bytes.
pub(super) const LONGEST: usize = 127;

/// Most digits of an HTML entity. Some servers pad them with zeros.
const MOST_DIGITS: usize = 8;

/// Most readings of one place.
const MOST: usize = 6;

/// The names of HTML entities of characters that a credential can hold.
const ENTITIES: [(&[u8], u8); 42] = [
    (b"amp", b'&'),
    (b"apos", b'\''),
    (b"ast", b'*'),
    (b"bsol", b'\\'),
    (b"colon", b':'),
    (b"comma", b','),
    (b"commat", b'@'),
    (b"dollar", b'$'),
    (b"equals", b'='),
    (b"excl", b'!'),
    (b"grave", b'`'),
    (b"gt", b'>'),
    (b"hat", b'^'),
    (b"lbrace", b'{'),
    (b"lbrack", b'['),
    (b"lcub", b'{'),
    (b"lowbar", b'_'),
    (b"lpar", b'('),
    (b"lsqb", b'['),
    (b"lt", b'<'),
    (b"midast", b'*'),
    (b"nbsp", b' '),
    (b"num", b'#'),
    (b"percnt", b'%'),
    (b"period", b'.'),
    (b"plus", b'+'),
    (b"quest", b'?'),
    (b"quot", b'"'),
    (b"rbrace", b'}'),
    (b"rbrack", b']'),
    (b"rcub", b'}'),
    (b"rpar", b')'),
    (b"rsqb", b']'),
    (b"semi", b';'),
    (b"sol", b'/'),
    (b"underbar", b'_'),
    (b"verbar", b'|'),
    (b"vert", b'|'),
    (b"dash", b'-'),
    (b"hyphen", b'-'),
    (b"minus", b'-'),
    (b"tilde", b'~'),
];

/// Longest name in [`ENTITIES`].
const LONGEST_NAME: usize = 8;

/// The readings of one place: each a character and the length of its encoding.
#[derive(Clone, Copy)]
pub(super) struct Readings {
    all: [(u8, u8); MOST],
    count: usize,
}

impl Readings {
    const NONE: Self = Self {
        all: [(0, 0); MOST],
        count: 0,
    };

    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, usize)> + '_ {
        let all = self.all[..self.count].iter();
        all.map(|&(character, length)| (character, usize::from(length)))
    }

    fn add(&mut self, character: u8, length: usize) {
        let Ok(length) = u8::try_from(length) else {
            return;
        };
        let one = (character, length);
        let is_known = self.all[..self.count].contains(&one);
        if usize::from(length) <= LONGEST && self.count < MOST && !is_known {
            self.all[self.count] = one;
            self.count += 1;
        }
    }
}

/// Whether an escape can begin with this byte.
pub(super) fn is_introducer(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'+')
}

/// Places of which the readings with one layer are known: more than an encoded character is long.
const KNOWN: usize = 256;

/// The readings with one layer of escapes at the latest places, by the place modulo [`KNOWN`]. The
/// escapes of the second layer ask for them again and again.
pub(super) struct KnownReadings(Vec<(usize, Readings)>);

impl KnownReadings {
    pub(super) fn new() -> Self {
        Self(vec![(usize::MAX, Readings::NONE); KNOWN])
    }
}

/// Reads a text, and counts the steps that it takes.
pub(super) struct Reader<'a> {
    text: &'a [u8],
    known: &'a mut KnownReadings,
    steps: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn of(text: &'a [u8], known: &'a mut KnownReadings) -> Self {
        Self {
            text,
            known,
            steps: 0,
        }
    }

    /// The steps so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The readings at `at` with up to `depth` layers of escapes.
    pub(super) fn readings(&mut self, at: usize, depth: u32) -> Readings {
        let index = at % KNOWN;
        if depth == 1
            && let (place, readings) = self.known.0[index]
            && place == at
        {
            return readings;
        }
        let readings = self.read(at, depth);
        if depth == 1 {
            self.known.0[index] = (at, readings);
        }
        readings
    }

    fn read(&mut self, at: usize, depth: u32) -> Readings {
        self.steps += 1;
        let mut readings = Readings::NONE;
        let Some(&byte) = self.text.get(at) else {
            return readings;
        };
        readings.add(byte, 1);
        if depth == 0 || !is_introducer(byte) {
            return readings;
        }
        if byte == b'+' {
            // The space of form encoding.
            readings.add(b' ', 1);
            return readings;
        }
        let inner = self.readings(at, depth - 1);
        for (character, length) in inner.iter() {
            readings.add(character, length);
        }
        for (introducer, begun) in inner.iter() {
            let escape = match introducer {
                b'\\' => self.backslash(at + begun, depth - 1),
                b'%' => self.percent(at + begun, depth - 1),
                b'&' => self.entity(at + begun, depth - 1),
                _ => None,
            };
            if let Some((character, length)) = escape {
                readings.add(character, begun + length);
            }
        }
        readings
    }

    /// The reading at `at` with the most layers that `wanted` accepts, as what it returns, and the
    /// length: a layer that begins an escape also writes its rest.
    fn next<T>(
        &mut self,
        at: usize,
        depth: u32,
        wanted: impl Fn(u8) -> Option<T>,
    ) -> Option<(T, usize)> {
        let readings = self.readings(at, depth);
        let accepted = readings
            .iter()
            .filter_map(|(character, length)| Some((wanted(character)?, length)));
        accepted.last()
    }

    /// The rest of an escape of JSON or JavaScript: `u0073`, `x73`, `/`.
    fn backslash(&mut self, at: usize, depth: u32) -> Option<(u8, usize)> {
        let known = |byte: u8| matches!(byte, b'u' | b'x' | b'"' | b'\\' | b'/' | b'\'');
        let (kind, length) = self.next(at, depth, |byte| known(byte).then_some(byte))?;
        let digits = match kind {
            b'u' => 4,
            b'x' => 2,
            character => return Some((character, length)),
        };
        let (character, more) = self.hexadecimal(at + length, depth, digits)?;
        Some((character, length + more))
    }

    /// The rest of a percent-encoded character: `73`, or `u0073` as JavaScript's `escape` writes.
    fn percent(&mut self, at: usize, depth: u32) -> Option<(u8, usize)> {
        let first = self.next(at, depth, |byte| match byte {
            b'u' | b'U' => Some(None),
            _ => char::from(byte).to_digit(16).map(Some),
        });
        match first? {
            (None, length) => {
                let (character, more) = self.hexadecimal(at + length, depth, 4)?;
                Some((character, length + more))
            }
            (Some(high), length) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (low, more) = self.next(at + length, depth, digit)?;
                Some((ascii(high << 4 | low)?, length + more))
            }
        }
    }

    /// The rest of an HTML entity: `#115;`, `#x73;`, `amp;`. The semicolon may be missing.
    fn entity(&mut self, at: usize, depth: u32) -> Option<(u8, usize)> {
        let letter = |byte: u8| {
            byte.is_ascii_alphabetic()
                .then(|| byte.to_ascii_lowercase())
        };
        let Some(((), mut length)) = self.next(at, depth, |byte| (byte == b'#').then_some(()))
        else {
            let mut name = [0; LONGEST_NAME];
            let (mut count, mut length) = (0, 0);
            while count < LONGEST_NAME
                && let Some((letter, more)) = self.next(at + length, depth, letter)
            {
                name[count] = letter;
                count += 1;
                length += more;
            }
            let (_, character) = ENTITIES
                .iter()
                .find(|(known, _)| *known == &name[..count])?;
            return Some((*character, self.with_semicolon(at, length, depth)));
        };
        let marked = self.next(at + length, depth, |byte| {
            matches!(byte, b'x' | b'X').then_some(())
        });
        let radix = match marked {
            Some(((), more)) => {
                length += more;
                16
            }
            None => 10,
        };
        let digit = |byte: u8| char::from(byte).to_digit(radix);
        let (mut value, mut count) = (0_u32, 0);
        while count < MOST_DIGITS
            && let Some((digit, more)) = self.next(at + length, depth, digit)
        {
            value = value.saturating_mul(radix).saturating_add(digit);
            count += 1;
            length += more;
        }
        let character = ascii(value).filter(|_| count > 0)?;
        Some((character, self.with_semicolon(at, length, depth)))
    }

    /// `length`, and the semicolon behind it if there is one.
    fn with_semicolon(&mut self, at: usize, length: usize, depth: u32) -> usize {
        let semicolon = self.next(at + length, depth, |byte| (byte == b';').then_some(()));
        length + semicolon.map_or(0, |((), more)| more)
    }

    /// A character of this many hexadecimal digits.
    fn hexadecimal(&mut self, at: usize, depth: u32, digits: usize) -> Option<(u8, usize)> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (mut value, mut length) = (0, 0);
        for _ in 0..digits {
            let (digit, more) = self.next(at + length, depth, digit)?;
            value = value << 4 | digit;
            length += more;
        }
        Some((ascii(value)?, length))
    }
}

/// Only ASCII, since credentials are ASCII.
fn ascii(value: u32) -> Option<u8> {
    u8::try_from(value).ok().filter(u8::is_ascii)
}
