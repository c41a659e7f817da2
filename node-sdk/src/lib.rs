//! The SDK for packs of workflow nodes.
//!
//! A pack is a WASI component that a host loads. Its author writes the node types and the
//! protocols of their providers. This crate reads inputs, makes tickets, sends requests,
//! describes errors, and exports the component's functions.
//!
//! The contract between component and host is the WIT package in `wit/`; its types are in
//! [`bindings`]. A host calls a component in this order, each call in a fresh instance:
//!
//! 1. `check` reads an input and returns what would be sent. It sends nothing.
//! 2. `start` sends the one request that can cost money, and returns a ticket.
//! 3. `poll` reads the job's state, from the ticket alone, until the job has ended.
//!
//! A component has no state, no credential and no timer. The host keeps the ticket, adds the
//! credential to requests, and decides when to poll.
//!
//! # Writing a pack
//!
//! A pack is a crate of its own:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! zoetrope-node-sdk = { git = "https://github.com/zoetrope-nodes/zoetrope" } # or a path
//! serde_json = "1"
//! jsonschema = { version = "=0.60.2", default-features = false, features = ["macros"] }
//! ```
//!
//! It holds:
//!
//! 1. **A [`Provider`](node::Provider) for each provider**: the connection it needs, and its
//!    protocol as pure functions. [`options`] reads a connection's options,
//!    [`http::request`] makes a request below its base URL, and [`reply`] reads statuses, ids,
//!    acceptances and errors. A provider has one or more protocols, called wires; the
//!    connection's options choose one.
//! 2. **A [`Node`](node::Node) for each node type**: its published schemas, their fields, and
//!    the validators. `#[jsonschema::validator]` compiles a schema into code when the pack is
//!    built, and stands beside the node; [`schema::violations::of`] turns its errors into the
//!    contract's. `rules` is JSON Schema of what the documentation demands beyond the published
//!    schema. `amend` enforces it on a [`Draft`](schema::draft::Draft), resolves other names of
//!    fields, and gives advice. `about` is the documentation for people: the fields with their
//!    choices, the documented errors with their solutions, and how long a run usually takes.
//! 3. **A [`Pack`](node::Pack)**, a `static` with the table of node types, and one
//!    [`export!`] of it with the manifest, in which the pack requests its permissions.
//!
//! A provider that stores files under ids also implements [`Artifacts`](node::Artifacts), and
//! returns it from [`Provider::artifacts`](node::Provider::artifacts). Its functions find a file
//! and upload one; no call costs money.
//!
//! Each error states whether money was spent. The functions of
//! [`Provider`](node::Provider) document what they may claim; the constructors of
//! [`NodeError`](bindings::NodeError) set charge and next step accordingly.
//!
//! First configure the provider: a table `[connections.mine]` in `zoetrope.toml`, with its
//! `category`, `base_url` and `credential` (`docs/reference/connections.md`). `packs allow` grants the
//! connections that are configured then; `--connection mine` grants one later. Each build has
//! another digest and must be allowed again.
//!
//! ```sh
//! rustup target add wasm32-wasip2
//! cargo build --release --target wasm32-wasip2
//! zoetrope packs allow target/wasm32-wasip2/release/your_pack.wasm
//! ```
//!
//! # A complete pack
//!
//! This is `examples/echo.rs`:
//!
//! ```
#![doc = include_str!("../examples/echo.rs")]
//! ```
//!
//! # Testing a pack
//!
//! The functions in [`job`], [`media`] and [`run`] are those that the exports call. They take
//! the pack and a [`Host`](host::Host), and [`testing::Scripted`] is a host with prepared
//! replies; so a pack is tested natively, without a component:
//!
//! ```
//! # use zoetrope_node_sdk::node::Pack;
//! # static PACK: Pack = Pack { nodes: &[] };
//! use zoetrope_node_sdk::job;
//! use zoetrope_node_sdk::testing::Scripted;
//!
//! let host = Scripted::new([(200, serde_json::json!({ "id": "7" }))]);
//! let refused = job::start(&PACK, &host, "no_such_node", "{}", "key").unwrap_err();
//! assert_eq!(refused.charge, zoetrope_node_sdk::bindings::Charge::No);
//! assert!(host.requests().is_empty());
//! ```
//!
//! # Typed worlds
//!
//! A pack may also export interfaces of its own, for callers that use WIT types instead of
//! JSON. It generates a world that holds only those, and maps the shared types with `wit-bindgen`'s
//! `with: { "zoetrope:workflow-node/types@0.2.0": ::zoetrope_node_sdk::bindings::types }`.
//! [`run::run`] is the body of such an export, with `wasi::Wasi` as its host.
//!
//! # Layout
//!
//! A module uses only modules that stand above it here.
//!
//! - [`bindings`]: the contract's types; [`error`]: constructors of its errors.
//! - [`json`]: reads and writes JSON.
//! - [`http`]: request and reply as plain data; [`ticket`]: the ticket of a job; [`reason`]: the
//!   reason that a provider gives, in whatever form.
//! - [`field`]: the parts of a node's table.
//! - [`schema`]: violations of a schema, and a node's additional rules; [`profile`]: the
//!   coercions of the lax profile.
//! - [`node`]: pack, node type and provider; [`options`], [`reply`], [`result`] and [`no_result`]:
//!   helpers for providers.
//! - [`input`]: reads an input: validation, defaults, notes.
//! - [`host`]: the interface to connection, HTTP and clock; [`testing`]: a host for tests;
//!   `wasi`: the host of the component, the only file that uses `wasi:http` and the clock, on
//!   wasm only.
//! - [`catalog`], [`job`], [`media`], [`artifacts`]: the contract's interfaces; [`run`]: all
//!   calls of a job in one, for hosts without a job driver.
//! - [`export`](mod@export): exports a pack's functions from a component.

#![deny(missing_docs)]

pub mod artifacts;
pub mod bindings;
pub mod catalog;
pub mod error;
pub mod export;
pub mod field;
pub mod host;
pub mod http;
pub mod input;
pub mod job;
pub mod json;
pub mod media;
pub mod no_result;
pub mod node;
pub mod options;
pub mod profile;
pub mod reason;
pub mod reply;
pub mod result;
pub mod run;
pub mod schema;
pub mod testing;
pub mod ticket;
#[cfg(target_family = "wasm")]
pub mod wasi;
