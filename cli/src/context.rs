//! The parts that commands share. Each is made when it is first used.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use directories::ProjectDirs;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::OnceCell;
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_emulator::{FetchPicture, SharedPractice};
use zoetrope_host::component::{CallContext, Pack, PackError};
use zoetrope_host::config::{Config, Places, is_inherited};
use zoetrope_host::contract::NodeType;
use zoetrope_host::driver::{Driver, Listener};
use zoetrope_host::egress::{AddressRule, Egress};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::external_command::ExternalCommand;
use zoetrope_host::jobs::{self, CODE_FOLDER, Jobs};
use zoetrope_host::ledger::{Job, Ledger};
use zoetrope_host::policy::{NotAllowed, Policy};
use zoetrope_host::rights::restrict;
use zoetrope_host::sanitize::escaped_path;
use zoetrope_host::trace::Caller;

use super::args::Global;
use super::configuration::Configuration;
use super::data_dir::no_folder;
use super::end_hooks::EndHooks;
use super::logging;
use super::notes::{Note, Notes};
use super::practice_jobs::is_practice;
use super::printer::{PrintError, Printer};
use super::report::{
    Failure, Phase, Solutions, closing_line, next_step, of_driver, of_jobs, of_ledger,
};
use super::shell::quoted;

/// The next step where there is no data directory.
const NAME_DATA_DIR: &str = "Name a data directory: --data-dir DIR";

/// The largest component file that is read, in bytes: about a hundred times the built-in one.
const COMPONENT_LIMIT: u64 = 64 << 20;

pub(super) struct Context {
    global: Global,
    printer: Printer,
    egress: OnceCell<Egress>,
    configuration: Configuration,
    /// The component and its bytes.
    pack: OnceCell<(Pack, Cow<'static, [u8]>)>,
    pub(super) practice: OnceCell<SharedPractice>,
    /// The id of the connection that serves this command, once it was printed.
    pub(super) choice: OnceLock<String>,
    /// The parent trace of this process.
    caller: Option<Caller>,
    notes: Notes,
    /// Whether the command shows only its plan: it makes no folder.
    plans: OnceLock<()>,
    /// The command of `--exec`.
    exec: OnceLock<ExternalCommand>,
    end_hooks: OnceLock<EndHooks>,
    /// When the command began.
    started: Instant,
}

impl Context {
    pub(super) fn new(global: Global, printer: Printer) -> Self {
        let user_dir = ProjectDirs::from("", "", "zoetrope");
        let user_dir = user_dir.map(|folders| folders.config_dir().to_owned());
        let places = Places::of_process(global.config.clone(), user_dir);
        Self {
            global,
            printer,
            egress: OnceCell::new(),
            configuration: Configuration::new(places),
            pack: OnceCell::new(),
            practice: OnceCell::new(),
            choice: OnceLock::new(),
            caller: logging::caller(),
            notes: Notes::default(),
            plans: OnceLock::new(),
            exec: OnceLock::new(),
            end_hooks: OnceLock::new(),
            started: Instant::now(),
        }
    }

    pub(super) fn json(&self) -> bool {
        self.printer.json()
    }

    pub(super) fn printer(&self) -> &Printer {
        &self.printer
    }

    /// Prints a note, unless it was printed before.
    pub(super) fn note(&self, note: &Note) {
        if self.notes.add(note) {
            self.printer.info(&note.text());
        }
    }

    /// Prints a note as a warning, unless it was printed before.
    pub(super) fn warn(&self, message: String) {
        let note = Note::new(message);
        if self.notes.add(&note) {
            self.printer.message(&format!("warning: {}", note.message));
        }
    }

    /// Prints notes about no field of the input.
    pub(super) fn note_all(&self, messages: impl IntoIterator<Item = String>) {
        for message in messages {
            self.note(&Note::new(message));
        }
    }

    /// The notes so far.
    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Prints an answer as JSON with the notes so far, or as text.
    pub(super) fn answer(&self, document: &Value, text: &str) -> Result<(), PrintError> {
        let mut document = document.clone();
        self.notes.put_into(&mut document);
        self.printer.answer(&document, text)
    }

    /// Prints an answer as JSON with the notes so far, or the paths of its files.
    pub(super) fn answer_files(
        &self,
        document: &Value,
        files: &[PathBuf],
    ) -> Result<(), PrintError> {
        if self.json() {
            self.answer(document, "")
        } else {
            self.printer.paths(files)
        }
    }

