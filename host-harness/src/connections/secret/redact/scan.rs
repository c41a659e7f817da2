//! The automaton that searches a text for all patterns at once.
//!
//! It goes through the text once. At each place it holds, for each pattern, how many of its
//! symbols end there: below the minimum each count with the length of its text, from the minimum
//! on as a set of bits. A count is taken on by each reading of the place. The work at one place
//! is bounded by the number of readings and the length of the patterns, so a text made to be
//! slow takes as long as any other text of its length.

use std::ops::Range;

use super::pattern::{LONGEST_MINIMUM, Pattern};
use super::readings::{DEPTH, KnownReadings, LONGEST, Reader, is_introducer};

/// Places ahead that a reading can lead to, and the present one.
const AHEAD: usize = LONGEST + 1;

/// The search of one text.
pub(super) struct Scan<'a> {
    patterns: &'a [Pattern],
    /// The states at the next places, by the place modulo [`AHEAD`]. Empty until one is needed:
    /// most texts need none.
    places: Vec<Place>,
    /// How many of them hold a state.
    live: usize,
    /// Made when the first escape is read.
    known: Option<KnownReadings>,
    steps: u64,
}

/// The states at one place.
struct Place {
    states: Vec<State>,
    is_live: bool,
}

/// The state of one pattern at one place.
struct State {
    is_live: bool,
    /// By the number of symbols that end here, below the pattern's minimum: the longest text
    /// that they take. 0 if none.
    begun: [u16; LONGEST_MINIMUM],
    /// The numbers of symbols that end here, from the minimum on.
    known: Vec<u64>,
}

impl<'a> Scan<'a> {
    pub(super) fn of(patterns: &'a [Pattern]) -> Self {
        Self {
            patterns,
            places: Vec::new(),
            live: 0,
            known: None,
            steps: 0,
        }
    }

    /// The steps so far.
    #[cfg(test)]
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The first place from `at` on at which [`step`](Self::step) has something to do.
    pub(super) fn skip(&mut self, text: &[u8], at: usize) -> usize {
        if self.live > 0 {
            return at;
        }
        let mut rest = text[at..].iter().enumerate();
        let found = rest.find(|&(offset, &byte)| {
            if is_introducer(byte) {
                return true;
            }
            let second = text.get(at + offset + 1).copied().unwrap_or_default();
            let begins = |pattern: &Pattern| {
                pattern.is_at(0, byte) && (is_introducer(second) || pattern.is_at(1, second))
            };
            self.patterns.iter().any(begins)
        });
        let next = found.map_or(text.len(), |(offset, _)| at + offset);
        self.steps += (next - at) as u64;
        next
    }

    /// Continues at the place `at`. Returns the part of the text, around `at`, that now belongs to
    /// a pattern. Reads nothing before `at` but the byte next to that part.
    pub(super) fn step(&mut self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let known = self.known.get_or_insert_with(KnownReadings::new);
        let mut reader = Reader::of(text, known);
        let readings = reader.readings(at, DEPTH);
        self.steps += reader.steps();
        let mut found: Option<Range<usize>> = None;
        for (byte, length) in readings.iter() {
            for number in 0..self.patterns.len() {
                let pattern = &self.patterns[number];
                let is_live = self.is_live(at, number);
                if !is_live && !pattern.is_at(0, byte) {
                    continue;
                }
                self.steps += 1;
                let Some(before) = self.advance(number, at, byte, length, is_live) else {
                    continue;
                };
                let part = at - before..at + length;
                let part = if pattern.is_base64() {
                    with_neighbours(text, part)
                } else {
                    part
                };
                let known = found.get_or_insert(part.clone());
                *known = known.start.min(part.start)..known.end.max(part.end);
            }
        }
        self.clear(at);
        found
    }

    fn is_live(&self, at: usize, number: usize) -> bool {
        let place = self.places.get(at % AHEAD);
        place.is_some_and(|place| place.is_live && place.states[number].is_live)
    }

    /// Takes the states of a pattern at `at` on to `at + length`, by the character `byte`.
    /// Returns how far before `at` a part begins that reaches the minimum, or exceeds it.
    fn advance(
        &mut self,
        number: usize,
        at: usize,
        byte: u8,
        length: usize,
        is_live: bool,
    ) -> Option<usize> {
        let pattern = &self.patterns[number];
        let minimum = pattern.minimum();
        let mut found = None;
        if pattern.is_at(0, byte) {
            self.begin(number, at + length, 1, length);
        }
        if !is_live {
            return None;
        }
        for count in 1..minimum {
            let before = usize::from(self.state(at, number).begun[count]);
            if before == 0 || !pattern.is_at(count, byte) {
                continue;
            }
            if count + 1 < minimum {
                self.begin(number, at + length, count + 1, before + length);
                continue;
            }
            found = found.max(Some(before));
            if minimum < pattern.length() {
                let state = self.state_at(number, at + length);
                state.known[minimum / 64] |= 1 << (minimum % 64);
            }
        }
        let places = pattern.places(byte);
        let mut carry = 0;
        for (word, places) in places.iter().enumerate() {
            let taken = self.state(at, number).known[word] & places;
            let next = taken << 1 | carry;
            carry = taken >> 63;
            if taken > 0 {
                found = found.max(Some(0));
            }
            if next > 0 {
                self.state_at(number, at + length).known[word] |= next;
            }
        }
        found
    }

    fn begin(&mut self, number: usize, at: usize, count: usize, length: usize) {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        let begun = &mut self.state_at(number, at).begun[count];
        *begun = length.max(*begun);
    }

    fn state(&self, at: usize, number: usize) -> &State {
        &self.places[at % AHEAD].states[number]
    }

    /// The state of a pattern at a place ahead, which is live from now on.
    fn state_at(&mut self, number: usize, at: usize) -> &mut State {
        if self.places.is_empty() {
            self.places = (0..AHEAD).map(|_| Place::of(self.patterns)).collect();
        }
        let place = &mut self.places[at % AHEAD];
        self.live += usize::from(!place.is_live);
        place.is_live = true;
        let state = &mut place.states[number];
        state.is_live = true;
        state
    }

    fn clear(&mut self, at: usize) {
        let Some(place) = self.places.get_mut(at % AHEAD) else {
            return;
        };
        if !place.is_live {
            return;
        }
        for state in place.states.iter_mut().filter(|state| state.is_live) {
            state.is_live = false;
            state.begun.fill(0);
            state.known.fill(0);
        }
        place.is_live = false;
        self.live -= 1;
    }
}

impl Place {
    fn of(patterns: &[Pattern]) -> Self {
        let state = |pattern: &Pattern| State {
            is_live: false,
            begun: [0; LONGEST_MINIMUM],
            known: vec![0; pattern.words()],
        };
        Self {
            states: patterns.iter().map(state).collect(),
            is_live: false,
        }
    }
}

/// `part` with the base64 characters next to it, which encode a part of the credential.
fn with_neighbours(text: &[u8], part: Range<usize>) -> Range<usize> {
    let is_base64 = |at: usize| {
        text.get(at)
            .is_some_and(|&byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
    };
    let start = part
        .start
        .checked_sub(1)
        .filter(|&before| is_base64(before));
    let end = part.end + usize::from(is_base64(part.end));
    start.unwrap_or(part.start)..end
}
