//! The engine that components run on: how many at once, how much memory each, and the
//! clock that interrupts them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

mod cache;

pub(crate) use cache::CodeCache;

/// How often running components are interrupted to count their time and to let others
/// run.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Core instances of one component. The toolchain makes three or four: the code, and
/// shims that tie its imports together.
const CORE_INSTANCES: u32 = 16;

/// Memories and tables of one component; the toolchain makes one and two.
const MEMORIES: u32 = 2;
const TABLES: u32 = 4;

/// Elements of one table: function pointers, a few hundred in practice.
const TABLE_ELEMENTS: usize = 20_000;

/// Bookkeeping of one instance; grows with the component's functions and imports.
const INSTANCE_BYTES: usize = 1 << 20;

/// Memory of an instance that stays resident for the next one, which then has fewer
/// page faults; more than the packs so far touch in a call.
const KEPT_RESIDENT: usize = 512 << 10;

/// How the engine is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Most memory of one call in bytes, all its memories together.
    pub memory_bytes: usize,
    /// Most calls at once; further ones wait. Costs address space, not memory.
    pub concurrent_instances: u32,
    /// Where compiled code is kept; `None` compiles each time. It is only read from a
    /// folder that the user alone can write.
    pub cache_dir: Option<PathBuf>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            concurrent_instances: 64,
            cache_dir: None,
        }
    }
}

/// An engine. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasmtime: wasmtime::Engine,
    settings: EngineSettings,
    instances: Arc<Semaphore>,
    /// Dropping it ends the ticker's thread.
    _ticker: Sender<()>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The machine does not give what the settings ask for, mostly address space.
    #[error("the WebAssembly engine cannot be set up on this machine")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No thread for the clock.
    #[error("the engine's clock cannot be started")]
    Ticker(#[source] std::io::Error),
}

impl Engine {
    /// An engine with these settings.
    ///
    /// # Errors
    ///
    /// When the machine does not give what they ask for.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        let wasmtime = wasmtime::Engine::new(&config(&settings))
            .map_err(|error| EngineError::Setup(error.into_boxed_dyn_error()))?;
        let ticker = tick(wasmtime.weak()).map_err(EngineError::Ticker)?;
        let instances = usize::try_from(settings.concurrent_instances).unwrap_or(usize::MAX);
        Ok(Self(Arc::new(Inner {
            wasmtime,
            instances: Arc::new(Semaphore::new(instances.min(Semaphore::MAX_PERMITS))),
            settings,
            _ticker: ticker,
        })))
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.0.settings
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    /// Waits for room for one more instance. `None` never happens: the semaphore is not
    /// closed.
    pub(crate) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.instances).acquire_owned().await.ok()
    }
}

fn config(settings: &EngineSettings) -> Config {
    let count = settings.concurrent_instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .total_core_instances(count.saturating_mul(CORE_INSTANCES))
        .total_memories(count.saturating_mul(MEMORIES))
        .total_tables(count.saturating_mul(TABLES))
        .total_stacks(count)
        .max_component_instance_size(INSTANCE_BYTES)
        .max_core_instance_size(INSTANCE_BYTES)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memories_per_module(1)
        .max_tables_per_module(TABLES)
        .max_memory_size(settings.memory_bytes)
        .table_elements(TABLE_ELEMENTS)
        .max_unused_warm_slots(count)
        .linear_memory_keep_resident(KEPT_RESIDENT)
        .table_keep_resident(TABLE_ELEMENTS)
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .memory_init_cow(true)
        .cranelift_opt_level(OptLevel::Speed)
        // Users get one line about a trap; frames of a stripped component say nothing.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false);
    config
}

/// Advances the engine's epoch until the engine is gone.
fn tick(engine: wasmtime::EngineWeak) -> std::io::Result<Sender<()>> {
    let (stop, stopped) = mpsc::channel();
    std::thread::Builder::new()
        .name("zoetrope-ticks".into())
        .spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else {
                    break;
                };
                engine.increment_epoch();
            }
        })?;
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_documentation_says() {
        let settings = EngineSettings::default();
        assert_eq!(settings.memory_bytes, 256 * 1024 * 1024);
        assert_eq!(settings.concurrent_instances, 64);
        assert_eq!(settings.cache_dir, None);
    }

    #[test]
    fn the_clock_stops_with_the_engine() {
        let engine = Engine::new(EngineSettings::default()).expect("engine");
        let weak = engine.wasmtime().weak();
        drop(engine);
        // The ticker may hold it for the length of one tick; for longer, this hangs.
        while weak.upgrade().is_some() {
            std::thread::yield_now();
        }
    }
}
