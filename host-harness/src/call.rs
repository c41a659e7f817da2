//! One call into a component: what it may use, and how it can end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower};

use crate::connections::OpenConnection;
use crate::contract::{Charge, CheckOptions, ErrorCause, NextStep, NodeError, Plan};
use crate::egress::{Egress, Sends};
use crate::engine::Engine;
use crate::policy::{Allowance, Ceiling, Missing};
use crate::testimony::Testimony;

mod answer;
mod exports;
mod gate;
mod state;

use answer::{Answer, bounded_error};
pub(crate) use exports::Exports;
pub use gate::{Submission, SubmitGate};
pub(crate) use state::CallState;
pub use state::OUTPUT;
use state::Stopped;

/// What a call may use up besides memory, which is the engine's setting. The ceilings of a
/// pack ([`policy`](crate::policy)) make less of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time in which the component itself runs; waiting for a provider is free.
    pub cpu: Duration,
    /// Time from the call's beginning to its end. Longer than
    /// [`HttpLimits::total`](crate::egress::HttpLimits::total), so
    /// that a component learns of a slow provider before it is stopped.
    pub wall: Duration,
    /// Most elements of all the component's tables together.
    pub table_elements: usize,
    /// Most bytes that one crossing between component and host may carry: a plan holds
    /// its input twice.
    pub crossing_bytes: usize,
    /// Most resources (requests, bodies, streams) that may be open at once.
    pub resources: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(10),
            wall: Duration::from_mins(1),
            table_elements: 20_000,
            crossing_bytes: 128 << 20,
            resources: 256,
        }
    }
}

/// What a call may reach: nothing, unless it is given a connection and a way out.
#[derive(Clone, Default)]
pub struct CallContext {
    connection: Option<Arc<OpenConnection>>,
    egress: Option<Egress>,
    limits: Limits,
    gate: Option<Arc<dyn SubmitGate>>,
}

impl CallContext {
    /// Without connection and way out: enough for `node_types` and `check`.
    #[must_use]
    pub fn offline() -> Self {
        Self::default()
    }

    /// With this connection, reached through `egress`.
    #[must_use]
    pub fn online(egress: &Egress, connection: Arc<OpenConnection>) -> Self {
        Self {
            connection: Some(connection),
            egress: Some(egress.clone()),
            ..Self::default()
        }
    }

    /// With a connection that is only looked at: enough to preview a request.
    #[must_use]
    pub fn previewing(connection: Arc<OpenConnection>) -> Self {
        Self {
            connection: Some(connection),
            ..Self::default()
        }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With somebody who is asked before a request that can cost money leaves.
    #[must_use]
    pub fn with_gate(mut self, gate: Arc<dyn SubmitGate>) -> Self {
        self.gate = Some(gate);
        self
    }

    /// The connection, if any.
    #[must_use]
    pub fn connection(&self) -> Option<&Arc<OpenConnection>> {
        self.connection.as_ref()
    }

    /// The way out, if any.
    #[must_use]
    pub fn egress(&self) -> Option<&Egress> {
        self.egress.as_ref()
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// How a call failed: by the component's own word, by being stopped, or by the host.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The component answered with an error of the contract.
    #[error("{}", .0.cause.message())]
    Node(NodeError),
    /// The component was stopped.
    #[error("the component was stopped: {0}")]
    Trap(Trap),
    /// The host could not make the call.
    #[error("the component could not be called")]
    Host(#[source] HostFault),
}

/// A component that was stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trap {
    /// What it ran into.
    pub kind: TrapKind,
    /// The same in words, one line.
    pub message: String,
}

/// What a component ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrapKind {
    /// A fault of its own: a panic, an impossible instruction or access.
    Trapped,
    /// It ran for too long.
    OutOfTime,
    /// The call took too long, mostly waiting.
    TimedOut,
    /// It asked for more memory than there is for one call.
    OutOfMemory,
    /// It nested calls too deeply.
    StackOverflow,
    /// It ended itself instead of answering.
    Exited,
}

impl TrapKind {
    /// The kind's name in `snake_case`: `out_of_time`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trapped => "trapped",
            Self::OutOfTime => "out_of_time",
            Self::TimedOut => "timed_out",
            Self::OutOfMemory => "out_of_memory",
            Self::StackOverflow => "stack_overflow",
            Self::Exited => "exited",
        }
    }
}

