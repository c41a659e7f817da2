//! Notes on pictures and results that a provider or a viewer may treat differently than the
//! user expects. A note follows the name of its field, or stands alone.

use std::io::BufReader;
use std::path::Path;

use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageReader};
use zoetrope_host::contract::Violation;
use zoetrope_host::ledger::Job;
use zoetrope_host::media::{Picture, format_of};
use zoetrope_host::sanitize::sentence;

use super::report::Failure;

/// The longest picture whose header is read, in bytes: some decoders read the whole file.
const MAX_BYTES: u64 = 64 << 20;

/// The notes on a picture of an input.
pub(super) fn notes(picture: &Picture) -> Vec<String> {
    let name = sentence(picture.file_name());
    let mut notes = Vec::from_iter(misnamed(picture.path(), picture.media_type()));
    notes.extend(damage(picture));
    let (is_turned, has_alpha) = header(picture).unwrap_or_default();
    if is_turned {
        notes.push(format!(
            "{name} is rotated by its EXIF orientation; the provider may ignore that"
        ));
    }
    if has_alpha {
        notes.push(format!(
            "{name} has an alpha channel; the provider may show it as black"
        ));
    }
    notes
}

/// A note on a picture that is truncated or damaged.
pub(super) fn damage(picture: &Picture) -> Option<String> {
    let name = sentence(picture.file_name());
    let damage = picture.damage()?;
    Some(format!("{name} {damage}; the provider may refuse it"))
}

/// The failure of `--strict` for a picture of this field, if it is truncated or damaged.
pub(super) fn refused(field: &str, picture: &Picture) -> Option<Failure> {
    let name = sentence(picture.file_name());
    let damage = picture.damage()?;
    let failure = Failure::invalid_input(Violation {
        instance_path: field.to_owned(),
        keyword: "picture".into(),
        message: format!("{name} {damage}."),
    });
    let next = "Use an intact picture, or run without --strict to leave the decision to the \
                provider (nothing was sent)";
    Some(failure.then(next.into()))
}

/// Notes on results whose extension does not match their type.
pub(super) fn results<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> impl Iterator<Item = String> {
    let files = jobs.into_iter().filter(|job| job.is_finalized());
    let files = files.filter_map(Job::file);
    files.flat_map(|result| {
        let named = result.all();
        let named = named.filter_map(|file| misnamed(&file.path, &file.media_type));
        named.chain(result.left_out.iter().cloned())
    })
}

/// A note on a file whose extension does not match its type.
pub(super) fn misnamed(path: &Path, media_type: &str) -> Option<String> {
    let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
    let format = format_of(media_type)?;
    let name = path.file_name()?.to_string_lossy();
    (!format.extensions.contains(&extension.as_str()))
        .then(|| format!("{} is {}", sentence(&name), format.name))
}

/// Whether a picture is rotated, and whether it has an alpha channel; `None` if no decoder
/// reads it.
fn header(picture: &Picture) -> Option<(bool, bool)> {
    if picture.byte_length() > MAX_BYTES {
        return None;
    }
    let reader = ImageReader::new(BufReader::new(picture.open_source().ok()?));
    let mut decoder = reader.with_guessed_format().ok()?.into_decoder().ok()?;
    let orientation = decoder.orientation().ok();
    let is_turned = orientation.is_some_and(|turned| turned != Orientation::NoTransforms);
    Some((is_turned, decoder.color_type().has_alpha()))
}
