//! The end-to-end tests: the real component, host and binary, over HTTP on loopback ports.
//!
//! Unit tests of `plugin/` and of the host's modules are beside their code and are not repeated here.
//!
//! # Layout
//!
//! Runs and jobs:
//!
//! - [`first_clip`]: from a picture to a clip, with the practice provider inside the binary
//! - [`nodes`]: each node against the practice provider: run, cancelled, killed, two in a row
//! - [`local_pictures`]: pictures that an input names by `file:` URLs
//! - [`upload_steps`]: uploads shortly before their submit, once more when the provider lost them
//! - [`picture_results`]: results that are pictures, and node names with special characters
//! - [`clip_types`]: clips of other types than MP4
//! - [`profiles`]: the profiles of `run`; [`previews`]: what `check` shows of a run
//! - [`result_places`]: results at their places: removed ones, other targets, standard output, names
//! - [`result_urls`]: the URLs of results and redirects, and of a pack's requests
//! - [`resume`]: runs that stop at a deadline, a signal or a kill, and are resumed
//! - [`terminal`]: terminals that close or stop, and output that is closed, full or not read
//! - [`completions`]: completions in a shell, manual pages, the schema of the configuration
//! - [`events`]: the lines of `--events`; [`watch`]: `jobs watch`
//! - [`jobs`]: the commands on jobs; [`job_list`]: their names, and what people see of them; [`costs`]:
//!   prices, costs and missing cancellation
//! - [`end_hooks`]: commands that are run when a job ends
//! - [`no_result`]: jobs that the provider reports as succeeded, without a result
//! - [`credit`]: credit that runs out in a batch, and jobs that are submitted again
//! - [`many_jobs`]: what is printed of many jobs, and where a fetched result goes
//! - [`cancellation`]: cancelled jobs whose submit has an unknown outcome
//! - [`neighbours`]: a component's lie, a slow provider and a held ledger stop no other job
//! - [`ledger`]: full disk, no permission, newer version, damage, before and after payment
//! - [`file_systems`]: file systems without sync of folders, exclusive names, links or room for a file;
//!   [`kept_clips`]: complete clips that get no name; [`out_paths`]: special files;
//!   [`exact_paths`]: names that are not UTF-8
//! - [`full_disk`]: many jobs on a disk that fills, and each way in which a system says so;
//!   [`address_space`]: limits of the address space; [`open_files`]: limits of open files
//! - [`day`]: a batch through a closed terminal, no credit, a stop, a clock that is set, a full disk and
//!   a kill
//! - [`half_clips`]: clips that a server cuts without saying their length
//! - [`prune`]: which rows and files `jobs prune` removes, beside other processes and when it is
//!   killed; what stays known of a removed job, and what its key does
//! - [`upgrade`]: ledgers and components of earlier versions
//! - [`crash`]: kills at every commit and at random, compared with the provider's account
//! - [`stopped`]: processes that are stopped for a while, and those that wait for them; [`clocks`]: a
//!   clock that is set; [`locks`]: locks that do not exclude
//! - [`processes`]: two and five processes on one data directory, killed at random
//!
//! Providers:
//!
//! - [`provider`]: replies of a PixelML provider, as data in `cases/provider`
//! - [`agenticflow`]: the same over PixelML's second wire, in `cases/agenticflow`
//! - [`shortapi`], [`popiart`]: the same by these protocols, in `cases/shortapi` and `cases/popiart`
//! - [`shortapi_page`]: the samples of ShortAPI's page run, and compared with the component's requests
//! - [`faults`]: replies, results and ids in the forms that providers give them, by each wire, as data in
//!   `cases/faults_*`
//! - [`job_ids`]: ids of jobs in configured paths; [`resolve`]: the id of a job whose submit was lost
//! - [`incidents`]: incidents of other clients, as data in `cases/incidents*`
//! - [`wire`]: a provider that differs in every part of its wire, by configuration
//! - [`practice`]: the practice provider as a process of its own
//! - [`practice_faults`]: the scripts of `examples/faults/` over each protocol
//! - [`early_answers`]: replies before the whole request, and `Expect: 100-continue`
//! - [`proxy`]: proxies and further certificate authorities
//!
//! Components and their limits:
//!
//! - [`components`]: the embedded component's shape; invalid and misbehaving components, built from
//!   `guests/`
//! - [`credential_commands`]: credentials that a program prints, and those in a keyring
//! - [`packs`]: grants of components; [`credentials`]: the header of the key in the requests of
//!   strangers' packs, and an account that changes under a job
//! - [`choice`]: which provider serves a command; [`doctor`]: what a report of a problem needs;
//!   [`data_directory`]: the rights of a data directory that is open to others
//! - [`trust`]: folders of strangers and their configuration files; [`configuration`]: which file is
//!   used
//! - [`memory`]: the peak memory of the program under the worst pack
//! - [`attacks`]: hostile components, providers and addresses, each attack a named case
//! - [`hostile_pack`]: a pack that attacks, in modes as data, against a provider that counts what it
//!   would charge
//! - [`uploads`]: uploads and cancellations of a hostile pack, counted at the provider
//! - [`typed`]: the typed nodes in plain wasmtime
//!
//! Inputs and outputs:
//!
//! - [`documents`]: the published documents of the nodes, compared with the catalog, with `check` and
//!   with requests; [`node_help`]: with the text of `nodes NAME` and with advice; [`facts`]: each of
//!   their facts has a test or a reason
//! - [`bad_input`]: invalid inputs, pictures and configurations; partly data in `cases/bad_input`
//! - [`catalogue`]: `nodes`, compared with AgenticFlow's description in `data/`
//! - [`jsonl`]: `check --jsonl`
//! - [`text_inputs`]: text files with byte-order marks, in UTF-16, and invalid ones
//! - [`pictures_damaged`]: pictures of other formats, truncated and damaged ones
//! - [`properties`]: `check` of generated inputs; [`pydantic`]: the same compared with pydantic
//! - [`schemas`]: `check` compared with the served schemas, by Python's `jsonschema` and pydantic
//! - [`reasons`]: what an error says: the provider's reason, the credential, the size, the charge, and
//!   the last problem before a deadline
//! - [`next_steps`]: wrong arguments, and next steps that can work
//! - [`cli`]: the text output, in `snapshots/`; [`texts`]: no output has control characters or
//!   invisible ones
//! - [`observability`]: logs and traces
//! - [`secrets`]: credentials and prompts in logs, errors and files; [`keys`]: keys with blanks,
//!   quotes or other characters around them
//!
//! The repository:
//!
//! - [`docs`]: the commands, examples and links of the repository's documents
//! - [`examples`]: the examples of the crates
//! - [`house`]: permitted dependencies of crates, and no cycle of modules
//! - [`support`]: shared parts of the tests
//!
//! # Counts
//!
//! - cases of one run, as data: 320 (79 of a provider, 12 of AgenticFlow, 33 of ShortAPI, 61 of
//!   PopiArt, 17 of bad input, 118 of faults)
//! - cases of several runs, as data: 59 (46 incidents, 1 of a provider, 4 of AgenticFlow, 4 of
//!   ShortAPI, 4 of PopiArt)
//! - snapshots of the command line: 45
//! - properties of `check` through the component: 4, over 2,550 generated inputs; `docs/reference/fuzzing.md`
//! - comparisons with Python packages: 2 with pydantic, 1 of the served schemas
//! - typed nodes in plain wasmtime: 8
//! - components: 9 that are not packs, 8 that trap, loop, allocate without end or return nonsense; 4
//!   tests of the embedded one's shape; 8 of grants
//! - attacks: 1,898; the run prints the number of each family
//! - modes of the hostile pack: more than 520, as data, and 24 random ones
//! - jobs that are resumed, listed or cannot be written to the ledger: 32; ledgers and
//!   components of earlier versions: 3
//! - killed processes: 4 tests of one process, 5 of several; `docs/reference/crash-test.md`
//! - dependencies of crates and modules: 2 of this workspace, 11 of generated workspaces and crates;
//!   old names: 2; links of documents: 3
//! - published documents: 15 comparisons; 248 facts, each with a test or a reason
//! - scripts of the practice provider: 45, over four protocols each; 3 tests of their list
//! - stopped processes: 9; clocks that are set: 6; locks that do not exclude: 2
//! - the others, each one or a few runs of the binary: 148
//! - terminals that close, output that is not read, printed ids, money without output: 23
//!
//! [`support::outcome`] checks the invariants after every run of the binary: no panic, no credential,
//! no prompt, a documented exit code, one line of JSON, no suggestion to pay twice.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests print seeds, measurements and the reason of a skip"
)]

