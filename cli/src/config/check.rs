//! `zoetrope config check`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use zoetrope_host::component::CallContext;
use zoetrope_host::config::{
    Config, ConfigFile, Place, Problem, check, check_categories, check_options, option_problem,
};
use zoetrope_host::contract::NodeType;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::sanitize::escaped_path;

use super::rules;
use crate::args::config::Check;
use crate::configuration::bad;
use crate::context::{Context, built_in_pack};
use crate::report::{Failure, Phase};

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let file = self.file(context)?;
        let mut problems = check(file.text(), file.path());
        let pack = built_in_pack(&context.engine()?)?;
        let nodes = pack.node_types(&CallContext::offline()).await;
        let nodes = nodes.map_err(|error| Failure::of_call(error, Phase::Setup))?;
        let schemas = schemas(&nodes);
        let config = Config::of(&file);
        let mut known = context.categories(config.as_ref().unwrap_or(&Config::default()));
        known.extend(schemas.keys().cloned());
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        let mut unused = check_categories(file.text(), &known);
        if config.is_err() {
            // Which packs are allowed is not known: another category may be that of one.
            unused.retain(|problem| problem.did_you_mean.is_some());
        }
        problems.extend(unused);
        let schema_of = |category: &str| schemas.get(category).cloned();
        problems.extend(check_options(file.text(), &schema_of));
        if let (Ok(config), []) = (&config, &problems[..]) {
            let found = rules::broken(config, &pack, &nodes).await;
            let found = found.into_iter();
            problems.extend(found.map(|(id, message)| option_problem(file.text(), &id, &message)));
        }
        problems.sort();
        let (printer, path) = (context.printer(), escaped_path(file.path()));
        if problems.is_empty() {
            let answer = json!({ "ok": true, "file": path, "problems": [] });
            let is_empty = config.is_ok_and(|config| config.connections().next().is_none());
            let more = if is_empty {
                "; it configures no connection"
            } else {
                ""
            };
            printer.answer(&answer, &format!("{path}: no problem{more}"))?;
            return Ok(ExitCode::SUCCESS);
        }
        if !printer.json() {
            let lines = problems.iter().map(|problem| line(&path, problem));
            printer.text(&lines.collect::<String>())?;
        }
        let message = match problems.len() {
            1 => format!("the configuration `{path}` has a problem"),
            count => format!("the configuration `{path}` has {count} problems"),
        };
        let more = json!({ "file": path, "problems": problems });
        let more = more.as_object().cloned().unwrap_or_else(Map::new);
        Err(Failure::new(ErrorKind::BadConfig, Phase::Setup, message)
            .of_job(more)
            .then("Correct the configuration, then run the same command again".into()))
    }

    /// The named file, else the one in use. It is only read, so it need not be trusted.
    fn file(&self, context: &Context) -> Result<ConfigFile, Failure> {
        if let Some(path) = &self.file {
            return ConfigFile::read(path).map_err(|error| bad(&error));
        }
        let places = context.configuration().places();
        for place in Place::ALL {
            let Some(path) = places.file(place) else {
                continue;
            };
            let read = match place {
                Place::WorkingDirectory => ConfigFile::read_found(&path),
                _ => ConfigFile::read(&path),
            };
            let is_named = matches!(place, Place::Option | Place::Variable);
            match read {
                Err(error) if error.is_missing() && !is_named => {}
                read => {
                    return read.map_err(|error| context.configuration().unreadable(&error));
                }
            }
        }
        let message = "there is no configuration file; the practice provider serves every run";
        Err(Failure::usage(message).then("Create one: zoetrope config init".into()))
    }
}

/// The schemas of options by category.
fn schemas(nodes: &[NodeType]) -> BTreeMap<String, Value> {
    let requirements = nodes.iter().filter_map(|node| node.connection.as_ref());
    let schemas = requirements.map(|requirement| {
        let schema = serde_json::from_str(&requirement.options_schema).unwrap_or_default();
        (requirement.category.clone(), schema)
    });
    schemas.collect()
}

fn line(path: &str, problem: &Problem) -> String {
    let Problem {
        line,
        column,
        message,
        ..
    } = problem;
    let near = problem.did_you_mean.as_deref();
    let near = near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    format!("{path}:{line}:{column}: {message}{near}\n")
}
