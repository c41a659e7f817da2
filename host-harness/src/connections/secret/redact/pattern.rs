//! A text that is searched for: the credential, or its base64.

use zeroize::Zeroizing;

/// Longest [`Pattern::minimum`].
pub(super) const LONGEST_MINIMUM: usize = 10;

/// A text that is searched for, from its beginning up to any length of at least `minimum`. No
/// `Debug`: it reveals the credential.
pub(super) struct Pattern {
    symbols: Zeroizing<Vec<u8>>,
    minimum: usize,
    /// Whether case does not matter. The symbols are in lower case then.
    folds: bool,
    /// The row of `masks` of each byte; 0 for a byte that the text does not hold.
    rows: Zeroizing<[u8; 256]>,
    /// In each row the places of one byte, a bit for each.
    masks: Zeroizing<Vec<u64>>,
    words: usize,
}

impl Pattern {
    /// `None` if the text is shorter than `minimum`.
    pub(super) fn of(text: &[u8], minimum: usize, folds: bool) -> Option<Self> {
        debug_assert!((2..=LONGEST_MINIMUM).contains(&minimum));
        if text.len() < minimum {
            return None;
        }
        let mut symbols = Zeroizing::new(text.to_vec());
        if folds {
            symbols.make_ascii_lowercase();
        }
        let words = symbols.len() / 64 + 1;
        let mut rows = Zeroizing::new([0; 256]);
        let mut count = 0_u8;
        for &symbol in symbols.iter() {
            let row = &mut rows[usize::from(symbol)];
            if *row == 0 {
                count += 1;
                *row = count;
            }
        }
        let mut masks = Zeroizing::new(vec![0; (usize::from(count) + 1) * words]);
        for (place, &symbol) in symbols.iter().enumerate() {
            let row = usize::from(rows[usize::from(symbol)]);
            masks[row * words + place / 64] |= 1 << (place % 64);
        }
        Some(Self {
            symbols,
            minimum,
            folds,
            rows,
            masks,
            words,
        })
    }

    pub(super) fn minimum(&self) -> usize {
        self.minimum
    }

    pub(super) fn length(&self) -> usize {
        self.symbols.len()
    }

    /// The words of a set of places.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Whether it is base64, whose first and last characters may hold other bits as well.
    pub(super) fn is_base64(&self) -> bool {
        !self.folds
    }

    /// Whether `byte` is its symbol at `place`.
    pub(super) fn is_at(&self, place: usize, byte: u8) -> bool {
        self.symbols.get(place) == Some(&self.folded(byte))
    }

    /// The places at which `byte` is its symbol.
    pub(super) fn places(&self, byte: u8) -> &[u64] {
        let row = usize::from(self.rows[usize::from(self.folded(byte))]);
        &self.masks[row * self.words..(row + 1) * self.words]
    }

    fn folded(&self, byte: u8) -> u8 {
        if self.folds {
            byte.to_ascii_lowercase()
        } else {
            byte
        }
    }
}
