//! Uploads of local pictures for a job.

use std::sync::Arc;

use super::commands::Jobs;
use crate::driver::now;
use crate::media::JobUploads;

impl Jobs {
    /// The uploads of the job of this connection and key, for the command that makes it.
    pub(super) fn uploads(&self, connection: &str, key: &str) -> JobUploads {
        JobUploads::new(Arc::clone(self.ledger()), connection, key, now)
    }

    /// Whether a picture for the job of this connection and key left already, and the provider may
    /// have charged for it. Never for a trusted pack, whose providers do not charge for uploads.
    #[must_use]
    pub fn may_have_paid_uploads(&self, connection: &str, key: &str) -> bool {
        !self.pack.permissions().is_trusted()
            && self.ledger().uploads_of(connection, key).unwrap_or(1) > 0
    }
}
