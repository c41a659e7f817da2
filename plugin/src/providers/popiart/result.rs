//! The result of a finished job.
//!
//! PopiArt may name the result in the job's `output`, in the job document, in the listing of
//! the job's artifacts, or in the details of an artifact. A fact is read from the first of
//! these that has it. The places of the file, in this order:
//!
//! 1. the primary artifact;
//! 2. `url` of the output, of the job document, of the listing;
//! 3. the listed artifacts of the node's kind of media, then those of an unknown one;
//! 4. the artifacts that only the output or the job document names;
//! 5. a primary artifact of another kind of media.
//!
//! An artifact that was a source of the job is not a result. All places are passed to the
//! host, which tries them in this order. A listing or details that cannot be read are no
//! obstacle if another document names a place.

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{
    Charge, Connection, ErrorCause, JobState, Location, MediaKind, NodeError, ResultMedia, Success,
};
use zoetrope_node_sdk::http::{Reply, request};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::no_result;
use zoetrope_node_sdk::node::{Next, Node};
use zoetrope_node_sdk::reply::id_at;
use zoetrope_node_sdk::ticket::Ticket;

use super::artifacts::{is_in_a_path, located, places_of, sha256, text};
use super::replies::{read, readable, settlement};

/// Most artifacts of a listing that are read, and most places of one result.
const LISTED: usize = 200;
const PLACES: usize = 20;

/// The result of a job whose document is `job`, from the first of the replies and those that
/// followed it.
pub(super) fn result(
    connection: &Connection,
    node: &Node,
    ticket: &Ticket,
    job: &Value,
    replies: &[Reply],
) -> Result<Next<JobState>, NodeError> {
    let Some(reply) = replies.get(1) else {
        let list = request(connection, "GET", "/jobs/{id}/artifacts", &ticket.job);
        return Ok(Next::Send(list));
    };
    let listing = match document(reply) {
        Ok(listing) => listing,
        Err(_) if names_a_place(job) => Value::Null,
        Err(error) if matches!(error.cause, ErrorCause::JobLost(_)) => Value::Null,
        Err(error) => return Err(error),
    };
    let mut found = Found {
        connection,
        kind: match node.output_media[0].kind {
            MediaKind::Image => "image/",
            MediaKind::Video => "video/",
        },
        parts: [&job["output"], job, &listing],
        bases: [&replies[0].url, &replies[0].url, &reply.url],
        items: items(&listing),
        details: (String::new(), Value::Null),
        details_base: "",
    };
    if let Some(id) = found.id_without_url() {
        match replies.get(2) {
            None => {
                let details = request(connection, "GET", "/artifacts/{id}", &id);
                return Ok(Next::Send(details));
            }
            // Without a description, the content may still be there.
            Some(reply) => {
                found.details = (id, document(reply).unwrap_or_default());
                found.details_base = &reply.url;
            }
        }
    }
    let Some(success) = found.success(node, ticket)? else {
        let documents = [&job["output"], &listing, job];
        let place = "/output/url, /url or /items/0/id";
        let state = no_result::state(&replies[0], place, &documents, settlement(Charge::Unknown));
        return Ok(Next::Done(state));
    };
    Ok(Next::Done(JobState::Succeeded(success)))
}

/// The data of a reply's document.
fn document(reply: &Reply) -> Result<Value, NodeError> {
    let document = readable(reply)?;
    read(reply, &document).cloned()
}

/// Whether the job document alone names a place of the result.
fn names_a_place(job: &Value) -> bool {
    [&job["output"], job].into_iter().any(|part| {
        !part["url"].is_null()
            || id_at(part, "/primary_artifact_id").is_some()
            || id_at(part, "/artifact_ids/0").is_some()
    })
}

/// The artifacts of a listing: an array, or an object that has one.
fn items(listing: &Value) -> &[Value] {
    let arrays = [listing, &listing["items"], &listing["artifacts"]];
    let found = arrays.into_iter().find_map(Value::as_array);
    let items = found.map_or(&[] as &[Value], Vec::as_slice);
    &items[..items.len().min(LISTED)]
}

