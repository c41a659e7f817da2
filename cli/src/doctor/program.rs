//! The versions of the program and of what it is made of.

use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::contract::VERSIONS;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::ledger::Ledger;

use super::check::Check;

/// Digits of a digest that are shown.
const DIGITS: usize = 12;

pub(super) fn checks() -> [Check; 3] {
    [program(), libraries(), component()]
}

fn program() -> Check {
    let version = env!("CARGO_PKG_VERSION");
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let target = env!("ZOETROPE_TARGET");
    let release = release();
    let on = release.as_deref().unwrap_or(system);
    Check::ok(
        "program",
        format!("zoetrope {version} for {target}, on {on}"),
    )
    .with("version", version)
    .with("target", target)
    .with("system", system)
    .with("machine", machine)
    .with("release", release)
}

fn libraries() -> Check {
    let (compiler, wasmtime) = (env!("ZOETROPE_COMPILER"), env!("ZOETROPE_WASMTIME"));
    let sqlite = Ledger::sqlite_version();
    Check::ok(
        "libraries",
        format!("{compiler}, wasmtime {wasmtime}, SQLite {sqlite}"),
    )
    .with("compiler", compiler)
    .with("wasmtime", wasmtime)
    .with("sqlite", sqlite)
}

fn component() -> Check {
    let digest = Sha256Digest::from(DIGEST).to_string();
    let contract = VERSIONS.first().copied().unwrap_or_default();
    let bytes = COMPONENT.len();
    let text = format!("built in, {}, contract {contract}", &digest[..DIGITS]);
    Check::ok("component", text)
        .with("digest", digest)
        .with("contract", contract)
        .with("bytes", bytes)
}

/// The name and the release of the system.
#[cfg(unix)]
fn release() -> Option<String> {
    let names = rustix::system::uname();
    let (name, release) = (
        names.sysname().to_str().ok()?,
        names.release().to_str().ok()?,
    );
    Some(format!("{name} {release}"))
}

#[cfg(not(unix))]
fn release() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::home::Home;

    #[test]
    fn versions_of_the_build_are_known() {
        for check in checks() {
            let document = check.document(&Home::none());
            let facts = document.as_object().expect("the facts");
            assert!(facts.values().all(|fact| fact != "unknown"), "{document}");
        }
        let libraries = libraries().document(&Home::none());
        assert!(
            libraries["compiler"]
                .as_str()
                .is_some_and(|text| text.starts_with("rustc 1."))
        );
    }
}
