//! Local pictures: detects their type and their damage, and uploads them to the provider as the
//! component plans. Their bytes never enter the component.
//!
//! - [`file_url`]: `file:` URLs
//! - `picture`: a checked file; `structure`: whether it is complete; `error`: the errors

mod error;
pub mod file_url;
mod picture;
mod structure;

use serde_json::Value;

use crate::component::{CallContext, Pack, with_file_length};
use crate::contract::{LocalFile, Step};
use crate::json;
use error::STEPS;

pub use crate::formats::{Format, format_of};
pub use error::MediaError;
pub use picture::Picture;
pub use structure::Damage;

/// Uploads `picture` over the context's connection, or encodes it as base64, as the component
/// plans. Returns the value of the input field of `node` at the JSON Pointer `field`.
///
/// # Errors
///
/// When the component or the provider refuses it, or the upload fails.
pub async fn hand_over(
    pack: &Pack,
    context: &CallContext,
    node: &str,
    field: &str,
    picture: &Picture,
) -> Result<Value, MediaError> {
    let file = LocalFile {
        media_type: picture.media_type().to_owned(),
        byte_length: picture.byte_length(),
        file_name: picture.file_name().to_owned(),
    };
    let mut step = pack.plan_upload(context, node, field, &file).await?;
    for _ in 0..STEPS {
        let plan = match step {
            Step::Value(value) => return json::parse(&value).map_err(MediaError::Value),
            Step::InlineBase64 => return picture.inline(),
            Step::Upload(plan) => plan,
        };
        let (Some(egress), Some(connection)) = (context.egress(), context.connection()) else {
            return Err(MediaError::NoConnection);
        };
        let reply = egress
            .upload(connection, &plan, picture.part())
            .await
            .map_err(|error| picture.upload_failed(error))?;
        step = pack
            .uploaded(context, node, field, reply.status, &reply.body)
            .await
            .map_err(|error| with_file_length(error, reply.status, picture.byte_length()))?;
    }
    Err(MediaError::Steps)
}

#[cfg(test)]
mod fuzz;
