//! What the figures depend on.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use serde_json::{Value, json};

/// The machine and what was built for it. Whatever cannot be learned is "unknown".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The processor's model.
    pub cpu: String,
    /// How many threads it runs at once.
    pub cores: usize,
    /// System and version.
    pub os: String,
    /// Processes that wanted a core when it began: above zero, others were at work.
    pub load: String,
    /// The compiler.
    pub rustc: String,
    /// How this was compiled.
    pub profile: &'static str,
    /// The WebAssembly engine.
    pub wasmtime: String,
    /// Bytes of the component.
    pub component: usize,
}

impl Environment {
    /// Looks around, in the workspace at `workspace`.
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

    /// The same for programs.
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

/// What stands after `name` and a colon.
fn value_of(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// A package's version as `Cargo.lock` has it.
fn locked_version(workspace: &Path, package: &str) -> Option<String> {
    let lock = fs::read_to_string(workspace.join("Cargo.lock")).ok()?;
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(entry.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_named_by_its_version() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let environment = Environment::of(&workspace, 0);
        assert!(environment.wasmtime.split('.').count() == 3);
        assert!(environment.rustc.starts_with("rustc "));
    }
}
