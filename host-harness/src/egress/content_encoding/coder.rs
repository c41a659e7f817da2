//! The interface of the decoders, and what two of them share.

use flate2::{Decompress, FlushDecompress, Status};

/// A decoder of one encoding.
pub(super) trait Coder: Send {
    /// Takes bytes of `input` and writes decoded ones to `output`. It takes nothing and writes
    /// nothing only if `input` is empty, or after the end of the encoded body.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Done, Damaged>;

    /// Whether the encoded body may end here.
    fn is_complete(&self) -> bool;
}

/// How far a step came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) read: usize,
    pub(super) written: usize,
}

/// The bytes are not in the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// One step of `inflate`, and whether the deflate stream ended.
pub(super) fn inflated(
    inflate: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<(Done, bool), Damaged> {
    let (read, written) = (inflate.total_in(), inflate.total_out());
    let status = inflate
        .decompress(input, output, FlushDecompress::None)
        .map_err(|_| Damaged)?;
    let count = |now: u64, before: u64| usize::try_from(now - before).map_err(|_| Damaged);
    let done = Done {
        read: count(inflate.total_in(), read)?,
        written: count(inflate.total_out(), written)?,
    };
    Ok((done, status == Status::StreamEnd))
}