/// What PopiArt says about the result.
struct Found<'a> {
    connection: &'a Connection,
    /// The beginning of the media types of the node's results.
    kind: &'static str,
    /// The output, the job document and the listing.
    parts: [&'a Value; 3],
    /// The URLs of their replies.
    bases: [&'a str; 3],
    /// The listed artifacts.
    items: &'a [Value],
    /// The id and the details of one artifact, and the URL of their reply.
    details: (String, Value),
    details_base: &'a str,
}

/// A place of the result, and the artifact that is there.
struct Place {
    location: Location,
    artifact: Option<String>,
}

impl Found<'_> {
    /// A text that the parts have in common, from the first that has it.
    fn fact(&self, name: &str) -> Option<&str> {
        self.parts.iter().find_map(|part| text(part, name))
    }

    fn primary(&self) -> Option<String> {
        let mut parts = self.parts.iter();
        parts.find_map(|part| id_at(part, "/primary_artifact_id"))
    }

    /// The ids that the output and the job document name.
    fn named(&self) -> Vec<String> {
        let lists = self.parts[..2].iter();
        let named = lists.filter_map(|part| part["artifact_ids"].as_array());
        let named = named.flatten().take(LISTED);
        named.filter_map(|id| id_at(id, "")).collect()
    }

    /// Ids of artifacts, the most probable result first.
    fn artifacts(&self) -> Vec<String> {
        let listed = self.results();
        let primary = self.primary();
        let entry = listed.iter().find(|(id, _)| Some(id) == primary.as_ref());
        let is_of_other_kind = entry.is_some_and(|(_, fits)| *fits == Some(false));
        let mut all = Vec::new();
        if !is_of_other_kind {
            all.extend(primary.clone());
        }
        for wanted in [Some(true), None] {
            let listed = listed.iter().filter(|(_, fits)| *fits == wanted);
            all.extend(listed.map(|(id, _)| id.clone()));
        }
        for id in self.named() {
            if self.item(&id).is_none() && !self.is_source(Some(&id), &Value::Null) {
                all.push(id);
            }
        }
        all.extend(primary);
        let mut ids = Vec::new();
        for id in all {
            if ids.len() < PLACES && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// The ids of the listed artifacts that were no source, and whether they fit.
    fn results(&self) -> Vec<(String, Option<bool>)> {
        let mut results = Vec::new();
        for item in self.items {
            if let Some(id) = id_of(item)
                && !self.is_source(Some(&id), item)
            {
                results.push((id, self.fits(item)));
            }
        }
        results
    }

    /// The entry of an artifact in the listing.
    fn item(&self, id: &str) -> Option<&Value> {
        let mut items = self.items.iter();
        items.find(|item| id_of(item).as_deref() == Some(id))
    }

    /// Whether a listed artifact is of the node's kind of media; `None` if its type is missing or
    /// says nothing, as `application/octet-stream` does.
    fn fits(&self, item: &Value) -> Option<bool> {
        let kind = text(item, "content_type")?.to_ascii_lowercase();
        (!kind.contains("octet-stream")).then(|| kind.starts_with(self.kind))
    }

    /// A text about an artifact, from its entry in the listing, else from its details.
    fn detail(&self, id: &str, name: &str) -> Option<String> {
        let item = self.item(id);
        let details = (self.details.0 == id).then_some(&self.details.1);
        let mut known = item.into_iter().chain(details);
        known.find_map(|known| text(known, name).map(String::from))
    }

    /// Whether an artifact was a source of the job: by its id, its URL, or its role in the
    /// listing or in its details.
    fn is_source(&self, id: Option<&str>, item: &Value) -> bool {
        let input = &self.parts[1]["input"];
        let is_details = id.is_some_and(|id| id == self.details.0);
        let urls = ["image_url", "reference_image_url"].map(|name| text(input, name));
        let url = text(item, "url");
        has_source_role(item)
            || is_details && has_source_role(&self.details.1)
            || id.is_some() && id == id_at(input, "/source_artifact_id").as_deref()
            || url.is_some() && urls.contains(&url)
    }

    /// The best artifact, if neither its entry in the listing nor another document has its URL.
    fn id_without_url(&self) -> Option<String> {
        let id = self.artifacts().into_iter().find(|id| is_in_a_path(id))?;
        let is_located = self.named_place(&id).is_some();
        let is_needed = self.primary().as_ref() == Some(&id) || self.urls().is_empty();
        (!is_located && is_needed).then_some(id)
    }

    /// The places that the parts name by a URL. An output can also be one.
    fn urls(&self) -> Vec<Location> {
        let mut urls = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            if index == 0 || part.is_object() {
                urls.extend(located(self.connection, self.bases[index], part));
            }
        }
        urls
    }

    /// The files of an output or a job document that names several.
    fn several(&self) -> Vec<Location> {
        for (part, base) in self.parts[..2].iter().zip(self.bases) {
            let files = located(self.connection, base, part);
            if files.len() > 1 {
                return files;
            }
        }
        Vec::new()
    }

    /// The place of an artifact by its entry in the listing, else by its details.
    fn named_place(&self, id: &str) -> Option<Location> {
        let first = |base, value| located(self.connection, base, value).into_iter().next();
        let listed = self.item(id).and_then(|item| first(self.bases[2], item));
        listed.or_else(|| {
            let details = (self.details.0 == id).then_some(&self.details.1)?;
            first(self.details_base, details)
        })
    }

    /// The places of the result, the most probable first.
    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        let artifacts = self.artifacts();
        let primary = self.primary();
        let is_primary = |id: &String| Some(id) == primary.as_ref();
        let before_urls = usize::from(artifacts.first().is_some_and(is_primary));
        let (first, others) = artifacts.split_at(before_urls);
        self.add_artifacts(&mut places, first);
        add(&mut places, self.urls(), None);
        // An artifact without an id can be fetched by its URL alone.
        for item in self.items {
            let has_id = id_of(item).is_some();
            if !has_id && !self.is_source(None, item) && self.fits(item) != Some(false) {
                let urls = located(self.connection, self.bases[2], item);
                add(&mut places, urls, None);
            }
        }
        self.add_artifacts(&mut places, others);
        places
    }

    fn add_artifacts(&self, places: &mut Vec<Place>, ids: &[String]) {
        for id in ids {
            let locations = places_of(self.connection, id, self.named_place(id));
            add(places, locations, Some(id));
        }
    }

    /// The result; `None` if no document names one.
    fn success(&self, node: &Node, ticket: &Ticket) -> Result<Option<Success>, NodeError> {
        let places = self.places();
        let Some(first) = places.first() else {
            return Ok(None);
        };
        let several = self.several();
        let mut output = self.output(ticket, first);
        if !several.is_empty() {
            let urls = several.iter().map(|file| Value::from(file.url.as_str()));
            output["urls"] = urls.collect();
        }
        if !(node.validate_output)(&output).is_empty() {
            let expected = "expected a job as PopiArt's schema of outputs describes it";
            return Err(NodeError::protocol_violation(expected));
        }
        let (first, others) = (&first.location.url, several.iter().enumerate());
        let others = others.filter(|(_, file)| file.url != *first);
        let others = others.map(|(index, file)| ResultMedia {
            pointer: json::pointer("/urls", &index.to_string()),
            url: file.url.clone(),
            needs_credential: file.needs_credential,
            media_type: None,
            sha256: None,
            expires_at: None,
        });
        let is_other = |place: &&Place| {
            let url = &place.location.url;
            url != first && several.iter().any(|file| file.url == *url)
        };
        let media = places.iter().filter(|place| !is_other(place)).map(|place| {
            let detail = |name| self.detail(place.artifact.as_deref()?, name);
            ResultMedia {
                pointer: "/url".into(),
                url: place.location.url.clone(),
                needs_credential: place.location.needs_credential,
                media_type: detail("content_type"),
                sha256: detail("sha256").as_deref().and_then(sha256),
                expires_at: detail("expires_at"),
            }
        });
        Ok(Some(Success {
            output: json::text(&output),
            media: media.chain(others).collect(),
            settlement: settlement(Charge::Yes),
        }))
    }

    fn output(&self, ticket: &Ticket, first: &Place) -> Value {
        let mut output = json!({
            "job_id": ticket.job, "status": "done", "url": first.location.url,
        });
        let artifact = first.artifact.clone().or_else(|| self.primary());
        let media_id = artifact
            .as_deref()
            .and_then(|id| self.detail(id, "media_id"));
        if let Some(id) = artifact {
            output["primary_artifact_id"] = id.into();
        }
        if let Some(id) = media_id.or_else(|| self.fact("media_id").map(String::from)) {
            output["media_id"] = id.into();
        }
        for name in ["model_id", "requested_skill_id", "execution_mode"] {
            if let Some(value) = self.fact(name) {
                output[name] = value.into();
            }
        }
        let listed = self.items.iter().filter_map(id_of);
        let mut ids = self.named();
        if ids.is_empty() {
            ids.extend(listed);
        }
        if !ids.is_empty() {
            output["artifact_ids"] = ids.into();
        }
        output
    }
}

/// Adds locations that are not yet among the places.
fn add(places: &mut Vec<Place>, locations: Vec<Location>, artifact: Option<&String>) {
    for location in locations {
        let is_known = |known: &Place| known.location.url == location.url;
        if places.len() < PLACES && !places.iter().any(is_known) {
            places.push(Place {
                location,
                artifact: artifact.cloned(),
            });
        }
    }
}

/// The id of a listed artifact: its own text, or a field of it.
fn id_of(item: &Value) -> Option<String> {
    let mut fields = ["", "/id", "/artifact_id"].into_iter();
    fields.find_map(|field| id_at(item, field))
}

/// Whether an artifact's role says that it was a source of the job.
fn has_source_role(item: &Value) -> bool {
    let role = item["role"].as_str().unwrap_or_default();
    ["source", "input", "reference"]
        .iter()
        .any(|source| role.eq_ignore_ascii_case(source))
}
