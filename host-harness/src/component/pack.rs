//! A loaded component and the calls of the contract.
//!
//! Every call runs in a fresh instance: calls share no state, and a trap ends only its own
//! call.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tracing::instrument;
use wasmtime::component::Component;

use super::call::Call;
use super::context::CallContext;
use super::contract_0_1;
use super::error::{CallError, PackError, Trap, TrapKind};
use super::exports::{ArtifactExports, Exports};
use super::foreign::not_a_component;
use super::imports;
use super::judge::{Refusals, is_refusal_in_2xx, judge, with_advice};
use crate::contract::{
    Cancellation, Charge, CheckOptions, ErrorCause, JobState, LocalFile, NextStep, NodeError,
    NodeType, Plan, Started, Step, Ticket,
};
use crate::digest::Sha256Digest;
use crate::egress::{Sends, Sent, Transmission};
use crate::engine::{CodeCache, Engine};
use crate::policy::{Manifest, Permissions, Policy, Quota};

/// Most node types of one component; far more than any pack needs.
const MOST_NODE_TYPES: usize = 1000;

/// Longest schema, rules or extensions of a node type, in bytes.
const LONGEST_DOCUMENT: usize = 1 << 20;

/// A component that exports the contract. Cheap to clone.
#[derive(Clone)]
pub struct Pack {
    engine: Engine,
    exports: Arc<Exports>,
    digest: Sha256Digest,
    quota: Arc<Quota>,
}

/// The outcome of `start`. No `Debug`: it may hold a ticket or an output.
#[must_use]
pub struct StartReport {
    /// The component's answer, or how it was stopped.
    pub outcome: Result<Started, CallError>,
    /// What the host sent.
    pub sent: Sent,
    /// Which refusals of the pack are believed.
    pub refusals: Refusals,
    /// What is missing for a refusal in a reply with a status of 2xx to be believed.
    pub missing: Option<String>,
}

impl StartReport {
    /// The outcome, corrected by what the host sent; see [`judge`].
    ///
    /// # Errors
    ///
    /// As [`judge`].
    pub fn judged(self) -> Result<Started, CallError> {
        let is_unheard =
            self.refusals == Refusals::NotBelieved && is_refusal_in_2xx(&self.outcome, self.sent);
        let judged = judge(self.outcome, self.sent, self.refusals);
        match self.missing {
            Some(missing) if is_unheard => judged.map_err(|error| with_advice(error, &missing)),
            _ => judged,
        }
    }
}

impl Pack {
    /// Loads a component from its bytes, or its compiled form from the engine's cache.
    /// Compiling takes a few hundred milliseconds on every core; a component that
    /// `policy` does not allow is not compiled.
    ///
    /// # Errors
    ///
    /// When it is no component, is not allowed, implements another contract, or imports an
    /// interface that packs may not use.
    pub fn load(engine: &Engine, bytes: &[u8], policy: &Policy) -> Result<Self, PackError> {
        if let Some(what) = not_a_component(bytes) {
            return Err(PackError::NotAComponent { what });
        }
        let digest = Sha256Digest::from(Sha256::digest(bytes));
        let permissions = policy.permissions(digest, Manifest::of(bytes)?)?;
        let component = compiled(engine, bytes, &digest)?;
        let version = imports::check(engine.wasmtime(), &component)?;
        let link = |error: wasmtime::Error| PackError::Link(error.into_boxed_dyn_error());
        let linker = imports::linker(engine.wasmtime()).map_err(link)?;
        let pre = linker.instantiate_pre(&component).map_err(link)?;
        let exports = Exports::find(pre, version).map_err(link)?;
        Ok(Self {
            engine: engine.clone(),
            exports: Arc::new(exports),
            digest,
            quota: Arc::new(Quota::new(permissions)),
        })
    }

