//! The environment of a measurement.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use serde_json::{Value, json};

/// The machine, the compiler and the component. A value that cannot be read is "unknown".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The processor's model.
    pub cpu: String,
    /// The number of its threads.
    pub cores: usize,
    /// System and version.
    pub os: String,
    /// The load average at the start. Above zero, other processes were running.
    pub load: String,
    /// The compiler.
    pub rustc: String,
    /// The profile of this build.
    pub profile: &'static str,
    /// The WebAssembly engine.
    pub wasmtime: String,
    /// Bytes of the component.
    pub component: usize,
}

impl Environment {
    /// Reads the environment, in the workspace at `workspace`.
    #[must_use]
    pub fn of(workspace: &Path, component: usize) -> Self {
        let cpu = read("/proc/cpuinfo").and_then(|text| value_of(&text, "model name"));
        let system = read("/proc/sys/kernel/ostype").zip(read("/proc/sys/kernel/osrelease"));
        let os = system.map(|(name, version)| format!("{} {}", name.trim(), version.trim()));
        let load = read("/proc/loadavg");
        let load = load.and_then(|text| text.split(' ').next().map(str::to_owned));
        let rustc = Command::new("rustc")
            .arg("--version")
            .current_dir(workspace)
            .output();
        let rustc = rustc
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok());
        let unknown = || "unknown".to_owned();
        Self {
            cpu: cpu.unwrap_or_else(unknown),
            cores: available_parallelism().map_or(0, usize::from),
            os: os.unwrap_or_else(|| std::env::consts::OS.into()),
            load: load.unwrap_or_else(unknown),
            rustc: rustc.map_or_else(unknown, |text| text.trim().to_owned()),
            profile: if cfg!(debug_assertions) {
                "not optimised"
            } else {
                "bench, which inherits release"
            },
            wasmtime: locked_version(workspace, "wasmtime").unwrap_or_else(unknown),
            component,
        }
    }

    /// The environment as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "cpu": self.cpu, "cores": self.cores, "os": self.os, "load": self.load,
            "rustc": self.rustc, "profile": self.profile, "wasmtime": self.wasmtime,
            "component_bytes": self.component,
        })
    }
}

impl std::fmt::Display for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "cpu        {}, {} threads", self.cpu, self.cores)?;
        writeln!(f, "system     {}, load {} at the start", self.os, self.load)?;
        writeln!(f, "compiler   {}, profile {}", self.rustc, self.profile)?;
        writeln!(f, "wasmtime   {}", self.wasmtime)?;
        write!(f, "component  {} bytes", self.component)
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The text after `name` and a colon.
fn value_of(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// A package's version in `Cargo.lock`.
fn locked_version(workspace: &Path, package: &str) -> Option<String> {
    let lock = fs::read_to_string(workspace.join("Cargo.lock")).ok()?;
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(entry.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_is_named_by_its_version() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let environment = Environment::of(&workspace, 0);
        assert!(environment.wasmtime.split('.').count() == 3);
        assert!(environment.rustc.starts_with("rustc "));
    }
}
