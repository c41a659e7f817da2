//! One call into a component, in its own instance.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower};

use super::answer::{Answer, bounded_error};
use super::circumstances;
use super::context::CallContext;
use super::contract_0_1;
use super::error::CallError;
use super::exports::Exports;
use super::state::{CallState, Stopped};
use crate::awake::{Elapsed, timeout};
use crate::connections::OpenConnection;
use crate::contract::{Charge, CheckOptions, ErrorCause, NextStep, NodeError, Plan};
use crate::egress::{Sends, Transmission};
use crate::engine::Engine;
use crate::policy::{Missing, PackLimit, Quota};
use crate::private_texts::PrivateTexts;

/// An instance of a component, and the limits of the calls on it.
pub(crate) struct Call {
    store: Store<CallState>,
    instance: Instance,
    exports: Arc<Exports>,
    pub(crate) transmission: Arc<Transmission>,
    connection: Option<Arc<OpenConnection>>,
    private_texts: PrivateTexts,
    /// How long a call may take.
    wall: Duration,
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Call {
    /// A fresh instance, once its pack and the engine have a free permit.
    pub(crate) async fn begin(
        engine: &Engine,
        exports: &Arc<Exports>,
        quota: &Arc<Quota>,
        context: &CallContext,
        sends: Sends,
    ) -> Result<Self, CallError> {
        let permissions = quota.permissions();
        if let Some(open) = &context.connection {
            let granted = permissions.connection(open.connection());
            granted.map_err(|missing| CallError::Node(denied(&missing)))?;
        }
        // The pack's permit first: a call that waits for it holds no permit of the engine.
        let pack_permit = quota.permit().await;
        let mut engine_permit = engine.permit().await;
        let seconds = permissions.bounds().of_one(PackLimit::CallSeconds);
        let wall = context.limits.wall.min(Duration::from_secs(seconds));
        let transmission = Arc::new(Transmission::default());
        let begin_one = async || {
            let state = CallState::new(engine, quota, context, sends, wall, &transmission);
            let mut store = state.into_store(engine, context.limits.crossing_bytes);
            let instantiated = timeout(wall, exports.instantiate(&mut store)).await;
            match in_time(instantiated, wall) {
                Ok(instance) => Ok((store, instance)),
                Err(error) => Err(store.data().judged(error)),
            }
        };
        let made = match begin_one().await {
            // Nothing was called yet. The other instances end first, and give their memory back.
            Err(CallError::Host(_)) => {
                drop(engine_permit.take());
                // Unless an instance is kept that long: that of a check of many documents.
                engine_permit = timeout(wall, engine.all_permits()).await.ok().flatten();
                if engine_permit.is_none() {
                    engine_permit = engine.permit().await;
                }
                begin_one().await
            }
            made => made,
        };
        let (store, instance) = made?;
        Ok(Self {
            store,
            instance,
            exports: Arc::clone(exports),
            transmission,
            connection: context.connection.clone(),
            private_texts: private_texts_of(context),
            wall,
            _permits: [pack_permit, engine_permit],
        })
    }

    pub(crate) async fn check(
        &mut self,
        node: &str,
        input: &str,
        options: CheckOptions,
    ) -> Result<Plan, CallError> {
        self.store.data_mut().renew();
        let (function, params) = (self.exports.check, (node, input, options));
        if self.exports.is_present {
            return self.ask(function, params).await;
        }
        let (answer,): (Result<contract_0_1::Plan, NodeError>,) =
            self.call(function, params).await?;
        self.settle(answer.map(Plan::from))
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
        self.settle(answer)
    }

    /// The answer within the host's limits, or the component's error.
    fn settle<T: Answer>(&self, answer: Result<T, NodeError>) -> Result<T, CallError> {
        let private = &self.private_texts;
        let bounded = answer.and_then(|answer| answer.bounded(private));
        bounded.map_err(|mut error| {
            self.transmission.explain(&mut error);
            bounded_error(&mut error, private);
            let connection = self.connection.as_deref();
            let connection = connection.map(|open| &**open.connection());
            circumstances::add(&mut error, connection, self.transmission.too_large());
            CallError::Node(error)
        })
    }

    /// Calls a function with `params`. Returns its results, or how it was stopped.
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

/// The texts that no message of a call may quote: those of the input, and the credential.
fn private_texts_of(context: &CallContext) -> PrivateTexts {
    let texts = context.private_texts.clone();
    let credential = context
        .connection
        .as_ref()
        .and_then(|open| open.credential());
    match credential {
        Some(credential) => texts.with_secret(credential.searched_text()),
        None => texts,
    }
}

/// The error of a call whose pack may not use its connection. Nothing is called.
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
