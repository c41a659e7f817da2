//! `zoetrope config check`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use zoetrope_host::config::{ConfigFile, Place, Problem, check, check_categories, check_options};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::sanitize::escaped_path;

use crate::args::config::Check;
use crate::configuration::bad;
use crate::context::Context;
use crate::report::{Failure, Phase};

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let file = self.file(context)?;
        let mut problems = check(file.text(), file.path());
        let schemas = schemas(context).await?;
        let known: Vec<_> = schemas.keys().map(String::as_str).collect();
        problems.extend(check_categories(file.text(), &known));
        let schema_of = |category: &str| schemas.get(category).cloned();
        problems.extend(check_options(file.text(), &schema_of));
        problems.sort();
        let (printer, path) = (context.printer(), escaped_path(file.path()));
        if problems.is_empty() {
            let answer = json!({ "ok": true, "file": path, "problems": [] });
            printer.answer(&answer, &format!("{path}: no problem"))?;
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
        let own: Option<PathBuf> = places.file(Place::User);
        let own = own.map_or_else(String::new, |path| {
            format!(", not even `{}`", escaped_path(&path))
        });
        Err(
            Failure::usage(format!("there is no configuration to check{own}"))
                .then("Create one: zoetrope config init".into()),
        )
    }
}

/// The schemas of options by category, of the built-in nodes. The configuration in use may have
/// problems itself.
async fn schemas(context: &Context) -> Result<BTreeMap<String, Value>, Failure> {
    let nodes = context.built_in_node_types().await?;
    let requirements = nodes.into_iter().filter_map(|node| node.connection);
    let schemas = requirements.map(|requirement| {
        let schema = serde_json::from_str(&requirement.options_schema).unwrap_or_default();
        (requirement.category, schema)
    });
    Ok(schemas.collect())
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
