//! The same component in a host as short as wasmtime allows. Its requests go through
//! wasmtime's default client, which opens a connection for each and checks nothing, or
//! nowhere: what is left then is the sandbox's own share.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store,
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_hooks,
};

use self::generated::exports::zoetrope::workflow_node::jobs::{CheckOptions, Profile, Started};
use self::generated::zoetrope::workflow_node::{connections, types};
use self::generated::{NodePack, NodePackPre};
use crate::Failure;
use crate::provider::ACCEPTED;

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

/// What answers a component's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// wasmtime's own client.
    Default,
    /// Nobody: every request is read and its answer is there at once.
    Memory,
}

/// A loaded component. Every call runs in a fresh instance.
pub struct PlainHost {
    engine: Engine,
    pre: NodePackPre<State>,
    connection: connections::Connection,
}

impl PlainHost {
    /// Compiles a component for an engine that is set up as the host's own.
    ///
    /// # Errors
    ///
    /// When the component does not fit.
    pub fn load(bytes: &[u8], base_url: &str, credential: &str) -> Result<Self, Failure> {
        Self::compile(bytes, base_url, credential).map_err(wasmtime::Error::into_boxed_dyn_error)
    }

    fn compile(bytes: &[u8], base_url: &str, credential: &str) -> wasmtime::Result<Self> {
        let engine = Engine::new(&config())?;
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
                // Nobody else can add it here.
                headers: vec![("authorization".into(), credential.into())],
            },
        })
    }

    /// Starts a run.
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
        let state = State::new(client, self.connection.clone());
        let mut store = Store::new(&self.engine, state);
        store.set_epoch_deadline(u64::MAX / 2);
        let started = async {
            let pack: NodePack = self.pre.instantiate_async(&mut store).await?;
            let jobs = pack.zoetrope_workflow_node_jobs();
            jobs.call_start(&mut store, &node.to_owned(), &input.to_owned(), key)
                .await
        };
        let started = started.await;
        match started.map_err(wasmtime::Error::into_boxed_dyn_error)? {
            Ok(Started::Accepted(acceptance)) => Ok(acceptance.ticket),
            other => Err(format!("not accepted: {other:?}").into()),
        }
    }

    /// Bytes of linear memory that a fresh instance has after one check.
    ///
    /// # Errors
    ///
    /// When the input is not accepted.
    pub async fn memory_of_check(&self, node: &str, input: &str) -> Result<usize, Failure> {
        let state = State::new(Client::Memory, self.connection.clone());
        let mut store = Store::new(&self.engine, state);
        store.set_epoch_deadline(u64::MAX / 2);
        store.limiter(|state| &mut state.grown);
        let options = CheckOptions {
            profile: Profile::Strict,
            preview_request: false,
        };
        let checked = async {
            let pack: NodePack = self.pre.instantiate_async(&mut store).await?;
            let jobs = pack.zoetrope_workflow_node_jobs();
            jobs.call_check(&mut store, &node.to_owned(), &input.to_owned(), options)
                .await
        };
        let checked = checked.await;
        match checked.map_err(wasmtime::Error::into_boxed_dyn_error)? {
            Ok(_) => Ok(store.data().grown.0),
            Err(error) => Err(format!("not accepted: {error:?}").into()),
        }
    }
}

/// Bytes of machine code, and what belongs to it, that the engine makes of a component.
///
/// # Errors
///
/// When it does not compile.
pub fn compiled_bytes(component: &[u8]) -> Result<usize, Failure> {
    let compiled = Engine::new(&config()).and_then(|engine| engine.precompile_component(component));
    let compiled = compiled.map_err(wasmtime::Error::into_boxed_dyn_error)?;
    Ok(compiled.len())
}

/// As `zoetrope_host::engine` sets its engine up, as far as it shows in a call.
fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(64)
        .max_unused_warm_slots(64)
        .max_memory_size(256 << 20)
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(20_000)
        .pagemap_scan(wasmtime::Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .generate_address_map(false);
    config
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

/// Bytes of all linear memories.
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
            hooks: match self.client {
                Client::Default => default_hooks(),
                Client::Memory => &mut self.memory,
            },
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Answers from memory.
struct Memory;

type Answered = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Memory {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answered, Error>> + Send> {
        Box::new(async move {
            request.into_body().collect().await?;
            let job = Bytes::from_static(ACCEPTED.as_bytes());
            let body = Full::new(job).map_err(|never| match never {});
            let response = Response::new(body.boxed_unsync());
            let done: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }
}

impl connections::Host for State {
    fn get(&mut self, _: String) -> Result<connections::Connection, connections::ConnectionError> {
        Ok(self.connection.clone())
    }
}

impl types::Host for State {}