    /// The permissions that the policy grants to this pack.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        self.quota.permissions()
    }

    /// Its permissions, with what its calls have used of its limits.
    pub(crate) fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The SHA-256 of the component's bytes.
    #[must_use]
    pub fn digest(&self) -> &Sha256Digest {
        &self.digest
    }

    /// The engine it runs on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The node types, in the component's order. Nothing is sent.
    ///
    /// # Errors
    ///
    /// When the component is stopped, or the host fails.
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "node_types", component = %self.digest.short()))]
    pub async fn node_types(&self, context: &CallContext) -> Result<Vec<NodeType>, CallError> {
        let mut call = self.begin(context, Sends::Nothing).await?;
        let function = self.exports.node_types;
        if self.exports.is_present {
            let (listed,) = call.call(function, ()).await?;
            return bounded_list(listed);
        }
        let (listed,): (Vec<contract_0_1::NodeType>,) = call.call(function, ()).await?;
        bounded_list(listed.into_iter().map(Into::into).collect())
    }

    /// What `start` would do with this input. Every request of the component is denied.
    ///
    /// # Errors
    ///
    /// The component's own, or when it is stopped, or the host fails.
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "check", component = %self.digest.short()))]
    pub async fn check(
        &self,
        context: &CallContext,
        node: &str,
        input: &str,
        options: CheckOptions,
    ) -> Result<Plan, CallError> {
        let mut call = self.begin(context, Sends::Nothing).await?;
        call.check(node, input, options).await
    }

    /// Starts a run: sends at most one request that can cost money. Dropping the future
    /// stops the call at any point.
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "start", component = %self.digest.short()))]
    pub async fn start(
        &self,
        context: &CallContext,
        node: &str,
        input: &str,
        idempotency_key: &str,
    ) -> StartReport {
        let refusals = Refusals::of(self.permissions());
        let missing = self.permissions().missing_refusals();
        let mut call = match self.begin(context, Sends::OneSubmit).await {
            Ok(call) => call,
            Err(error) => {
                return StartReport {
                    outcome: Err(error),
                    sent: Sent::Nothing,
                    refusals,
                    missing,
                };
            }
        };
        let params = (node, input, idempotency_key);
        let outcome = call.ask(self.exports.start, params).await;
        let sent = call.transmission.close();
        StartReport {
            outcome: with_refusal(outcome, sent, &call.transmission),
            sent,
            refusals,
            missing,
        }
    }

    /// The state of a job.
    ///
    /// # Errors
    ///
    /// The component's own, or when it is stopped, or the host fails. No error affects the
    /// job at the provider.
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "poll", component = %self.digest.short()))]
    pub async fn poll(&self, context: &CallContext, ticket: &str) -> Result<JobState, CallError> {
        let mut call = self.begin(context, Sends::Reads).await?;
        let outcome = call.ask(self.exports.poll, (ticket,)).await;
        call.transmission.close();
        outcome
    }

    /// Asks the provider to stop a job.
    ///
    /// # Errors
    ///
    /// As [`poll`](Self::poll).
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "cancel", component = %self.digest.short()))]
    pub async fn cancel(
        &self,
        context: &CallContext,
        ticket: &str,
    ) -> Result<Cancellation, CallError> {
        self.cancel_reporting(context, ticket).await.0
    }

    /// As [`cancel`](Self::cancel), and whether a request that changes something was sent.
    pub(crate) async fn cancel_reporting(
        &self,
        context: &CallContext,
        ticket: &str,
    ) -> (Result<Cancellation, CallError>, Sent) {
        let mut call = match self.begin(context, Sends::OneChange).await {
            Ok(call) => call,
            Err(error) => return (Err(error), Sent::Nothing),
        };
        let outcome = call.ask(self.exports.cancel, (ticket,)).await;
        let sent = call.transmission.close();
        (with_refusal(outcome, sent, &call.transmission), sent)
    }

    /// A ticket for a job at the provider whose ticket the caller lost.
    ///
    /// # Errors
    ///
    /// As [`poll`](Self::poll).
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "adopt", component = %self.digest.short()))]
    pub async fn adopt(
        &self,
        context: &CallContext,
        node: &str,
        provider_job_id: &str,
    ) -> Result<Ticket, CallError> {
        let mut call = self.begin(context, Sends::Reads).await?;
        let outcome = call.ask(self.exports.adopt, (node, provider_job_id)).await;
        call.transmission.close();
        outcome
    }

    /// How to upload a local file for the input field at the JSON Pointer `field`. Nothing is
    /// sent.
    ///
    /// # Errors
    ///
    /// The component's own, or when it is stopped, or the host fails.
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "plan_upload", component = %self.digest.short()))]
    pub async fn plan_upload(
        &self,
        context: &CallContext,
        node: &str,
        field: &str,
        file: &LocalFile,
    ) -> Result<Step, CallError> {
        let mut call = self.begin(context, Sends::Nothing).await?;
        let params = (node, field, file);
        call.ask(self.exports.plan_upload, params).await
    }

    /// The next step, read from an upload's reply. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As [`plan_upload`](Self::plan_upload).
    #[instrument(name = "call", level = "debug", skip_all, fields(kind = "uploaded", component = %self.digest.short()))]
    pub async fn uploaded(
        &self,
        context: &CallContext,
        node: &str,
        field: &str,
        status: u16,
        reply: &str,
    ) -> Result<Step, CallError> {
        let mut call = self.begin(context, Sends::Nothing).await?;
        let params = (node, field, status, reply);
        call.ask(self.exports.uploaded, params).await
    }

    /// The functions of the optional interface `artifacts`.
    pub(super) fn artifact_exports(&self) -> Option<&ArtifactExports> {
        self.exports.artifacts.as_ref()
    }

    pub(crate) async fn begin(
        &self,
        context: &CallContext,
        sends: Sends,
    ) -> Result<Call, CallError> {
        Call::begin(&self.engine, &self.exports, &self.quota, context, sends).await
    }
}

