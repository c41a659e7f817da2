//! The end-to-end tests: the real component, the real host, the real binary, over real HTTP on
//! loopback ports. What is tested natively (`plugin/`), and what only the host's own files can see,
//! is not repeated here.
//!
//! # Where what is
//!
//! - [`first_clip`]: from a picture to a clip, with the practice provider in the process
//! - [`nodes`]: each node against the practice provider: run, cancelled, killed, two in a row
//! - [`local_pictures`]: pictures that an input names by `file:` URLs
//! - [`wire`]: a provider that differs in every part, by configuration
//! - [`provider`]: what providers answer, as data in `cases/provider`
//! - [`agenticflow`]: the same over PixelML's other wire, in `cases/agenticflow`
//! - [`shortapi`], [`popiart`]: the same by their protocols, in `cases/shortapi` and `cases/popiart`
//! - [`incidents`]: what happened to others, as histories in `cases/incidents` and its neighbours
//! - [`ledger`]: no room, no right, another version, damage: before payment and after
//! - [`upgrade`]: ledgers that earlier programs wrote, killed migrations, jobs of earlier components
//! - [`resume`]: deadline, Ctrl-C, kill, and going on
//! - [`jobs`]: the commands over jobs; [`costs`]: what they cost, and providers that cancel nothing
//! - [`picture_results`]: pictures as results, and names of any letters; [`profiles`]: how `run` reads an input
//! - [`crash`]: killed at every durable step and at random, then the provider's account
//! - [`processes`]: two and five processes on one data directory, killed at random
//! - [`bad_input`]: inputs, pictures, configurations; partly data in `cases/bad_input`
//! - [`packs`]: which components may run, and what each may do
//! - [`components`]: the embedded component's shape, and components that are hostile or none;
//!   `guests/` is what these are made from
//! - [`attacks`]: what hostile components, providers and addresses try, each a named case
//! - [`observability`]: logs and traces
//! - [`secrets`]: credentials and prompts in logs, errors and files
//! - [`catalogue`]: `nodes`, against AgenticFlow's description in `data/`
//! - [`jsonl`]: `check --jsonl`
//! - [`properties`]: `check` of generated inputs; [`pydantic`]: the same against the schemas' own models
//! - [`typed`]: the typed nodes in plain wasmtime
//! - [`shortapi_page`]: the samples of ShortAPI's page, and the component beside them
//! - [`practice`]: the practice provider on its own
//! - [`cli`]: what people see, in `snapshots/`
//! - [`examples`]: the examples of the crates, run
//! - [`house`]: which crate may depend on which, and no cycle of modules in any
//! - [`docs`]: the commands, examples and links of the documents
//!
//! # How many
//!
//! - cases that are data, each a run of the binary: 157 (71 of a provider, 12 of AgenticFlow, 27 of
//!   ShortAPI, 30 of PopiArt, 17 of bad input)
//! - histories that are data, each several runs: 57 (46 incidents of others, 1 of a provider, 4 of
//!   AgenticFlow, 3 of ShortAPI, 3 of PopiArt)
//! - snapshots of the command line: 56
//! - properties of `check` through the component: 4, over 2,550 generated inputs; `docs/reference/fuzzing.md`
//! - the typed nodes through the component in plain wasmtime: 8
//! - components: 9 that are no pack, 7 that trap, loop, eat memory or answer nonsense; 4 tests of the
//!   embedded one's shape; 8 of who may run
//! - attacks, each a named case: 1,809, counted by family when they are run
//! - jobs that are left, gone on with, or cannot be written down: 29; ledgers of
//!   earlier programs: 1
//! - processes that are killed: 4 tests of a crash, 5 of several processes; `docs/reference/crash-test.md`
//! - the order of crates and modules: 2 of this workspace, 11 of planted workspaces and crates
//! - links, anchors and contents of the documents: 3
//! - the others, each a run or a few of the binary: 79
//!
//! Everything that holds for every run of the binary (no panic, no credential, no prompt, documented
//! exit codes, one line of JSON, nobody told to buy twice) is checked after every run, by
//! [`support::outcome`].

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests print seeds, measurements and why they are skipped"
)]

mod agenticflow;
mod attacks;
mod bad_input;
mod catalogue;
mod cli;
mod components;
mod costs;
#[cfg(unix)]
mod crash;
mod docs;
mod examples;
mod first_clip;
mod house;
mod incidents;
mod jobs;
mod jsonl;
mod ledger;
mod local_pictures;
mod nodes;
mod observability;
mod packs;
mod picture_results;
mod popiart;
mod practice;
#[cfg(target_os = "linux")]
mod processes;
mod profiles;
mod properties;
mod provider;
mod pydantic;
mod resume;
mod secrets;
mod shortapi;
mod shortapi_page;
mod support;
mod typed;
mod upgrade;
mod wire;