    /// Prints the last line about a job that has its result, for people.
    pub(super) fn close(&self, job: &Job) {
        if !self.json() {
            let line = closing_line(job, is_practice(job), self.started.elapsed());
            self.printer.info(&line);
        }
    }

    pub(super) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The global options to repeat in a suggested command, each with a space before it.
    pub(super) fn options(&self) -> String {
        let component = shown("--component", self.global.component.as_ref());
        format!("{}{component}", self.options_without_component())
    }

    fn options_without_component(&self) -> String {
        let config = shown("--config", self.global.config.as_ref());
        let data_dir = self.global.data_dir.as_ref();
        // The environment gives it to the suggested command as well.
        let data_dir = data_dir.filter(|_| !self.global.has_data_dir_of_environment);
        let data_dir = shown("--data-dir", data_dir);
        format!("{config}{data_dir}")
    }

    pub(super) async fn config(&self) -> Result<&Config, Failure> {
        self.configuration.config().await
    }

    /// Notes once that the file of the working directory is not used, if it is not.
    pub(super) async fn note_unused_config(&self) {
        self.configuration.note(&self.printer).await;
    }

    /// The egress, with the network settings of the configuration and the environment.
    pub(super) async fn egress(&self) -> Result<&Egress, Failure> {
        let make = async || {
            let network = self.config().await?.network();
            Egress::for_network(network).map_err(|error| {
                let message = format!("{}; nothing was sent", chain(&error));
                let next = "Correct the setting, then run the same command again";
                Failure::new(ErrorKind::BadConfig, Phase::Setup, message).then(next.into())
            })
        };
        self.egress.get_or_try_init(make).await
    }

    /// The component: the one of `--component`, else the built-in one.
    pub(super) async fn pack(&self) -> Result<&Pack, Failure> {
        let (pack, _) = self.loaded().await?;
        Ok(pack)
    }

    /// Makes no data directory: the command shows only its plan.
    pub(super) fn makes_no_folder(&self) {
        let _ = self.plans.set(());
    }

    async fn loaded(&self) -> Result<&(Pack, Cow<'static, [u8]>), Failure> {
        self.pack.get_or_try_init(|| self.load()).await
    }

    async fn load(&self) -> Result<(Pack, Cow<'static, [u8]>), Failure> {
        let policy = self.config().await?.policy();
        let engine = match self.plans.get() {
            Some(()) => self.engine_that_makes_no_folder()?,
            None => self.engine()?,
        };
        match &self.global.component {
            None => Ok((built_in(&engine, policy)?, COMPONENT.into())),
            Some(path) => {
                let bytes = read_component(path)?;
                match Pack::load(&engine, &bytes, policy) {
                    Ok(pack) => Ok((pack, bytes.into())),
                    Err(PackError::NotAllowed(refused)) => {
                        // The file that is not trusted may allow it.
                        self.configuration
                            .trusted("no other file allows the component")
                            .await?;
                        Err(self.not_allowed(path, &refused))
                    }
                    Err(error) if error.lacks_memory() => Err(not_loaded(&error)),
                    Err(error) => Err(bad_component(path, &chain(&error))),
                }
            }
        }
    }

    /// An engine that keeps compiled code in the data directory.
    pub(crate) fn engine(&self) -> Result<Engine, Failure> {
        let data_dir = self.data_dir().ok();
        // Code that others may have put there is not run.
        if let Some(data_dir) = &data_dir {
            self.make_private(data_dir);
        }
        Self::engine_with(data_dir)
    }

    /// An engine that keeps compiled code in the data directory, if that exists.
    pub(crate) fn engine_that_makes_no_folder(&self) -> Result<Engine, Failure> {
        let data_dir = self.data_dir().ok().filter(|folder| folder.is_dir());
        // Code that others may have put there is not run.
        if let Some(data_dir) = &data_dir {
            let _ = restrict(data_dir);
        }
        Self::engine_with(data_dir)
    }

    fn engine_with(data_dir: Option<PathBuf>) -> Result<Engine, Failure> {
        let settings = EngineSettings {
            cache_dir: data_dir.map(|folder| folder.join(CODE_FOLDER)),
            ..EngineSettings::default()
        };
        Engine::new(settings).map_err(|error| Failure::internal(Phase::Setup, chain(&error)))
    }

