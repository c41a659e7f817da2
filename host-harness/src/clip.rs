//! What the headers of a clip on the disk say of it.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::structure;

/// How long the clip of this media type in this file plays. `None` if its headers do not say, or if
/// the file cannot be read. The headers of MP4, `QuickTime` and 3GPP are read.
#[must_use]
pub fn duration(path: &Path, media_type: &str) -> Option<Duration> {
    let mut file = File::open(path).ok()?;
    structure::duration(&mut file, media_type).ok()?
}
