//! Local pictures: detects their type and their damage, and uploads them to the provider as the
//! component plans. Their bytes never enter the component.
//!
//! - [`file_url`]: `file:` URLs
//! - [`JobUploads`]: the uploads of a job, each recorded in the ledger before it is sent
//! - `picture`: a checked file; `error`: the errors

mod error;
pub mod file_url;
mod picture;
mod uploads;

use serde_json::Value;

use crate::component::{CallContext, Pack, with_file_length};
use crate::contract::{LocalFile, Step};
use crate::egress::check_upload;
use crate::json;
use crate::ledger::FieldValue;

pub use crate::formats::{Format, format_of};
pub use crate::structure::Damage;
pub use error::MediaError;
pub use picture::Picture;
pub use uploads::JobUploads;

/// Uploads `picture` over the context's connection, or encodes it as base64, as the component
/// plans. Returns the value of the input field of `node` at the JSON Pointer `field`.
///
/// One request at most is sent for a picture. `uploads` records it before its first byte, and has
/// the reply for further fields that name the same picture, and for a later step.
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
    match field_value(pack, context, node, field, picture, uploads).await? {
        FieldValue::Json(value) => Ok(value),
        FieldValue::Base64 => picture.inline(),
    }
}

/// The value of a field whose picture needs no upload; `None` if the component plans one, which the
/// policy and the granted routes permit. Nothing is sent.
pub(crate) async fn value_without_upload(
    pack: &Pack,
    context: &CallContext,
    node: &str,
    field: &str,
    picture: &Picture,
) -> Result<Option<FieldValue>, MediaError> {
    match pack
        .plan_upload(context, node, field, &file(picture))
        .await?
    {
        Step::Upload(plan) => {
            let Some(connection) = context.connection() else {
                return Err(MediaError::NoConnection);
            };
            check_upload(connection, pack.quota(), &plan).map_err(MediaError::Upload)?;
            Ok(None)
        }
        planned => value(planned, picture).map(Some),
    }
}

/// As [`hand_over`], with a picture in base64 left in its file.
pub(crate) async fn field_value(
    pack: &Pack,
    context: &CallContext,
    node: &str,
    field: &str,
    picture: &Picture,
    uploads: &JobUploads,
) -> Result<FieldValue, MediaError> {
    let planned = pack
        .plan_upload(context, node, field, &file(picture))
        .await?;
    let Step::Upload(plan) = planned else {
        return value(planned, picture);
    };
    let reply = uploads.reply(pack, context, &plan, picture).await?;
    let next = pack.uploaded(context, node, field, reply.status, &reply.body);
    match next.await {
        Ok(next) => value(next, picture),
        Err(error) => {
            uploads.refused(pack, context, picture).await;
            Err(with_file_length(error, reply.status, picture.byte_length()).into())
        }
    }
}

fn file(picture: &Picture) -> LocalFile {
    LocalFile {
        media_type: picture.media_type().to_owned(),
        byte_length: picture.byte_length(),
        file_name: picture.file_name().to_owned(),
    }
}

/// The field's value of a step that sends nothing.
fn value(step: Step, picture: &Picture) -> Result<FieldValue, MediaError> {
    match step {
        Step::Value(value) => {
            let value = json::parse(&value).map_err(MediaError::Value)?;
            Ok(FieldValue::Json(value))
        }
        Step::InlineBase64 => picture.fits_inline().map(|()| FieldValue::Base64),
        Step::Upload(_) => Err(MediaError::SecondUpload {
            path: picture.path().to_owned(),
        }),
    }
}

#[cfg(test)]
mod fuzz;
