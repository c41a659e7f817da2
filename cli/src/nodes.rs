//! `zoetrope nodes`.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::value::RawValue;
use zoetrope_host::contract::NodeType;
use zoetrope_host::error::ErrorKind;

use super::args::{Nodes, Schema};
use super::context::Context;
use super::report::{Failure, Phase};
use super::shell::quoted_text;

/// The widest column of names. A longer name shifts only its own line.
const WIDEST: usize = 40;

impl Nodes {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let types = match &self.name {
            Some(name) => vec![context.node_type(name).await?],
            None => context.node_types().await?,
        };
        if context.json() {
            let listed: Result<Vec<_>, _> = types.iter().map(Listed::new).collect();
            let listed = listed
                .and_then(|listed| serde_json::to_string(&listed))
                .map_err(|error| {
                    Failure::new(
                        ErrorKind::BadComponent,
                        Phase::Setup,
                        format!("a schema of the component is not JSON: {error}"),
                    )
                })?;
            context.printer().data(&format!("{listed}\n"))?;
        } else {
            context.printer().text(&self.shown(&types))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn shown(&self, types: &[NodeType]) -> String {
        match (self.schema, types) {
            (Some(Schema::Input), [node]) => node.input_schema.clone(),
            (Some(Schema::Output), [node]) => node.output_schema.clone(),
            _ if self.name.is_some() => types.iter().map(details).collect(),
            _ => {
                let widths = types.iter().map(|node| node.name.chars().count());
                let width = widths.max().unwrap_or(0).min(WIDEST);
                let rows = types
                    .iter()
                    .map(|node| format!("{:width$}  {}\n", node.name, node.description));
                rows.collect()
            }
        }
    }
}

fn details(node: &NodeType) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "{}  (version {})\n{}\n{}\n",
        node.name, node.version, node.title, node.description
    );
    if let Some(connection) = &node.connection {
        let _ = write!(
            text,
            "\nConnection: {} (category `{}`)\n",
            connection.title, connection.category
        );
    }
    for (title, schema) in [
        ("Input", &node.input_schema),
        ("Output", &node.output_schema),
    ] {
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap_or_default();
        let _ = write!(text, "\n{title}:\n");
        let required = |name: &str| {
            schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|known| known == name))
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let state = match property.get("default") {
                _ if required(name) => "required".to_owned(),
                Some(default) => format!("default {default}"),
                None => "optional".to_owned(),
            };
            let description = property["description"].as_str().unwrap_or_default();
            let _ = writeln!(text, "  {name:16} {state}: {description}");
        }
    }
    let _ = write!(
        text,
        "\nSchemas: zoetrope nodes {} --schema input|output\n",
        quoted_text(&node.name)
    );
    text
}

/// A node type in the form of AgenticFlow (`NodeType` of its OpenAPI description). `cost` is
/// omitted, since the provider sets the price.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    name: &'a str,
    title: &'a str,
    description: &'a str,
    scope: &'static str,
    categories: [&'static str; 0],
    connection: Option<ListedConnection<'a>>,
    pml_cost: Option<f64>,
    input_schema: &'a RawValue,
    output_schema: &'a RawValue,
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
            pml_cost: None,
            input_schema: serde_json::from_str(&node.input_schema)?,
            output_schema: serde_json::from_str(&node.output_schema)?,
        })
    }
}
