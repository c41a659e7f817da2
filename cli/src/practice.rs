//! `zoetrope practice`.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use zoetrope_emulator::{
    FaultScript, FaultScriptError, Practice, PracticeError, Protocol, Settings,
};
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
            ));
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

/// Prints the address of the server, and for people the configuration of its connections.
fn print(printer: &Printer, base_url: &str, key_file: &Path) -> Result<(), PrintError> {
    if printer.json() {
        let answer = json!({ "ok": true, "base_url": base_url, "credential_file": key_file });
        return printer.line(&answer);
    }
    printer.text(&format!("{base_url}\n"))?;
    printer.message("Its results are practice renders, not made by an AI model. Ctrl-C stops it.");
    printer.message(&format!(
        "Its key is in {}. Connections for zoetrope.toml:\n",
        quoted(key_file)
    ));
    for protocol in Protocol::ALL {
        let base_url = protocol.base_url(base_url);
        let said = match protocol.options() {
            None => table(protocol, &base_url, key_file),
            Some(options) => other_protocol(protocol, options),
        };
        printer.message(&said);
    }
    Ok(())
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
    })?;
    text.parse().map_err(|error: FaultScriptError| {
        let (path, line, column) = (path.display(), error.line(), error.column());
        bad(format!("{path}:{line}:{column}: {error}"))
    })
}
