//! The same component in a minimal wasmtime host. Its requests go through wasmtime's default
//! client, which opens a connection for each and applies no policy, through a client that reuses
//! connections, or are answered from memory. The last shows the cost of the sandbox alone.

mod clients;

use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store,
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks};

pub use self::clients::Kept;
use self::clients::Memory;
use self::generated::exports::zoetrope::workflow_node::jobs::{
    CheckOptions, JobState, Profile, Started,
};
use self::generated::zoetrope::workflow_node::{connections, types};
use self::generated::{NodePack, NodePackPre};
use crate::Failure;

mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "zoetrope:workflow-node/node-pack",
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
            "wasi": wasmtime_wasi::p2::bindings,
        },
    });
}

/// The client that handles a component's requests.
#[derive(Clone)]
pub enum Client {
    /// wasmtime's own client.
    Default,
    /// hyper's client, which reuses connections.
    Kept(Kept),
    /// No client: every request is read and answered from memory.
    Memory,
}

/// How the memory of instances is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// In a pool as large as that of the host.
    Pooled,
    /// In separate mappings, copied from the component's image on write.
    Separate,
}

/// A loaded component.
pub struct MinimalHost {
    engine: Engine,
    pre: NodePackPre<State>,
    connection: connections::Connection,
}

impl MinimalHost {
    /// Compiles a component for an engine with the settings of the host.
    ///
    /// # Errors
    ///
    /// When the component does not fit.
    pub fn load(bytes: &[u8], base_url: &str, credential: &str) -> Result<Self, Failure> {
        Self::load_with(Allocation::Pooled, bytes, base_url, credential)
    }

    /// The same with another allocation of memory.
    ///
    /// # Errors
    ///
    /// When the component does not fit.
    pub fn load_with(
        allocation: Allocation,
        bytes: &[u8],
        base_url: &str,
        credential: &str,
    ) -> Result<Self, Failure> {
        Self::compile(&config(allocation), bytes, base_url, credential)
            .map_err(wasmtime::Error::into_boxed_dyn_error)
    }

    fn compile(
        config: &Config,
        bytes: &[u8],
        base_url: &str,
        credential: &str,
    ) -> wasmtime::Result<Self> {
        let engine = Engine::new(config)?;
        let component = Component::new(&engine, bytes)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        connections::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
        types::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
        Ok(Self {
            pre: NodePackPre::new(linker.instantiate_pre(&component)?)?,
            engine,
            connection: connections::Connection {
                id: "bench".into(),
                base_url: base_url.into(),
                options: "{}".into(),
                // This host adds the credential here; it has no egress that does.
                headers: vec![("authorization".into(), credential.into())],
            },
        })
    }

    /// Starts a run, in a fresh instance.
    ///
    /// # Errors
    ///
    /// When it is not accepted.
    pub async fn start(
        &self,
        client: Client,
        node: &str,
        input: &str,
        key: &str,
    ) -> Result<String, Failure> {
        let mut instance = self.instance(client).await?;
        instance.start(node, input, key).await
    }

    /// Creates an instance that stays until it is dropped.
    ///
    /// # Errors
    ///
    /// When no memory is left for it.
    pub async fn instance(&self, client: Client) -> Result<Instance, Failure> {
        self.instantiate(self.store(client)).await
    }

    fn store(&self, client: Client) -> Store<State> {
        let state = State::new(client, self.connection.clone());
        let mut store = Store::new(&self.engine, state);
        store.set_epoch_deadline(u64::MAX / 2);
        store
    }

    async fn instantiate(&self, mut store: Store<State>) -> Result<Instance, Failure> {
        let pack = self.pre.instantiate_async(&mut store).await;
        let pack = pack.map_err(wasmtime::Error::into_boxed_dyn_error)?;
        Ok(Instance { store, pack })
    }

