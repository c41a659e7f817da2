//! The values that arguments can have on this machine.
//!
//! A value that cannot be found is no error: the shell then has fewer candidates.

use std::env;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap_complete::CompletionCandidate;
use directories::ProjectDirs;
use zoetrope_host::config::{Config, Located, Places};
use zoetrope_host::driver::now;
use zoetrope_host::jobs::{LAST, short_id};
use zoetrope_host::ledger::{JobBrief, Millis, State, newest_jobs};

use crate::ago::relative;
use crate::args::environment;
use crate::configuration::PRACTICE;
use crate::context::data_dir_of;

/// The shortest ID that is offered.
const SHORT_ID: usize = 8;

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
    (
        "shortapi/poppy-v1.0/image-to-video",
        "ShortAPI: a clip from a picture",
    ),
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
    of_jobs(&newest_jobs(&folder, MOST_JOBS), now())
}

/// `last`, then each of these jobs, the newest of which is the first.
fn of_jobs(jobs: &[JobBrief], now: Millis) -> Vec<CompletionCandidate> {
    let mut ids: Vec<_> = jobs.iter().map(|job| job.id.clone()).collect();
    ids.sort();
    let last = jobs.first().map(|job| (LAST, job));
    let each = jobs
        .iter()
        .map(|job| (short_id(&job.id, &ids, SHORT_ID), job));
    let all = last.into_iter().chain(each).enumerate();
    let all = all.map(|(place, (name, job))| {
        let about = format!("{}, {}", job.state, relative(job.created_at, now));
        // Shells sort by name unless they are given an order.
        candidate(name, &about).display_order(Some(place))
    });
    all.collect()
}

/// The states of jobs.
pub(crate) fn states() -> Vec<CompletionCandidate> {
    let names = State::ALL.iter().map(|state| state.as_str());
    names.map(CompletionCandidate::new).collect()
}

/// The connections that a command can use here.
pub(crate) fn connections() -> Vec<CompletionCandidate> {
    let practice = candidate(PRACTICE, "the practice provider on this machine");
    configured().into_iter().chain([practice]).collect()
}

/// The connections of the configuration that a command would use here.
pub(crate) fn configured() -> Vec<CompletionCandidate> {
    let config = config();
    let configured = config.iter().flat_map(Config::connections);
    configured
        .map(|connection| candidate(connection.id().as_str(), connection.category()))
        .collect()
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

#[cfg(test)]
mod tests {
    use zoetrope_host::engine::{Engine, EngineSettings};

    use super::*;
    use crate::context::built_in_node_types;

    #[test]
    fn jobs_are_offered_by_short_ids_with_state_and_age_and_last_comes_first() {
        let ids = ["5aaaaaaa-1bbb", "0c12d3e4-9999", "5aaaaaaa-2ccc"];
        let jobs = ids.map(|id| JobBrief {
            id: id.into(),
            node: "image_to_video".into(),
            state: "started".into(),
            created_at: 0,
        });
        let offered = of_jobs(&jobs, 120_000);
        let names: Vec<_> = offered.iter().map(CompletionCandidate::get_value).collect();
        assert_eq!(names, ["last", "5aaaaaaa-1", "0c12d3e4", "5aaaaaaa-2"]);
        let about = offered[0].get_help().map(ToString::to_string);
        let age = relative(0, 120_000);
        assert_eq!(about, Some(format!("started, {age}")));
        assert!(of_jobs(&[], 0).is_empty());
    }

    #[tokio::test]
    async fn nodes_are_those_of_the_built_in_component() {
        let engine = Engine::new(EngineSettings::default()).expect("an engine");
        let nodes = built_in_node_types(&engine).await;
        let nodes = nodes.map_err(|failure| failure.message().to_owned());
        let mut nodes: Vec<_> = nodes
            .expect("nodes")
            .into_iter()
            .map(|node| node.name)
            .collect();
        nodes.sort_unstable();
        assert_eq!(NODES.map(|(name, _)| name).as_slice(), nodes);
    }
}