/// Why the host could not make a call.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HostFault {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A component's instance in the middle of a call, or between two.
pub(crate) struct Call {
    store: Store<CallState>,
    instance: Instance,
    exports: Arc<Exports>,
    pub(crate) testimony: Arc<Testimony>,
    /// How long a call may take.
    wall: Duration,
    _room: [Option<OwnedSemaphorePermit>; 2],
}

impl Call {
    /// A fresh instance, once there is room for it.
    pub(crate) async fn begin(
        engine: &Engine,
        exports: &Arc<Exports>,
        allowance: &Arc<Allowance>,
        context: &CallContext,
        sends: Sends,
    ) -> Result<Self, CallError> {
        let permissions = allowance.permissions();
        if let Some(open) = &context.connection {
            let granted = permissions.connection(open.connection());
            granted.map_err(|missing| CallError::Node(denied(&missing)))?;
        }
        // The pack's own room first: one that waits for it takes none of the others'.
        let room = [allowance.room().await, engine.room().await];
        let seconds = permissions.bounds().of_one(Ceiling::CallSeconds);
        let wall = context.limits.wall.min(Duration::from_secs(seconds));
        let testimony = Arc::new(Testimony::default());
        let state = CallState::new(engine, allowance, context, sends, wall, &testimony);
        let mut store = state.into_store(engine, context.limits.crossing_bytes);
        let instantiated = timeout(wall, exports.instantiate(&mut store)).await;
        match in_time(instantiated, wall) {
            Ok(instance) => Ok(Self {
                store,
                instance,
                exports: Arc::clone(exports),
                testimony,
                wall,
                _room: room,
            }),
            Err(error) => Err(store.data().judged(error)),
        }
    }

    pub(crate) async fn check(
        &mut self,
        node: &str,
        input: &str,
        options: CheckOptions,
    ) -> Result<Plan, CallError> {
        self.store.data_mut().renew();
        let function = self.exports.check;
        self.ask(function, (node, input, options)).await
    }

    /// Calls a function that can answer with an error of the contract.
    pub(crate) async fn ask<Params, T>(
        &mut self,
        function: ComponentExportIndex,
        params: Params,
    ) -> Result<T, CallError>
    where
        Params: ComponentNamedList + Lower + Send + Sync,
        T: Answer + 'static,
        (Result<T, NodeError>,): ComponentNamedList + Lift + Send + Sync,
    {
        let (answer,) = self.call(function, params).await?;
        answer.and_then(Answer::bounded).map_err(|mut error| {
            self.testimony.explain(&mut error);
            bounded_error(&mut error);
            CallError::Node(error)
        })
    }

    /// Calls a function with its parameters; its results, or how it was stopped.
    pub(crate) async fn call<Params, Results>(
        &mut self,
        function: ComponentExportIndex,
        params: Params,
    ) -> Result<Results, CallError>
    where
        Params: ComponentNamedList + Lower + Send + Sync,
        Results: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let function = self.instance.get_typed_func(&mut self.store, function);
        let called = async { function?.call_async(&mut self.store, params).await };
        let outcome = timeout(self.wall, called).await;
        let state = self.store.data();
        state.log_output();
        let settled = in_time(outcome, self.wall).map_err(|error| state.judged(error));
        tracing::debug!(answered = settled.is_ok(), "the call ended");
        settled
    }
}

/// The call is not made: its pack may not use its connection.
fn denied(missing: &Missing) -> NodeError {
    NodeError {
        cause: ErrorCause::Denied(missing.to_string()),
        charge: Charge::No,
        next: NextStep::FixConnection,
        retry_after_ms: None,
    }
}

fn in_time<T>(
    outcome: Result<wasmtime::Result<T>, Elapsed>,
    wall: Duration,
) -> wasmtime::Result<T> {
    outcome.unwrap_or_else(|_| Err(wasmtime::Error::new(Stopped::Wall(wall))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::HttpLimits;

    #[test]
    fn a_call_outlasts_the_requests_in_it() {
        let (limits, http) = (Limits::default(), HttpLimits::default());
        assert!(limits.wall > http.total);
        assert!(http.total >= http.connect && http.total >= http.first_byte);
        assert!(limits.crossing_bytes as u64 > 2 * http.request_body);
    }
}
