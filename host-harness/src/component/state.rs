//! The host's state of one instance, and its limits.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView, async_trait};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::context::CallContext;
use super::error::{CallError, HostFault, Trap, TrapKind};
use crate::bindings::{connections, types};
use crate::connections::OpenConnection;
use crate::egress::{GuestHttp, Sends, Transmission};
use crate::engine::{CORE_INSTANCES, Engine, MEMORIES, TABLES, TICK, lacks_memory};
use crate::policy::{PackLimit, Quota};

/// Why the host stopped a component.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stopped {
    /// It used up its CPU time.
    #[error("it ran for more than {}", humantime::format_duration(*.0))]
    Cpu(Duration),
    /// The call took too long.
    #[error("the call took more than {}", humantime::format_duration(*.0))]
    Wall(Duration),
}

/// The state that an instance's host functions work on.
pub(crate) struct CallState {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    egress: GuestHttp,
    table: ResourceTable,
    memory: Memory,
    output: Output,
    cpu: Duration,
    ticks: u32,
}

impl CallState {
    pub(crate) fn new(
        engine: &Engine,
        quota: &Arc<Quota>,
        context: &CallContext,
        sends: Sends,
        wall: Duration,
        transmission: &Arc<Transmission>,
    ) -> Self {
        let bounds = quota.permissions().bounds();
        let output = Output::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(context.limits.resources);
        Self {
            wasi: WasiCtx::builder()
                .stdout(output.clone())
                .stderr(output.clone())
                .build(),
            http: WasiHttpCtx::new(),
            egress: GuestHttp {
                sends,
                egress: context.egress.clone(),
                connection: context.connection.clone(),
                submit_hook: context.submit_hook.clone(),
                submit_path: context.submit_path.clone(),
                is_unsubmitted: context.is_unsubmitted,
                transmission: Arc::clone(transmission),
                quota: Arc::clone(quota),
                // So that a request to a slow provider fails before the call does.
                total_timeout: wall / 2,
                request_count: Arc::default(),
                attachments: Arc::clone(&context.attachments),
                memory: Arc::default(),
            },
            table,
            memory: Memory {
                bytes: engine
                    .settings()
                    .memory_bytes
                    .min(bounds.size(PackLimit::MemoryBytes)),
                elements: context.limits.table_elements,
                refused: false,
                is_denied_by_system: false,
            },
            output,
            cpu: context.limits.cpu.min(wall),
            ticks: 0,
        }
    }

    /// A store whose limits are this state's.
    pub(crate) fn into_store(self, engine: &Engine, crossing_bytes: usize) -> Store<Self> {
        let mut store = Store::new(engine.wasmtime(), self);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(crossing_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().ran_a_tick());
        store
    }

    /// Resets the CPU time, before another call on the same instance.
    pub(crate) fn renew(&mut self) {
        self.ticks = 0;
        self.memory.refused = false;
        self.memory.is_denied_by_system = false;
    }

    pub(crate) fn log_output(&self) {
        self.output.log();
    }

    /// Called once for every tick in which the component was running. The epoch also
    /// advances while the component waits, but then this is called only once afterwards.
    fn ran_a_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticks += 1;
        if TICK * self.ticks > self.cpu {
            return Err(wasmtime::Error::new(Stopped::Cpu(self.cpu)));
        }
        let others = Box::pin(tokio::task::yield_now());
        Ok(UpdateDeadline::YieldCustom(1, others))
    }

    /// Translates an error of the runtime into a trap or a fault of the host.
    pub(crate) fn judged(&self, error: wasmtime::Error) -> CallError {
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return CallError::Host(HostFault {
                message: "all instances of the engine are in use".into(),
                source: Some(error.into_boxed_dyn_error()),
            });
        }
        let kind = self.kind_of(&error);
        if self.lacks_memory(&error, kind) {
            return CallError::Host(HostFault {
                message: LACKS_MEMORY.into(),
                source: Some(error.into_boxed_dyn_error()),
            });
        }
        let message = match kind {
            TrapKind::OutOfMemory => "it exceeded the memory limit of a call".into(),
            TrapKind::Exited => "it exited instead of returning".into(),
            _ => one_line(&error.root_cause().to_string()),
        };
        tracing::info!(by = kind.as_str(), "the component was stopped");
        CallError::Trap(Trap { kind, message })
    }

    /// Whether the system gave no memory for the call, which is no fault of the component.
    fn lacks_memory(&self, error: &wasmtime::Error, kind: TrapKind) -> bool {
        match kind {
            TrapKind::OutOfMemory => {
                self.memory.is_denied_by_system || lacks_memory(error.as_ref())
            }
            TrapKind::Trapped => lacks_memory(error.as_ref()),
            _ => false,
        }
    }

    /// A reason that the error itself names comes first. A refused growth of a memory or a table
    /// explains only how a component ends that did not handle it.
    fn kind_of(&self, error: &wasmtime::Error) -> TrapKind {
        if let Some(stopped) = error.downcast_ref::<Stopped>() {
            return match stopped {
                Stopped::Cpu(_) => TrapKind::OutOfTime,
                Stopped::Wall(_) => TrapKind::TimedOut,
            };
        }
        if error.is::<I32Exit>() {
            return TrapKind::Exited;
        }
        match error.downcast_ref() {
            Some(wasmtime::Trap::StackOverflow) => TrapKind::StackOverflow,
            trap if self.memory.refused && follows_from_a_refusal(trap) => TrapKind::OutOfMemory,
            _ => TrapKind::Trapped,
        }
    }
}