#[cfg(target_os = "linux")]
mod address_space;
mod agenticflow;
mod artifacts;
mod attacks;
mod bad_input;
mod buying;
mod cancellation;
mod catalogue;
mod choice;
mod cli;
mod clip_types;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod clocks;
mod completions;
mod components;
mod configuration;
mod contract_versions;
mod costs;
#[cfg(unix)]
mod crash;
mod credential_commands;
mod credentials;
mod credit;
#[cfg(unix)]
mod data_directory;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod day;
mod docs;
mod doctor;
mod early_answers;
#[cfg(unix)]
mod end_hooks;
mod events;
#[cfg(target_os = "linux")]
mod exact_paths;
mod examples;
mod facts;
mod faults;
#[cfg(target_os = "linux")]
mod file_systems;
mod first_clip;
#[cfg(target_os = "linux")]
mod full_disk;
mod half_clips;
mod hostile_pack;
mod house;
mod incidents;
mod job_ids;
mod job_list;
mod jobs;
mod jsonl;
#[cfg(target_os = "linux")]
mod kept_clips;
mod keys;
mod ledger;
mod local_pictures;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod locks;
#[cfg(unix)]
mod many_jobs;
mod memory;
mod neighbours;
mod next_steps;
mod no_result;
mod node_help;
mod nodes;
mod numbers;
mod observability;
#[cfg(target_os = "linux")]
mod open_files;
#[cfg(target_os = "linux")]
mod out_paths;
mod packs;
mod picture_results;
mod pictures_damaged;
mod popiart;
mod practice;
#[cfg(unix)]
mod practice_faults;
mod previews;
#[cfg(target_os = "linux")]
mod processes;
mod profiles;
mod properties;
mod provider;
mod proxy;
mod prune;
mod published_documents;
mod pydantic;
mod reasons;
mod resolve;
#[cfg(target_os = "linux")]
mod result_places;
mod result_urls;
mod resume;
mod schemas;
mod secrets;
mod shortapi;
mod shortapi_page;
#[cfg(unix)]
mod stopped;
mod support;
#[cfg(unix)]
mod terminal;
mod text_inputs;
mod texts;
mod trust;
mod typed;
mod upgrade;
mod upload_steps;
mod uploads;
mod watch;
mod wire;
