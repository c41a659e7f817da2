//! A copy of the workspace, which builds the component with some of its nodes.

use std::fs;
use std::path::{Path, PathBuf};

use zoetrope_benches::Failure;
use zoetrope_benches::cargo::target;

#[path = "../../../bundled-pack/nested_cargo.rs"]
mod nested_cargo;

/// The file with the list of nodes.
const LIST: &str = "plugin/src/nodes/mod.rs";
const LIST_BEGINS: &str = "    nodes: &[\n";
const LIST_ENDS: &str = "    ],\n";

const LINKER: &str = "benches/benches/size/wasm-component-ld";

/// The copy and its build folder.
pub(crate) struct Scratch {
    root: PathBuf,
    target: PathBuf,
    /// The original text of the file with the list.
    list: String,
}

impl Scratch {
    /// Copies the workspace into `folder`.
    pub(crate) fn of(workspace: &Path, folder: &Path) -> Result<Self, Failure> {
        copy_folder(workspace, folder)?;
        Ok(Self {
            root: folder.to_owned(),
            // Not removed after a run, so that dependencies are built once.
            target: target()?.join("benches/component"),
            list: fs::read_to_string(workspace.join(LIST))?,
        })
    }

    /// Builds the component with the nodes whose index `keeps` accepts.
    pub(crate) fn built(&self, keeps: impl Fn(usize) -> bool) -> Result<Vec<u8>, Failure> {
        fs::write(self.root.join(LIST), with_nodes(&self.list, keeps)?)?;
        self.build(&[])
    }

    /// Builds the component with all nodes and the names of its functions. The linker keeps the
    /// names: another profile would give the crates other hashes and thereby other code.
    pub(crate) fn named(&self) -> Result<Vec<u8>, Failure> {
        fs::write(self.root.join(LIST), &self.list)?;
        let linker = self.root.join(LINKER).canonicalize()?;
        let linker = format!(
            "target.{}.linker='{}'",
            nested_cargo::TARGET,
            linker.display()
        );
        self.build(&["--config", &linker])
    }

    fn build(&self, more: &[&str]) -> Result<Vec<u8>, Failure> {
        let file = nested_cargo::built(&self.root, "zoetrope-plugin", None, &self.target, more)?;
        Ok(fs::read(file)?)
    }
}

fn with_nodes(list: &str, keeps: impl Fn(usize) -> bool) -> Result<String, Failure> {
    let apart = list.split_once(LIST_BEGINS).and_then(|(before, rest)| {
        let (nodes, after) = rest.split_once(LIST_ENDS)?;
        Some((before, nodes, after))
    });
    let (before, nodes, after) = apart.ok_or_else(|| format!("no list of nodes in {LIST}"))?;
    let nodes = nodes.split_inclusive('\n').enumerate();
    let kept: String = nodes
        .filter_map(|(index, node)| keeps(index).then_some(node))
        .collect();
    Ok([before, LIST_BEGINS, &kept, LIST_ENDS, after].concat())
}

/// Copies a folder, except build output and hidden files.
fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "target" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