/// The system gave no memory for a call.
const LACKS_MEMORY: &str = "there is not enough memory for the call; a limit of the address space \
                            (ulimit -v) may be too low";

/// Whether a component ends this way because it got no memory: it aborts, or it uses the address
/// that it did not get. Without a trap it was not instantiated, or it exceeded another limit.
fn follows_from_a_refusal(trap: Option<&wasmtime::Trap>) -> bool {
    use wasmtime::Trap;
    let follows = |trap: &Trap| {
        matches!(
            trap,
            Trap::UnreachableCodeReached
                | Trap::MemoryOutOfBounds
                | Trap::TableOutOfBounds
                | Trap::IndirectCallToNull
        )
    };
    trap.is_none_or(follows)
}

fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("wasm trap: ").to_owned()
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.egress,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl connections::Host for CallState {
    fn get(
        &mut self,
        category: String,
    ) -> Result<connections::Connection, connections::ConnectionError> {
        let open = self.egress.connection.as_deref();
        let connection = open
            .map(OpenConnection::connection)
            .filter(|connection| connection.category() == category)
            .ok_or(connections::ConnectionError::NotConfigured)?;
        let options = serde_json::to_string(connection.options())
            .map_err(|error| connections::ConnectionError::Unusable(error.to_string()))?;
        Ok(connections::Connection {
            id: connection.id().to_string(),
            base_url: connection.base_url().to_string(),
            options,
            // The host adds the credential after its policy check.
            headers: Vec::new(),
        })
    }
}

impl types::Host for CallState {}

/// Limits an instance's memories and tables in total; wasmtime's own limits apply to each.
struct Memory {
    bytes: usize,
    elements: usize,
    /// Whether the last growth was refused.
    refused: bool,
    /// Whether the system had no memory for the last growth that was refused.
    is_denied_by_system: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.take_bytes(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.is_denied_by_system = lacks_memory(error.as_ref());
        self.refused = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let left = self.elements.checked_sub(more);
        self.refused = left.is_none();
        self.elements = left.unwrap_or(self.elements);
        Ok(left.is_some())
    }

    // The pool has the same limits; instances on demand have these alone.
    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }
}

impl Memory {
    fn take_bytes(&mut self, more: usize) -> bool {
        let left = self.bytes.checked_sub(more);
        self.refused = left.is_none();
        self.is_denied_by_system = false;
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }
}

/// The first [`OUTPUT_KEPT`] bytes of a component's standard output and error. The rest is
/// discarded without an error.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

/// The target of log events that hold a component's standard output and error. They may
/// quote an input, so a log filter should enable this target only by its name.
pub const OUTPUT: &str = "zoetrope::component";

/// Most bytes of output that are logged: a panic's message and a few lines around it.
const OUTPUT_KEPT: usize = 8 << 10;

