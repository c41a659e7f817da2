//! Code generated from `wit/`. [`contract`](crate::contract) re-exports items of this module
//! by name.

mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "zoetrope:workflow-node/artifact-pack",
        exports: { default: async },
        require_store_data_send: true,
        additional_derives: [PartialEq],
        with: {
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
            "wasi": wasmtime_wasi::p2::bindings,
        },
    });
}

pub(crate) use generated::exports::zoetrope::workflow_node as exported;
pub(crate) use generated::zoetrope::workflow_node::{connections, types};
