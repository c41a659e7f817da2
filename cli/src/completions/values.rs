//! The values that arguments can have on this machine.
//!
//! A value that cannot be found is no error: the shell then has fewer candidates.

use std::env;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap_complete::CompletionCandidate;
use directories::ProjectDirs;
use zoetrope_host::config::{Config, Located, Places};
use zoetrope_host::ledger::newest_jobs;

use crate::args::environment;
use crate::configuration::PRACTICE;
use crate::context::data_dir_of;

/// The most jobs that are offered.
const MOST_JOBS: u32 = 100;

/// The node types of the built-in component. Its list would need an engine; a test compares them.
const NODES: [(&str, &str); 5] = [
    ("image_to_video", "PixelML: a clip from a picture"),
    (
        "image_to_video_v3",
        "PixelML: a clip from a picture, version 3",
    ),
    (
        "popiskill-image-img2img-basic-v1",
        "PopiArt: a picture from a picture",
    ),
    (
        "popiskill-video-image2video-basic-v1",
        "PopiArt: a clip from a picture",
    ),
    ("shortapi", "ShortAPI: a clip from a picture"),
];

/// The node types of the built-in component.
pub(crate) fn nodes() -> Vec<CompletionCandidate> {
    NODES.map(|(name, about)| candidate(name, about)).into()
}

/// The newest jobs, the newest first.
pub(crate) fn jobs() -> Vec<CompletionCandidate> {
    let Some(folder) = data_dir() else {
        return Vec::new();
    };
    let newest = newest_jobs(&folder, MOST_JOBS).into_iter();
    let newest = newest.map(|job| candidate(&job.id, &format!("{}, {}", job.state, job.node)));
    let newest = newest.enumerate().map(|(place, job)| {
        // Shells sort by name unless they are given an order.
        job.display_order(Some(place))
    });
    newest.collect()
}

/// The connections of the configuration that a command would use here.
pub(crate) fn connections() -> Vec<CompletionCandidate> {
    let practice = candidate(PRACTICE, "the practice provider on this machine");
    let configured = config();
    let configured = configured.iter().flat_map(Config::connections);
    let configured =
        configured.map(|connection| candidate(connection.id().as_str(), connection.category()));
    configured.chain([practice]).collect()
}

/// The names of the allowed packs.
pub(crate) fn packs() -> Vec<CompletionCandidate> {
    let config = config();
    let grants = config.iter().flat_map(|config| config.policy().grants());
    let grants = grants.map(|(digest, grant)| candidate(&grant.name, &digest.to_string()));
    grants.collect()
}

/// The configuration of the command that is completed; none if it is not trusted.
fn config() -> Option<Config> {
    let user_dir = ProjectDirs::from("", "", "zoetrope");
    let user_dir = user_dir.map(|folders| folders.config_dir().to_owned());
    let places = Places::of_process(option("--config").map(PathBuf::from), user_dir);
    match places.locate().ok()? {
        Located::File { file, .. } => Config::of(&file).ok(),
        Located::Nothing | Located::NotTrusted { .. } => None,
    }
}

/// The data directory of the command that is completed.
fn data_dir() -> Option<PathBuf> {
    let named = option("--data-dir").or_else(|| env::var_os(environment::DATA_DIR.name));
    data_dir_of(named.map(PathBuf::from)).ok()
}

/// The value of an option in the line that is completed, which follows `--` in the arguments of this
/// process.
fn option(name: &str) -> Option<std::ffi::OsString> {
    let mut words = env::args_os().skip_while(|word| word != "--").skip(1);
    let joined = format!("{name}=");
    while let Some(word) = words.next() {
        if word == name {
            return words.next().filter(|value| !value.is_empty());
        }
        if let Some(value) = word.to_str().and_then(|word| word.strip_prefix(&joined)) {
            return Some(value.into());
        }
    }
    None
}

fn candidate(value: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(StyledStr::from(help.to_owned())))
}
