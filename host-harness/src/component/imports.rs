//! The interfaces that a pack must export, and those that it may import: of WASI only
//! clocks, random, streams, CLI basics and outgoing HTTP.

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};

use super::error::PackError;
use super::request_parts;
use super::state::CallState;
use crate::bindings::{connections, types};
use crate::contract::{PACKAGE, VERSION, VERSIONS};

/// The interfaces a pack must export.
const EXPORTS: [&str; 3] = ["catalog", "jobs", "media"];

/// The interfaces a pack may import; whole packages end with a slash. No files, no sockets.
const IMPORTS: [&str; 17] = [
    "zoetrope:workflow-node/connections",
    "zoetrope:workflow-node/types",
    "wasi:io/",
    "wasi:clocks/",
    "wasi:random/",
    "wasi:http/types",
    "wasi:http/outgoing-handler",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
];

/// Checks the names of the component's interfaces.
///
/// Returns the version of the contract that it implements, one of [`VERSIONS`].
pub(crate) fn check(
    engine: &wasmtime::Engine,
    component: &Component,
) -> Result<&'static str, PackError> {
    let names = component.component_type();
    let exports: Vec<&str> = names.exports(engine).map(|(name, _)| name).collect();
    let version = check_exports(&exports)?;
    let refused: Vec<String> = names
        .imports(engine)
        .map(|(name, _)| name)
        .filter(|name| !is_given(name))
        .map(str::to_owned)
        .collect();
    if refused.is_empty() {
        Ok(version)
    } else {
        Err(PackError::RefusedImports { refused })
    }
}

fn check_exports(exports: &[&str]) -> Result<&'static str, PackError> {
    let missing = |version: &str| -> Vec<String> {
        let wanted = EXPORTS.map(|interface| format!("{PACKAGE}/{interface}@{version}"));
        let is_missing = |wanted: &String| !exports.iter().any(|export| fits(export, wanted));
        wanted.into_iter().filter(is_missing).collect()
    };
    if let Some(version) = VERSIONS.iter().find(|version| missing(version).is_empty()) {
        return Ok(version);
    }
    let versions: Vec<&str> = exports
        .iter()
        .filter_map(|export| Some(export.strip_prefix(PACKAGE)?.split_once('@')?.1))
        .collect();
    let is_supported = |found: &str| VERSIONS.iter().find(|known| compatible(found, known));
    let mut supported = versions.iter().filter_map(|found| is_supported(found));
    match (supported.next(), versions.first()) {
        (None, Some(found)) => Err(PackError::WrongVersion {
            found: (*found).to_owned(),
        }),
        (known, _) => Err(PackError::MissingExports {
            missing: missing(known.unwrap_or(&VERSION)),
        }),
    }
}

fn fits(export: &str, wanted: &str) -> bool {
    match (export.split_once('@'), wanted.split_once('@')) {
        (Some((name, version)), Some((wanted, wanted_version))) => {
            name == wanted && compatible(version, wanted_version)
        }
        _ => false,
    }
}

/// Whether two semantic versions are compatible.
fn compatible(one: &str, other: &str) -> bool {
    fn track(version: &str) -> Option<(u64, u64)> {
        let mut numbers = version.split('.').map(|number| number.parse().ok());
        match (numbers.next()??, numbers.next()??) {
            (0, minor) => Some((0, minor)),
            (major, _) => Some((major, 0)),
        }
    }
    track(one).is_some() && track(one) == track(other)
}

fn is_given(import: &str) -> bool {
    let name = import.split('@').next().unwrap_or(import);
    let fits = |given: &&str| match given.strip_suffix('/') {
        Some(package) => name
            .strip_prefix(package)
            .is_some_and(|rest| rest.starts_with('/')),
        None => name == *given,
    };
    IMPORTS.iter().any(fits)
}

/// A linker with the functions of [`IMPORTS`].
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    // io, clocks, random, http, standard streams.
    wasmtime_wasi_http::p2::add_to_linker_async(l)?;
    request_parts::bound(l)?;
    random::insecure::add_to_linker::<_, WasiRandom>(l, CallState::random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(l, CallState::random)?;
    cli::environment::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    types::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
    connections::add_to_linker::<_, HasSelf<_>>(l, |state| state)?;
    for version in &VERSIONS[1..] {
        l.instance(&format!("{PACKAGE}/types@{version}"))?;
        l.instance(&format!("{PACKAGE}/connections@{version}"))?
            .func_wrap("get", |mut store, (category,): (String,)| {
                let connection = connections::Host::get(store.data_mut(), category);
                Ok((connection,))
            })?;
    }
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_imports_are_permitted() {
        for given in [
            "wasi:io/streams@0.2.12",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/stderr@0.2.6",
            "wasi:cli/terminal-stderr@0.2.6",
            "wasi:random/insecure-seed@0.2.12",
            "zoetrope:workflow-node/connections@0.1.0",
        ] {
            assert!(is_given(given), "{given}");
        }
        for refused in [
            "wasi:filesystem/types@0.2.12",
            "wasi:sockets/tcp@0.2.12",
            "wasi:cli/run@0.2.12",
            "wasi:http/incoming-handler@0.2.12",
            "wasi:iox/streams@0.2.12",
            "anything",
        ] {
            assert!(!is_given(refused), "{refused}");
        }
    }

    #[test]
    fn wrong_version_and_missing_interface_are_different_errors() {
        let at =
            |version: &str| EXPORTS.map(|interface| format!("{PACKAGE}/{interface}@{version}"));
        let error = |exports: &[String]| {
            let exports: Vec<&str> = exports.iter().map(String::as_str).collect();
            check_exports(&exports).err().map(|error| error.to_string())
        };
        for version in ["0.1.0", "0.1.7", "0.2.0", "0.2.3"] {
            assert_eq!(error(&at(version)), None, "{version}");
        }
        for version in ["0.3.0", "1.0.0"] {
            assert_eq!(
                error(&at(version)),
                Some(format!(
                    "the component implements zoetrope:workflow-node@{version}; this host supports zoetrope:workflow-node@0.2.0 and @0.1.0"
                ))
            );
        }
        assert_eq!(
            error(&at("0.1.0")[..2]),
            Some("the component does not export zoetrope:workflow-node/media@0.1.0".into())
        );
    }
}
