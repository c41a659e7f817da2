//! The clips of an output: the first as `video`; of several, all as `videos`.

use serde_json::Value;
use zoetrope_node_sdk::bindings::ResultMedia;
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::result::File;

/// Sets the clips of an output.
pub(super) fn set(output: &mut Value, clips: &[File]) {
    if let Some(first) = clips.first() {
        output["video"] = first.url.as_str().into();
    }
    if clips.len() > 1 {
        let urls = clips.iter().map(|clip| Value::from(clip.url.as_str()));
        output["videos"] = urls.collect();
    }
}

/// The clips as media, the first followed by its other places.
pub(super) fn media(clips: Vec<File>, mut others: Vec<File>) -> Vec<ResultMedia> {
    let mut media = Vec::new();
    for (index, clip) in clips.into_iter().enumerate() {
        if index > 0 {
            media.push(clip.at(json::pointer("/videos", &index.to_string())));
            continue;
        }
        media.push(clip.at("/video".into()));
        media.extend(others.drain(..).map(|other| other.at("/video".into())));
    }
    media
}
