//! `zoetrope practice`.

use std::io::{IsTerminal as _, stdout};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use zoetrope_emulator::{
    FaultScript, FaultScriptError, Practice, PracticeError, Protocol, Settings,
};
use zoetrope_host::config::CONFIG_FILE;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::text_file;

use super::args::PracticeServer;
use super::context::Context;
use super::interrupts::Interrupts;
use super::printer::{PrintError, Printer};
use super::report::{Failure, Phase};
use super::shell::quoted;

impl PracticeServer {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        if !self.listen.ip().is_loopback() {
            return Err(Failure::usage(
                "--listen: the practice provider listens on loopback addresses only",
            )
            .then("Use a loopback address: --listen 127.0.0.1:0".into()));
        }
        let faults = self.faults.as_deref().map(read_faults).transpose()?;
        let folder = context.practice_dir()?;
        let mut settings = Settings::new(&folder);
        settings.listen = self.listen;
        settings.fetcher = Some(context.picture_fetcher().await?);
        settings.queue_time = self.queue_time;
        settings.instant = self.instant;
        settings.faults = faults.unwrap_or_default();
        let practice = Practice::start(settings)
            .await
            .map_err(|error| not_started(&error))?;
        let mut interrupts = Interrupts::listen();
        let (printer, base_url) = (context.printer().clone(), practice.base_url());
        let key_file = folder.join("key");
        // On a thread of its own: the output may not be read, and the server works all the same.
        let answer = move || print(&printer, &base_url, &key_file);
        let answered = tokio::select! {
            answered = tokio::task::spawn_blocking(answer) => answered.unwrap_or(Ok(())),
            _ = interrupts.next() => {
                practice.shutdown().await;
                return Ok(ExitCode::SUCCESS);
            }
        };
        if answered.is_ok() {
            interrupts.next().await;
        }
        practice.shutdown().await;
        answered?;
        Ok(ExitCode::SUCCESS)
    }
}

fn not_started(error: &PracticeError) -> Failure {
    let message = format!("the practice provider cannot be started: {}", chain(error));
    match error {
        PracticeError::InUse { base_url } => Failure::usage(message).then(format!(
            "Use the server at {base_url}. If it does not answer, its process may be stopped: \
                 continue or end that process, or use another --data-dir"
        )),
        PracticeError::AddressUnknown { .. } => Failure::usage(message).then(
            "Continue or end the process that has locked the folder, or use another --data-dir"
                .into(),
        ),
        _ => Failure::internal(Phase::Setup, message),
    }
}

/// Prints the configuration of the connections to standard output, and the rest to standard error.
fn print(printer: &Printer, base_url: &str, key_file: &Path) -> Result<(), PrintError> {
    let config = config(base_url, key_file);
    if printer.json() {
        let answer = json!({
            "ok": true,
            "base_url": base_url,
            "credential_file": key_file,
            "config": config,
        });
        return printer.line(&answer);
    }
    printer.info(&format!(
        "The practice provider listens at {base_url}. Its key is in {}.\n\
         Its results are practice renders, not made by an AI model. Ctrl-C stops it.",
        quoted(key_file)
    ));
    if stdout().is_terminal() {
        printer.message("Connections for zoetrope.toml:");
    } else {
        printer.message("Its connections are written to standard output.");
    }
    printer.text(&config)?;
    if !stdout().is_terminal() && Path::new(CONFIG_FILE).is_file() {
        printer.message("To use them in this folder: zoetrope trust");
    }
    Ok(())
}

/// The configuration of the connections, as a `zoetrope.toml`.
fn config(base_url: &str, key_file: &Path) -> String {
    let mut config = String::from("# Connections to the practice provider of Zoetrope\n");
    for protocol in Protocol::ALL {
        let base_url = protocol.base_url(base_url);
        config.push('\n');
        config.push_str(&match protocol.options() {
            None => table(protocol, &base_url, key_file),
            Some(options) => other_protocol(protocol, options),
        });
    }
    config
}

/// The configuration of a connection to the practice provider.
fn table(protocol: Protocol, base_url: &str, key_file: &Path) -> String {
    let category = protocol.category();
    // A configuration is UTF-8; the key of another path is put into a variable.
    let credential = key_file.to_str().map_or_else(
        || "env = \"PRACTICE_API_KEY\"".to_owned(),
        |path| format!("file = {}", toml::Value::from(path)),
    );
    let idempotency = if protocol.honours_keys() {
        "idempotency = \"24h\"\n"
    } else {
        ""
    };
    format!(
        "[connections.practice_{category}]\ncategory = \"{category}\"\nbase_url = \"{base_url}\"\n\
         credential = {{ {credential} }}\n{idempotency}"
    )
}

/// A comment for the configuration: how a connection of the same category speaks this protocol.
fn other_protocol(protocol: Protocol, options: &str) -> String {
    let category = protocol.category();
    format!(
        "# For AgenticFlow's API, replace `idempotency` in practice_{category} by:\n\
         # options = {options}\n"
    )
}

fn read_faults(path: &Path) -> Result<FaultScript, Failure> {
    let bad = |message: String| {
        Failure::new(ErrorKind::BadConfig, Phase::Setup, message)
            .then("Correct the fault script, then run the same command again".into())
    };
    let text = text_file::read(path).map_err(|error| {
        let path = path.display();
        bad(format!("the fault script `{path}` cannot be read: {error}"))
            .then("Name a fault script that exists and can be read with --faults".into())
    })?;
    text.parse().map_err(|error: FaultScriptError| {
        let (path, line, column) = (path.display(), error.line(), error.column());
        bad(format!("{path}:{line}:{column}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_toml_with_a_connection_for_each_category() {
        let text = config("http://127.0.0.1:8791", Path::new("/a folder/key"));
        let parsed: toml::Table = text.parse().expect("TOML");
        let connections = parsed["connections"].as_table().expect("connections");
        let categories = connections.values().map(|table| table["category"].as_str());
        let categories: Vec<_> = categories.flatten().collect();
        assert_eq!(categories, ["pixelml", "popiart", "shortapi"]);
        let file = connections["practice_pixelml"]["credential"]["file"].as_str();
        assert_eq!(file, Some("/a folder/key"));
    }
}
