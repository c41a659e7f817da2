//! The WebAssembly engine: limits on concurrent instances and memory, and the ticker that
//! interrupts running components.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

mod address_space;
mod allocation;
mod cache;

pub(crate) use address_space::lacks_memory;
pub use address_space::{is_scarce as is_address_space_scarce, left as address_space_left};
pub use allocation::{Allocation, InstanceMemory};
pub(crate) use cache::{CodeCache, clean as clean_cache, clear as clear_cache};

/// The interval at which running components are interrupted, to count their time and to
/// yield to other tasks.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Core instances of one component. The toolchain makes three or four: the code, and
/// shims that tie its imports together.
pub(crate) const CORE_INSTANCES: u32 = 16;

/// Memories and tables of one component; the toolchain makes one and two.
pub(crate) const MEMORIES: u32 = 2;
pub(crate) const TABLES: u32 = 4;

/// Elements of one table: function pointers, a few hundred in practice.
const TABLE_ELEMENTS: usize = 20_000;

/// Bookkeeping of one instance; grows with the component's functions and imports.
const INSTANCE_BYTES: usize = 1 << 20;

/// Growth of a memory that is reserved at once where address space is scarce.
const SMALL_GROWTH: u64 = 1 << 20;

/// The stack of the ticker's thread, which calls one function.
const TICKER_STACK: usize = 64 << 10;

/// Memory of an instance that stays resident for the next one, which then has fewer
/// page faults; more than the packs so far touch in a call.
const KEPT_RESIDENT: usize = 512 << 10;

/// The settings of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Most memory of one call in bytes, all its memories together.
    pub memory_bytes: usize,
    /// Most calls at once; further ones wait. Each costs 8 GiB of address space, but not of memory;
    /// where that cannot be reserved, there are fewer: see [`Engine::allocation`].
    pub concurrent_instances: u32,
    /// The folder for compiled code; `None` compiles each time. It is not used if other users
    /// can write it.
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

/// A WebAssembly engine. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasmtime: wasmtime::Engine,
    settings: EngineSettings,
    allocation: Allocation,
    instances: Arc<Semaphore>,
    /// The permits of `instances`.
    permits: u32,
    /// Dropping it ends the ticker's thread.
    _ticker: Sender<()>,
}

/// Why an engine could not be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The machine lacks a resource that the settings need, mostly address space.
    #[error("the WebAssembly engine cannot be set up on this machine")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The ticker's thread could not be started.
    #[error("the engine's clock cannot be started")]
    Ticker(#[source] std::io::Error),
}

impl Engine {
    /// An engine with these settings. Where the address space does not suffice for
    /// [`concurrent_instances`](EngineSettings::concurrent_instances), it has fewer, and logs that
    /// once: a paid job can then still be collected. [`Self::allocation`] says what it has.
    ///
    /// # Errors
    ///
    /// When the machine lacks a resource that an engine needs.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        let wanted = settings.concurrent_instances;
        let (wasmtime, allocation) = allocation::first_that_fits(wanted, |memory, count| {
            let made = wasmtime::Engine::new(&config(&settings, memory, count));
            let made = made.map_err(|error| EngineError::Setup(error.into_boxed_dyn_error()))?;
            match address_space::left() {
                Some(left) if memory == InstanceMemory::Pooled && left < address_space::MARGIN => {
                    Err(EngineError::Setup(address_space::little(left).into()))
                }
                _ => Ok(made),
            }
        })?;
        allocation.log_once();
        let ticker = tick(wasmtime.weak()).map_err(EngineError::Ticker)?;
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let permits = allocation.instances.min(most);
        Ok(Self(Arc::new(Inner {
            wasmtime,
            instances: Arc::new(Semaphore::new(usize::try_from(permits).unwrap_or_default())),
            permits,
            settings,
            allocation,
            _ticker: ticker,
        })))
    }

    /// How many instances it has at once, how their memory is reserved, and what was reduced.
    #[must_use]
    pub fn allocation(&self) -> &Allocation {
        &self.0.allocation
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.0.settings
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    /// Waits for a permit for one more instance. Never `None`: the semaphore is not closed.
    pub(crate) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.instances).acquire_owned().await.ok()
    }

    /// Waits until no other instance has a permit, and keeps all of them.
    pub(crate) async fn all_permits(&self) -> Option<OwnedSemaphorePermit> {
        let instances = Arc::clone(&self.0.instances);
        instances.acquire_many_owned(self.0.permits).await.ok()
    }
}

fn config(settings: &EngineSettings, memory: InstanceMemory, count: u32) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .memory_init_cow(may_have_images())
        .cranelift_opt_level(OptLevel::Speed)
        // Errors show one line about a trap; frames of a stripped component have no names.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false);
    match memory {
        InstanceMemory::Pooled => {
            let pool = pool(settings, count);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        // Memories have checks of bounds instead of guard regions, and move when they grow. The
        // threads of a parallel compilation would need stacks.
        InstanceMemory::OnDemand => {
            config
                .allocation_strategy(InstanceAllocationStrategy::OnDemand)
                .memory_reservation(0)
                .memory_guard_size(0)
                .memory_reservation_for_growth(SMALL_GROWTH)
                .memory_may_move(true)
                .parallel_compilation(false);
        }
    }
    config
}

/// Whether the first content of a memory may be a file in memory, which instances map. The limit on
/// the size of files (`ulimit -f`) counts for it.
fn may_have_images() -> bool {
    /// More than the content of a component's memory has.
    const IMAGE: u64 = 64 << 20;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit};
        getrlimit(Resource::Fsize)
            .current
            .is_none_or(|limit| limit >= IMAGE)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = IMAGE;
        true
    }
}

fn pool(settings: &EngineSettings, count: u32) -> PoolingAllocationConfig {
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
    pool
}

/// Advances the engine's epoch until the engine is dropped.
fn tick(engine: wasmtime::EngineWeak) -> std::io::Result<Sender<()>> {
    let (stop, stopped) = mpsc::channel();
    std::thread::Builder::new()
        .name("zoetrope-ticks".into())
        .stack_size(TICKER_STACK)
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
    fn default_engine_settings_match_the_documentation() {
        let settings = EngineSettings::default();
        assert_eq!(settings.memory_bytes, 256 * 1024 * 1024);
        assert_eq!(settings.concurrent_instances, 64);
        assert_eq!(settings.cache_dir, None);
    }

    #[test]
    fn ticker_stops_when_the_engine_is_dropped() {
        let engine = Engine::new(EngineSettings::default()).expect("engine");
        let weak = engine.wasmtime().weak();
        drop(engine);
        // The ticker may hold the engine for one tick. If it never drops it, this hangs.
        while weak.upgrade().is_some() {
            std::thread::yield_now();
        }
    }
}