    /// Bytes of linear memory that a fresh instance has after one check.
    ///
    /// # Errors
    ///
    /// When the input is not accepted.
    pub async fn memory_of_check(&self, node: &str, input: &str) -> Result<usize, Failure> {
        let mut store = self.store(Client::Memory);
        store.limiter(|state| &mut state.grown);
        let Instance { mut store, pack } = self.instantiate(store).await?;
        let options = CheckOptions {
            profile: Profile::Strict,
            preview_request: false,
        };
        let jobs = pack.zoetrope_workflow_node_jobs();
        let checked = jobs
            .call_check(&mut store, &node.to_owned(), &input.to_owned(), options)
            .await;
        match checked.map_err(wasmtime::Error::into_boxed_dyn_error)? {
            Ok(_) => Ok(store.data().grown.0),
            Err(error) => Err(format!("not accepted: {error:?}").into()),
        }
    }
}

/// An instance that stays until it is dropped.
pub struct Instance {
    store: Store<State>,
    pack: NodePack,
}

impl Instance {
    /// Starts a run and returns its ticket.
    ///
    /// # Errors
    ///
    /// When it is not accepted.
    pub async fn start(&mut self, node: &str, input: &str, key: &str) -> Result<String, Failure> {
        let jobs = self.pack.zoetrope_workflow_node_jobs();
        let started = jobs
            .call_start(&mut self.store, &node.to_owned(), &input.to_owned(), key)
            .await;
        match started.map_err(wasmtime::Error::into_boxed_dyn_error)? {
            Ok(Started::Accepted(acceptance)) => Ok(acceptance.ticket),
            other => Err(format!("not accepted: {other:?}").into()),
        }
    }

    /// Polls a run that has not ended.
    ///
    /// # Errors
    ///
    /// When the poll fails, or the run has ended.
    pub async fn poll(&mut self, ticket: &String) -> Result<(), Failure> {
        let jobs = self.pack.zoetrope_workflow_node_jobs();
        let polled = jobs.call_poll(&mut self.store, ticket).await;
        match polled.map_err(wasmtime::Error::into_boxed_dyn_error)? {
            Ok(JobState::Waiting(_)) => Ok(()),
            other => Err(format!("the run does not continue: {other:?}").into()),
        }
    }
}

/// Bytes of the compiled component.
///
/// # Errors
///
/// When it does not compile.
pub fn compiled_bytes(component: &[u8]) -> Result<usize, Failure> {
    let compiled = Engine::new(&config(Allocation::Pooled))
        .and_then(|engine| engine.precompile_component(component));
    let compiled = compiled.map_err(wasmtime::Error::into_boxed_dyn_error)?;
    Ok(compiled.len())
}

/// The settings of `zoetrope_host::engine` that affect a call.
fn config(allocation: Allocation) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).generate_address_map(false);
    match allocation {
        Allocation::Pooled => {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()))
        }
        // One mapping less for each instance: Linux allows a process 65,530.
        Allocation::Separate => config
            .allocation_strategy(InstanceAllocationStrategy::OnDemand)
            .guard_before_linear_memory(false),
    };
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(64)
        .max_unused_warm_slots(64)
        .max_memory_size(256 << 20)
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(20_000)
        .pagemap_scan(wasmtime::Enabled::Auto);
    pool
}

struct State {
    client: Client,
    memory: Memory,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    connection: connections::Connection,
    grown: Grown,
}

/// Counts the bytes of all linear memories.
#[derive(Default)]
struct Grown(usize);

impl ResourceLimiter for Grown {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.0 += desired - current;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl State {
    fn new(client: Client, connection: connections::Connection) -> Self {
        Self {
            client,
            memory: Memory,
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            connection,
            grown: Grown::default(),
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: match &mut self.client {
                Client::Default => default_hooks(),
                Client::Kept(kept) => kept,
                Client::Memory => &mut self.memory,
            },
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl connections::Host for State {
    fn get(&mut self, _: String) -> Result<connections::Connection, connections::ConnectionError> {
        Ok(self.connection.clone())
    }
}

impl types::Host for State {}
