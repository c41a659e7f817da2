//! Parts of a file that may arrive in pieces.

/// The first bytes of a part of a file, which may arrive in pieces.
#[derive(Default)]
pub(super) struct Head {
    bytes: [u8; 12],
    length: usize,
}

impl Head {
    /// Moves bytes from `rest` until there are `N`: returns these, and is empty again.
    pub(super) fn take<const N: usize>(&mut self, rest: &mut &[u8]) -> Option<[u8; N]> {
        let count = N.saturating_sub(self.length).min(rest.len());
        let (now, later) = rest.split_at(count);
        self.bytes[self.length..self.length + count].copy_from_slice(now);
        self.length += count;
        *rest = later;
        let whole = self.bytes.first_chunk().copied();
        let whole = whole.filter(|_| self.length >= N);
        if whole.is_some() {
            self.length = 0;
        }
        whole
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// Moves up to `left` bytes out of `rest`, and lowers `left` by their number.
pub(super) fn skip<'a>(left: &mut u64, rest: &mut &'a [u8]) -> &'a [u8] {
    let count = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
    let (skipped, later) = rest.split_at(count);
    *left -= count as u64;
    *rest = later;
    skipped
}
