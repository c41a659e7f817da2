//! Local pictures of a new job: which of them the driver uploads, and copies of these.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::spawn_blocking;
use tracing::Instrument as _;

use super::commands::Jobs;
use super::error::JobsError;
use super::pictures::Local;
use super::submit::SubmitRequest;
use crate::component::CallContext;
use crate::driver::ResolvedConnection;
use crate::json;
use crate::ledger::{CopyError, FieldValue, LedgerError, LocalPicture, LocalPictures, Pictures};
use crate::media::{Picture, value_without_upload};
use crate::private_texts::PrivateTexts;

impl Jobs {
    /// The input with the pictures that need no upload, and those that the driver uploads, of which
    /// copies are stored. Nothing is sent. The caller holds the ledger's files.
    pub(super) async fn plan_pictures(
        &self,
        request: &SubmitRequest<'_>,
        resolved: &ResolvedConnection,
    ) -> Result<(Value, LocalPictures), JobsError> {
        let checked = request.checked;
        let (id, node) = (&checked.id, &checked.node.name);
        let mut input = json::parse(&checked.plan.input).map_err(JobsError::NotJson)?;
        let private = PrivateTexts::of(&[&checked.plan.input, &checked.raw_input.to_string()]);
        let context = CallContext::online(&self.egress, Arc::clone(&resolved.connection))
            .with_private_texts(private);
        let mut uploaded = Vec::new();
        for Local { picture, field, .. } in &checked.pictures {
            let span = tracing::info_span!("job", id, node);
            let planned = value_without_upload(&self.pack, &context, node, field, picture);
            let planned = planned.instrument(span).await.map_err(JobsError::Picture)?;
            let value = match planned {
                Some(FieldValue::Json(value)) => value,
                Some(FieldValue::Base64) => picture.inline().map_err(JobsError::Picture)?,
                None => {
                    self.store(picture).await?;
                    uploaded.push(LocalPicture {
                        field: field.clone(),
                        sha256: picture.sha256().to_string(),
                        name: picture.file_name().to_owned(),
                        value: None,
                    });
                    continue;
                }
            };
            if let Some(place) = input.pointer_mut(field) {
                *place = value;
            }
        }
        Ok((input, LocalPictures::new(uploaded)))
    }

    /// Stores a copy of a picture, since the user's file may be changed before the upload.
    async fn store(&self, picture: &Picture) -> Result<(), JobsError> {
        let (pictures, picture) = (Pictures::of(&self.data_dir), picture.clone());
        let stored = spawn_blocking(move || {
            let source = picture.open_source().map_err(JobsError::Picture)?;
            match pictures.copy(picture.sha256(), picture.byte_length(), source) {
                Ok(true) => Ok(()),
                Ok(false) => Err(JobsError::Picture(picture.changed())),
                Err(CopyError::Source(error)) => Err(JobsError::Picture(picture.unreadable(error))),
                Err(CopyError::Store(error)) => Err(error.into()),
            }
        });
        stored
            .await
            .unwrap_or_else(|_| Err(LedgerError::Stopped.into()))
    }

    /// Whether a picture for the job of this connection and key left already, and the provider may
    /// have charged for it. Never for a trusted pack, whose providers do not charge for uploads.
    pub(super) fn may_have_paid_uploads(&self, connection: &str, key: &str) -> bool {
        !self.pack.permissions().is_trusted()
            && self.ledger().uploads_of(connection, key).unwrap_or(1) > 0
    }
}