/// The denial of the request that the call was made for, if it was denied and nothing was sent,
/// whatever the component reports.
fn with_refusal<T>(
    outcome: Result<T, CallError>,
    sent: Sent,
    transmission: &Transmission,
) -> Result<T, CallError> {
    if sent != Sent::Nothing || !matches!(outcome, Ok(_) | Err(CallError::Node(_))) {
        return outcome;
    }
    match transmission.refused_change() {
        Some(why) => Err(CallError::Node(NodeError {
            cause: ErrorCause::Denied(why),
            charge: Charge::No,
            next: NextStep::FixConnection,
            retry_after_ms: None,
        })),
        None => outcome,
    }
}

/// The list, unless it or a document in it is too long.
fn bounded_list(listed: Vec<NodeType>) -> Result<Vec<NodeType>, CallError> {
    if listed.len() > MOST_NODE_TYPES {
        let message = format!("it returned more than {MOST_NODE_TYPES} node types");
        let kind = TrapKind::Trapped;
        return Err(CallError::Trap(Trap { kind, message }));
    }
    for node in &listed {
        let documents = [
            &node.input_schema,
            &node.rules,
            &node.output_schema,
            &node.extensions,
        ];
        if documents
            .iter()
            .any(|document| document.len() > LONGEST_DOCUMENT)
        {
            let message =
                format!("a document of a node type has more than {LONGEST_DOCUMENT} bytes");
            let kind = TrapKind::Trapped;
            return Err(CallError::Trap(Trap { kind, message }));
        }
    }
    Ok(listed)
}

fn compiled(engine: &Engine, bytes: &[u8], digest: &Sha256Digest) -> Result<Component, PackError> {
    let cache = engine.settings().cache_dir.as_deref();
    let cache = cache.and_then(CodeCache::open);
    let name = digest.to_string();
    if let Some(cache) = &cache
        && let Some(component) = cache.get(engine.wasmtime(), &name)
    {
        return Ok(component);
    }
    let component = Component::new(engine.wasmtime(), bytes)
        .map_err(|error| PackError::Compile(error.into_boxed_dyn_error()))?;
    if let Some(cache) = &cache {
        cache.put(engine.wasmtime(), &name, &component);
    }
    Ok(component)
}

#[cfg(test)]
mod tests;
