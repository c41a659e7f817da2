//! The size of the component: `cargo bench -p zoetrope-benches --bench size`.
//!
//! The size of a node is the difference to a component without it. Nodes of one provider share
//! code, which counts only for all of them together.

#![expect(clippy::print_stdout, reason = "a benchmark prints its measurements")]

mod crates;
mod parts;
mod scratch;

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_benches::bench::Bench;
use zoetrope_benches::minimal_host::{MinimalHost, compiled_bytes};
use zoetrope_benches::{Failure, INPUT, NODE};
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::{CallContext, Pack};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::policy::Policy;

use crates::Crates;
use parts::Parts;
use scratch::Scratch;

fn main() -> ExitCode {
    Bench::main("size", &[], measure)
}

fn measure(bench: &Bench) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let nodes = runtime.block_on(nodes())?;
    let host = MinimalHost::load(COMPONENT, "http://127.0.0.1:9", "")?;
    let memory = runtime.block_on(host.memory_of_check(NODE, INPUT))?;

    let whole = Figures::of(COMPONENT)?;
    let scratch = Scratch::of(bench.workspace(), &bench.folder("size")?)?;
    let rebuilt = Figures::of(&scratch.built(|_| true)?)?;
    if rebuilt != whole {
        return Err("a second build gave a different component".into());
    }
    let mut rows = Vec::new();
    for (dropped, node) in nodes.iter().enumerate() {
        let built = scratch.built(|index| index != dropped)?;
        rows.push((node.name.clone(), Figures::of(&built)?));
    }
    for category in shared_categories(&nodes) {
        let built = scratch.built(|index| nodes[index].category != category)?;
        rows.push((format!("every node of {category}"), Figures::of(&built)?));
    }

    let named = scratch.named()?;
    let Parts { code, data, .. } = Parts::of(&named)?;
    let crates = Crates::of(&named)?;
    if (code, data) != (whole.parts.code, whole.parts.data) {
        return Err("the build with names has different code".into());
    }
    if crates.sum() != code {
        return Err("the sum by crate does not include all functions".into());
    }

    println!("{}", table(nodes.len(), whole, &rows));
    print!("{}", crates.table(whole.parts.total, data));
    println!("\nlinear memory of an instance after one check: {memory} bytes");
    let added = |(name, without): &(String, Figures)| json!({"name": name, "adds": whole.less(without).to_json()});
    Ok(json!({
        "component": whole.to_json(),
        "parts": rows.iter().map(added).collect::<Vec<Value>>(),
        "crates": crates.to_json(),
        "memory_bytes": memory,
    }))
}

struct Node {
    name: String,
    category: String,
}

/// The nodes, in the component's order.
async fn nodes() -> Result<Vec<Node>, Failure> {
    let engine = Engine::new(EngineSettings::default())?;
    let pack = Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST))?;
    let listed = pack.node_types(&CallContext::offline()).await?;
    let node = |node: zoetrope_host::contract::NodeType| Node {
        name: node.name,
        category: node
            .connection
            .map(|connection| connection.category)
            .unwrap_or_default(),
    };
    Ok(listed.into_iter().map(node).collect())
}

/// The connection categories of more than one node.
fn shared_categories(nodes: &[Node]) -> Vec<&str> {
    let mut shared: Vec<&str> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let category = node.category.as_str();
        let again = nodes[..index]
            .iter()
            .any(|other| other.category == category);
        if again && !shared.contains(&category) {
            shared.push(category);
        }
    }
    shared
}

/// Bytes of a component and of its compiled code.
#[derive(Clone, Copy, PartialEq)]
struct Figures {
    parts: Parts,
    compiled: i64,
}

impl Figures {
    fn of(component: &[u8]) -> Result<Self, Failure> {
        Ok(Self {
            parts: Parts::of(component)?,
            compiled: compiled_bytes(component)?.try_into()?,
        })
    }

    /// The difference to `other`.
    fn less(self, other: &Self) -> Self {
        Self {
            parts: self.parts.less(other.parts),
            compiled: self.compiled - other.compiled,
        }
    }

    fn columns(self) -> [i64; 6] {
        let Parts {
            total,
            code,
            data,
            custom,
        } = self.parts;
        let rest = total - code - data - custom;
        [total, code, data, custom, rest, self.compiled]
    }

    fn to_json(self) -> Value {
        let [total, code, data, custom, rest, compiled] = self.columns();
        json!({
            "total": total, "code": code, "data": data, "custom": custom, "rest": rest,
            "compiled": compiled,
        })
    }
}

fn table(nodes: usize, whole: Figures, rows: &[(String, Figures)]) -> String {
    let mut text = format!("bytes of the component\n  {:<42}", "");
    for column in ["total", "code", "data", "custom", "rest", "compiled"] {
        // Writing to a string cannot fail.
        let _ = write!(text, "{column:>10}");
    }
    let mut row = |name: &str, figures: Figures| {
        let _ = write!(text, "\n  {name:<42}");
        for bytes in figures.columns() {
            let _ = write!(text, "{bytes:>10}");
        }
    };
    row(&format!("all {nodes} nodes"), whole);
    for (name, without) in rows {
        row(&format!("+ {name}"), whole.less(without));
    }
    text.push('\n');
    text
}
