//! Passes what `zoetrope doctor` says about this build: the compiler, the target, and the version of
//! wasmtime.

use std::env;
use std::fs;
use std::process::Command;

fn main() {
    let compiler = env::var("RUSTC").ok().and_then(|compiler| {
        let output = Command::new(compiler).arg("--version").output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?;
        // `rustc 1.90.0 (1159e78c4 2025-09-14)`
        Some(version.split(' ').take(2).collect::<Vec<_>>().join(" "))
    });
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    let wasmtime = fs::read_to_string(lock).ok().and_then(|lock| {
        let (_, after) = lock.split_once("name = \"wasmtime\"\nversion = \"")?;
        Some(after.split('"').next()?.to_owned())
    });
    for (name, value) in [
        ("ZOETROPE_COMPILER", compiler),
        ("ZOETROPE_TARGET", env::var("TARGET").ok()),
        ("ZOETROPE_WASMTIME", wasmtime),
    ] {
        let value = value.unwrap_or_else(|| "unknown".to_owned());
        println!("cargo::rustc-env={name}={}", value.trim());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={lock}");
}
