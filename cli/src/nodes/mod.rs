//! `zoetrope nodes`.

mod list;
mod page;

use std::process::ExitCode;

use serde::Serialize;
use serde_json::value::RawValue;
use zoetrope_host::catalog::InputSchema;
use zoetrope_host::contract::NodeType;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::json::compact;

use crate::args::{Nodes, Schema};
use crate::context::Context;
use crate::report::{Failure, Phase};

impl Nodes {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let types = match &self.name {
            Some(name) => vec![context.node_type(name).await?],
            None => context.node_types().await?,
        };
        if context.json() && self.schema.is_some() {
            let schema = compact(&self.shown(&types)?);
            context.printer().documents(&format!("{schema}\n"))?;
        } else if context.json() {
            let listed: Result<Vec<_>, _> = types.iter().map(Listed::new).collect();
            let listed = listed.and_then(|listed| serde_json::to_string(&listed));
            let listed = listed.map_err(|error| not_json(&error))?;
            context.printer().documents(&format!("{listed}\n"))?;
        } else if self.schema.is_some() {
            context.printer().documents(&self.shown(&types)?)?;
        } else {
            context.printer().text(&self.shown(&types)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn shown(&self, types: &[NodeType]) -> Result<String, Failure> {
        Ok(match (self.schema, types) {
            (Some(Schema::Input), [node]) => node.input_schema.clone(),
            (Some(Schema::Output), [node]) => node.output_schema.clone(),
            (Some(Schema::Rules), [node]) => node.rules.clone(),
            (Some(Schema::Form), [node]) => {
                let schema = InputSchema::of(node).map_err(|error| not_json(&error))?;
                let text = serde_json::to_string_pretty(&schema);
                text.map_err(|error| not_json(&error))? + "\n"
            }
            (None, [node]) if self.name.is_some() => {
                page::page(node, columns()).map_err(|error| not_json(&error))?
            }
            _ => list::list(types, columns()),
        })
    }
}

/// The widest text. Longer lines are harder to read.
const WIDEST: usize = 100;

/// The columns of text where standard output is not a terminal.
const COLUMNS: usize = 80;

/// The columns of standard output.
fn columns() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let columns = size.map(|(terminal_size::Width(columns), _)| usize::from(columns));
    columns.map_or(COLUMNS, |columns| columns.clamp(20, WIDEST))
}

fn not_json(error: &serde_json::Error) -> Failure {
    let message = format!("a schema of the component is not JSON: {error}");
    Failure::new(ErrorKind::BadComponent, Phase::Setup, message)
}

/// A node type in the form of AgenticFlow (`NodeType` of its OpenAPI description). The platform
/// charges nothing for a run here, so `cost` is 0; its default there is 4. A provider's own
/// price is in `extensions`.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    name: &'a str,
    title: &'a str,
    description: &'a str,
    scope: &'static str,
    categories: [&'static str; 0],
    connection: Option<ListedConnection<'a>>,
    cost: u8,
    pml_cost: Option<f64>,
    input_schema: InputSchema,
    output_schema: Box<RawValue>,
    extensions: Box<RawValue>,
}

#[derive(Serialize)]
struct ListedConnection<'a> {
    name: &'a str,
    description: &'a str,
    required: bool,
    connection_category: &'a str,
}

impl<'a> Listed<'a> {
    fn new(node: &'a NodeType) -> serde_json::Result<Self> {
        Ok(Self {
            id: &node.name,
            name: &node.name,
            title: &node.title,
            description: &node.description,
            scope: "public",
            categories: [],
            connection: node.connection.as_ref().map(|connection| ListedConnection {
                name: &connection.title,
                description: &connection.description,
                required: connection.required,
                connection_category: &connection.category,
            }),
            cost: 0,
            pml_cost: None,
            input_schema: InputSchema::of(node)?,
            output_schema: RawValue::from_string(compact(&node.output_schema))?,
            extensions: RawValue::from_string(compact(&node.extensions))?,
        })
    }
}