impl Output {
    fn log(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.is_empty() {
            tracing::debug!(bytes = kept.len(), "the component wrote to its output");
            let text = String::from_utf8_lossy(&kept);
            tracing::trace!(target: OUTPUT, text = text.trim_end());
            kept.clear();
        }
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = OUTPUT_KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(left)]);
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    /// Replaces wasmtime's wrapper around `async_stream`, which logs every write.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(OUTPUT_KEPT)
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.keep(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;
    use crate::engine::EngineSettings;
    use crate::policy::{Grant, Manifest, Policy};

    #[test]
    fn memory_limit_applies_to_all_memories_together() {
        let mut memory = Memory {
            bytes: 100,
            elements: 10,
            refused: false,
            is_denied_by_system: false,
        };
        assert!(memory.memory_growing(0, 60, None).expect("answer"));
        assert!(memory.memory_growing(0, 40, None).expect("answer"));
        assert!(!memory.refused);
        assert!(!memory.memory_growing(40, 41, None).expect("answer"));
        assert!(memory.refused);
        assert!(memory.table_growing(0, 10, None).expect("answer"));
        assert!(!memory.table_growing(0, 1, None).expect("answer"));
        let counts = (memory.instances(), memory.memories(), memory.tables());
        assert_eq!(counts, (16, 2, 4));
    }

    #[test]
    fn growth_that_the_system_denies_is_told_from_one_beyond_the_limit() {
        let mut memory = Memory {
            bytes: 100,
            elements: 10,
            refused: false,
            is_denied_by_system: false,
        };
        assert!(memory.memory_growing(0, 50, None).expect("answer"));
        let none = std::io::Error::from(std::io::ErrorKind::OutOfMemory);
        let failed = memory.memory_grow_failed(wasmtime::Error::new(none));
        failed.expect("noted");
        assert!(memory.refused && memory.is_denied_by_system);
        assert!(!memory.memory_growing(50, 101, None).expect("answer"));
        assert!(memory.refused && !memory.is_denied_by_system);
    }

    #[test]
    fn only_a_trap_that_follows_from_a_refused_growth_is_out_of_memory() {
        let mut memory = Memory {
            bytes: 100,
            elements: 10,
            refused: false,
            is_denied_by_system: false,
        };
        assert!(!memory.memory_growing(0, 101, None).expect("answer"));
        assert!(memory.refused);
        // The component handled the refusal and was given less.
        assert!(memory.memory_growing(0, 50, None).expect("answer"));
        assert!(!memory.refused);
        assert!(follows_from_a_refusal(None));
        for (trap, follows) in [
            (wasmtime::Trap::UnreachableCodeReached, true),
            (wasmtime::Trap::MemoryOutOfBounds, true),
            (wasmtime::Trap::IntegerDivisionByZero, false),
            (wasmtime::Trap::Interrupt, false),
        ] {
            assert_eq!(follows_from_a_refusal(Some(&trap)), follows, "{trap}");
        }
    }

    #[test]
    fn reason_for_a_stop_outranks_an_earlier_refused_growth() {
        let mut state = offline_state();
        state.memory.refused = true;
        let second = Duration::from_secs(1);
        for (error, expected) in [
            (
                wasmtime::Error::new(Stopped::Wall(second)),
                TrapKind::TimedOut,
            ),
            (
                wasmtime::Error::new(Stopped::Cpu(second)),
                TrapKind::OutOfTime,
            ),
            (wasmtime::Error::new(I32Exit(1)), TrapKind::Exited),
            (
                wasmtime::Error::new(wasmtime::Trap::StackOverflow),
                TrapKind::StackOverflow,
            ),
            (
                wasmtime::Error::new(wasmtime::Trap::IntegerDivisionByZero),
                TrapKind::Trapped,
            ),
            (
                wasmtime::Error::new(wasmtime::Trap::UnreachableCodeReached),
                TrapKind::OutOfMemory,
            ),
        ] {
            assert_eq!(state.kind_of(&error), expected);
        }
    }

    fn offline_state() -> CallState {
        let manifest = Manifest::default();
        let digest = Sha256Digest::from([1; 32]);
        let permissions = Policy::default()
            .with(digest, Grant::as_asked(&manifest))
            .permissions(digest, manifest)
            .expect("allowed");
        CallState::new(
            &Engine::new(EngineSettings::default()).expect("an engine"),
            &Arc::new(Quota::new(permissions)),
            &CallContext::offline(),
            Sends::Nothing,
            Duration::from_secs(1),
            &Arc::default(),
        )
    }

    #[test]
    fn output_is_bounded_and_never_fails() {
        let output = Output::default();
        let mut context = Context::from_waker(std::task::Waker::noop());
        let much = vec![b'x'; 3 * OUTPUT_KEPT];
        let written = Pin::new(&mut output.clone()).poll_write(&mut context, &much);
        assert!(matches!(written, Poll::Ready(Ok(count)) if count == much.len()));
        assert_eq!(output.0.lock().expect("lock").len(), OUTPUT_KEPT);
    }
}