    fn not_allowed(&self, path: &Path, refused: &NotAllowed) -> Failure {
        let more = refused.more.as_ref().is_some_and(|more| !more.is_empty());
        let next = next_step::allow_pack(path, more, &self.options_without_component());
        Failure::new(ErrorKind::Denied, Phase::Setup, refused.to_string()).then(next)
    }

    pub(super) async fn node_types(&self) -> Result<Vec<NodeType>, Failure> {
        let listed = self.pack().await?.node_types(&CallContext::offline()).await;
        listed.map_err(|error| Failure::of_call(error, Phase::Setup))
    }

    /// The node type of this name.
    pub(super) async fn node_type(&self, name: &str) -> Result<NodeType, Failure> {
        let found = jobs::node_type(self.pack().await?, name).await;
        found.map_err(|error| of_jobs(error, &self.options()))
    }

    /// The documented solutions of the providers' errors; none if the component cannot be listed.
    pub(super) async fn solutions(&self) -> Solutions<'_> {
        let nodes = self.node_types().await.unwrap_or_default();
        Solutions::new(nodes, self.config().await.ok(), self.options())
    }

    pub(super) fn practice_dir(&self) -> Result<PathBuf, Failure> {
        let data_dir = self.data_dir()?;
        self.make_private(&data_dir);
        Ok(data_dir.join("practice"))
    }

    /// Takes the rights of other users from the data directory, and notes once what is left open.
    fn make_private(&self, data_dir: &Path) {
        let open = restrict(data_dir).into_iter();
        self.note_all(open.map(|place| {
            let path = escaped_path(&place.path);
            format!(
                "other users can read `{path}`, and prompts with it: {}; a folder of your own is \
                 named by --data-dir DIR",
                place.why
            )
        }));
    }

    /// The practice provider's client for picture URLs.
    pub(super) async fn picture_fetcher(&self) -> Result<Arc<dyn FetchPicture>, Failure> {
        Ok(Arc::new(EgressFetcher(self.egress().await?.clone())))
    }

    /// The ledger of the data directory.
    pub(super) fn ledger(&self) -> Result<Arc<Ledger>, Failure> {
        let data_dir = self.data_dir()?;
        self.make_private(&data_dir);
        let ledger = Ledger::open(&data_dir);
        ledger
            .map(Arc::new)
            .map_err(|error| of_ledger(&error, &self.options()))
    }

    /// The jobs of the data directory, and a driver for them.
    pub(super) async fn jobs(self: &Arc<Self>, listener: Listener) -> Result<Jobs, Failure> {
        let (data_dir, ledger) = (self.data_dir()?, self.ledger()?);
        let (pack, component) = self.loaded().await?;
        self.start_end_hooks(&ledger).await?;
        let driver = Driver::builder(&data_dir, pack, Arc::clone(self) as _)
            .ledger(ledger)
            .policy(self.config().await?.policy())
            .egress(self.egress().await?)
            .listener(listener)
            .caller(self.caller.clone())
            .build()
            .map_err(|error| of_driver(&error, &self.options()))?;
        Ok(Jobs::new(driver, component.clone()))
    }

    /// Runs this command at the ends of the jobs that this process makes.
    pub(super) fn run_at_ends(&self, command: Option<ExternalCommand>) {
        if let Some(command) = command {
            let _ = self.exec.set(command);
        }
    }

    /// Runs the commands of jobs that end from now on, and of those that are due.
    async fn start_end_hooks(&self, ledger: &Arc<Ledger>) -> Result<(), Failure> {
        let (config, data_dir) = (self.config().await?, self.data_dir()?);
        if let Some(command) = config.on_end() {
            ledger.run_at_ends(command.clone());
        }
        if let Some(command) = self.exec.get() {
            ledger.run_at_ends_of_new_jobs(command.clone());
        }
        let (ledger, printer) = (Arc::clone(ledger), self.printer.clone());
        self.end_hooks
            .get_or_init(|| EndHooks::start(ledger, config, data_dir, printer));
        Ok(())
    }

