//! The calls of the optional interface `artifacts`. None of them costs money.

use tracing::instrument;

use super::context::CallContext;
use super::error::CallError;
use super::exports::ArtifactExports;
use super::pack::Pack;
use crate::contract::{Artifact, Charge, ErrorCause, LocalFile, NextStep, NodeError, Upload};
use crate::egress::Sends;

impl Pack {
    /// The connection categories whose providers have artifacts; empty for a component without
    /// the interface. Nothing is sent.
    ///
    /// # Errors
    ///
    /// When the component is stopped, or the host fails.
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "artifact_categories", component = %self.digest().short()))]
    pub async fn artifact_categories(
        &self,
        context: &CallContext,
    ) -> Result<Vec<String>, CallError> {
        let Some(functions) = self.artifact_exports() else {
            return Ok(Vec::new());
        };
        let mut call = self.begin(context, Sends::Nothing).await?;
        let (categories,) = call.call(functions.categories, ()).await?;
        Ok(categories)
    }

    /// The artifact with this id, of the provider of the context's connection.
    ///
    /// # Errors
    ///
    /// `unsupported` for a component without the interface; the component's own, or when it is
    /// stopped, or the host fails.
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "find_artifact", component = %self.digest().short()))]
    pub async fn find_artifact(
        &self,
        context: &CallContext,
        category: &str,
        id: &str,
    ) -> Result<Artifact, CallError> {
        let function = self.required_artifacts()?.find;
        let mut call = self.begin(context, Sends::Reads).await?;
        let outcome = call.ask(function, (category, id)).await;
        call.transmission.close();
        outcome
    }

    /// How to upload a local file as an artifact. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As [`find_artifact`](Self::find_artifact).
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "plan_artifact_upload", component = %self.digest().short()))]
    pub async fn plan_artifact_upload(
        &self,
        context: &CallContext,
        category: &str,
        file: &LocalFile,
        role: &str,
    ) -> Result<Upload, CallError> {
        let function = self.required_artifacts()?.plan_upload;
        let mut call = self.begin(context, Sends::Nothing).await?;
        call.ask(function, (category, file, role)).await
    }

    /// The artifact, read from an upload's reply. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As [`find_artifact`](Self::find_artifact).
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "artifact_uploaded", component = %self.digest().short()))]
    pub async fn artifact_uploaded(
        &self,
        context: &CallContext,
        category: &str,
        status: u16,
        reply: &str,
    ) -> Result<Artifact, CallError> {
        let function = self.required_artifacts()?.uploaded;
        let mut call = self.begin(context, Sends::Nothing).await?;
        call.ask(function, (category, status, reply)).await
    }

    fn required_artifacts(&self) -> Result<&ArtifactExports, CallError> {
        self.artifact_exports().ok_or_else(|| {
            CallError::Node(NodeError {
                cause: ErrorCause::Unsupported("this pack has no artifacts".into()),
                charge: Charge::No,
                next: NextStep::Stop,
                retry_after_ms: None,
            })
        })
    }
}
