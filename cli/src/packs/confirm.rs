//! What a new grant permits, in sentences: above all, in which header the key is sent.

use zoetrope_host::config::Config;
use zoetrope_host::connections::Connection;
use zoetrope_host::policy::{Connections, CredentialPlace, Grant, Manifest};
use zoetrope_host::sanitize::sentence;

use super::terms::{STANDARD, header_in_words, in_words};

/// The permissions of a grant as it was written for this manifest, one a line, without those of
/// [`may_cost`].
pub(super) fn confirmed(config: &Config, requested: &Manifest, grant: &Grant) -> Vec<String> {
    let mut lines = Vec::new();
    for category in &requested.connections {
        let place = grant.credentials.get(category);
        let used = granted_connections(config, grant, category);
        if used.is_empty() {
            let (header, prefix) = of_pack(place);
            let words = header_in_words(header, prefix);
            lines.push(format!(
                "The key of a connection of category {category} is sent {words}."
            ));
        }
        lines.extend(used.into_iter().map(|connection| {
            let (header, prefix) = of_pack(place);
            let header = connection.credential_header().unwrap_or(header);
            let prefix = connection.credential_prefix().unwrap_or(prefix);
            let words = header_in_words(&sentence(header), &sentence(prefix));
            let id = connection.id();
            format!("The key of connection {id} is sent {words}.")
        }));
    }
    lines.extend(
        grant
            .hosts
            .iter()
            .map(|host| format!("It may also send without a key: `{host}`.")),
    );
    lines.extend(grant.idempotency.iter().map(|(category, place)| {
        let words = in_words(place);
        format!(
            "Its submits to {category} carry the idempotency key in {words}. A submit with an unknown outcome is repeated under it only if the connection has `idempotency`."
        )
    }));
    if grant.refusals_in_2xx {
        let line = "Its refusals of a submit are believed in replies with a status of 2xx too.";
        lines.push(line.into());
    }
    lines
}

/// What a grant permits that can cost money, besides the submits, one a line.
pub(super) fn may_cost(grant: &Grant) -> Vec<String> {
    let uploads = grant.uploads.iter();
    let uploads = uploads
        .map(|route| format!("It may upload pictures by `{route}`. An upload can cost money."));
    let cancels = grant.cancels.iter();
    let cancels = cancels
        .map(|route| format!("It may cancel jobs by `{route}`. Such a request can cost money."));
    let mut lines: Vec<_> = uploads.chain(cancels).collect();
    if grant.unsafe_reads {
        let line = "It may read by methods other than GET and HEAD. Such a request can cost money.";
        lines.push(line.into());
    }
    lines
}

/// The configured connections of a category that the grant names.
pub(super) fn granted_connections<'a>(
    config: &'a Config,
    grant: &Grant,
    category: &str,
) -> Vec<&'a Connection> {
    let Connections::These(ids) = &grant.connections else {
        return Vec::new();
    };
    ids.iter()
        .filter_map(|id| config.connection(id.as_str()))
        .filter(|connection| connection.category() == category)
        .map(AsRef::as_ref)
        .collect()
}

pub(super) fn of_pack(place: Option<&CredentialPlace>) -> (&str, &str) {
    place.map_or(STANDARD, |place| (place.header(), place.prefix()))
}