    /// Waits for the commands of jobs that have ended, for a limited time.
    pub(super) async fn end_hooks(&self, is_interrupted: bool) {
        if let Some(hooks) = self.end_hooks.get() {
            hooks.end(is_interrupted).await;
        }
    }

    /// The directory of the ledger, the results and everything else that is kept. It may not exist
    /// yet.
    pub(super) fn data_dir(&self) -> Result<PathBuf, Failure> {
        let folder = self.named_data_dir()?;
        no_folder(&folder).map_or(Ok(folder), Err)
    }

    /// The same, also if something else is in its place.
    pub(super) fn named_data_dir(&self) -> Result<PathBuf, Failure> {
        data_dir_of(self.global.data_dir.clone())
    }
}

/// The data directory: the named one, else the user's own.
pub(super) fn data_dir_of(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let folder = match named {
        Some(folder) => folder,
        None => ProjectDirs::from("", "", "zoetrope")
            .map(|folders| folders.data_dir().to_owned())
            .filter(|folder| folder.is_absolute())
            .ok_or_else(no_home)?,
    };
    std::path::absolute(&folder).map_err(|error| {
        Failure::usage(format!("`{}`: {error}", folder.display())).then(NAME_DATA_DIR.into())
    })
}

fn no_home() -> Failure {
    Failure::usage("there is no home directory for the data directory").then(NAME_DATA_DIR.into())
}

/// The node types of the built-in component: one call of it.
pub(super) async fn built_in_node_types(engine: &Engine) -> Result<Vec<NodeType>, Failure> {
    let pack = built_in_pack(engine)?;
    let listed = pack.node_types(&CallContext::offline()).await;
    listed.map_err(|error| Failure::of_call(error, Phase::Setup))
}

/// The built-in component, whatever the configuration is.
pub(super) fn built_in_pack(engine: &Engine) -> Result<Pack, Failure> {
    let config = Config::default().trusting(DIGEST);
    built_in(engine, config.policy())
}

fn built_in(engine: &Engine, policy: &Policy) -> Result<Pack, Failure> {
    Pack::load(engine, COMPONENT, policy).map_err(|error| not_loaded(&error))
}

/// The failure of a component that is in order.
fn not_loaded(error: &PackError) -> Failure {
    let failure = Failure::internal(Phase::Setup, chain(error));
    if error.lacks_memory() {
        let next =
            "Raise the limit of the address space (ulimit -v), then run the same command again";
        return failure.then(next.into());
    }
    failure
}

pub(super) fn read_component(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| bad_component(path, &error.to_string());
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > COMPONENT_LIMIT {
        let why = format!("it has {length} bytes; the limit is {COMPONENT_LIMIT}");
        return Err(bad_component(path, &why));
    }
    std::fs::read(path).map_err(unreadable)
}

pub(super) fn bad_component(path: &Path, why: &str) -> Failure {
    let message = format!("`{}` cannot be loaded: {why}", path.display());
    Failure::new(ErrorKind::BadComponent, Phase::Setup, message)
        .then("Name a WebAssembly component, or omit --component to use the built-in one".into())
}

struct EgressFetcher(Egress);

impl FetchPicture for EgressFetcher {
    fn fetch(&self, url: String, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(async move {
            let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
            let fetched = self.0.fetch_bytes(&url, AddressRule::PUBLIC, limit).await;
            fetched
                .map(|fetched| fetched.bytes)
                .map_err(|error| chain(&error))
        })
    }
}

/// An option with its path, made absolute; empty without a path. The `/dev/fd/63` of a shell's `<(…)`
/// is not there any more when the command runs: the word `FILE` is in its place.
fn shown(name: &str, path: Option<&PathBuf>) -> String {
    if path.is_some_and(|path| is_inherited(path)) {
        return format!(" {name} FILE");
    }
    let path = path.and_then(|path| std::path::absolute(path).ok());
    path.map_or_else(String::new, |path| format!(" {name} {}", quoted(&path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipe_of_the_shell_is_not_repeated_in_a_suggested_command() {
        let option = |path: &str| shown("--config", Some(&path.into()));
        for pipe in ["/dev/fd/63", "/proc/self/fd/3", "/dev/stdin"] {
            assert_eq!(option(pipe), " --config FILE");
        }
        assert!(option("/etc/a b.toml").ends_with("a b.toml'"));
        assert_eq!(shown("--config", None), "");
    }
}
