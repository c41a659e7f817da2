//! Local pictures: detects their type and their damage, and uploads them to the provider as the
//! component plans. Their bytes never enter the component.
//!
//! - [`file_url`]: `file:` URLs
//! - [`JobUploads`]: the uploads of a job, each recorded in the ledger before it is sent
//! - `picture`: a checked file; `structure`: whether it is complete; `error`: the errors

mod error;
pub mod file_url;
mod picture;
mod structure;
mod uploads;

use serde_json::Value;

use crate::component::{CallContext, Pack, with_file_length};
use crate::contract::{LocalFile, Step};
use crate::json;

pub use crate::formats::{Format, format_of};
pub use error::MediaError;
pub use picture::Picture;
pub use structure::Damage;
pub use uploads::JobUploads;

/// Uploads `picture` over the context's connection, or encodes it as base64, as the component
/// plans. Returns the value of the input field of `node` at the JSON Pointer `field`.
///
/// One request at most is sent for a picture. `uploads` records it before its first byte, and has
/// the reply for further fields that name the same picture, and for a later command.
///
/// # Errors
///
/// When the component or the provider refuses it, the upload fails or may not be repeated.
pub async fn hand_over(
    pack: &Pack,
    context: &CallContext,
    node: &str,
    field: &str,
    picture: &Picture,
    uploads: &JobUploads,
) -> Result<Value, MediaError> {
    let file = LocalFile {
        media_type: picture.media_type().to_owned(),
        byte_length: picture.byte_length(),
        file_name: picture.file_name().to_owned(),
    };
    let planned = pack.plan_upload(context, node, field, &file).await?;
    let Step::Upload(plan) = planned else {
        return value(planned, picture);
    };
    let reply = uploads.reply(pack, context, &plan, picture).await?;
    let next = pack
        .uploaded(context, node, field, reply.status, &reply.body)
        .await
        .map_err(|error| with_file_length(error, reply.status, picture.byte_length()))?;
    value(next, picture)
}

/// The field's value of a step that sends nothing.
fn value(step: Step, picture: &Picture) -> Result<Value, MediaError> {
    match step {
        Step::Value(value) => json::parse(&value).map_err(MediaError::Value),
        Step::InlineBase64 => picture.inline(),
        Step::Upload(_) => Err(MediaError::SecondUpload {
            path: picture.path().to_owned(),
        }),
    }
}

#[cfg(test)]
mod fuzz;
