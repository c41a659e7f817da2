//! The text about what a configuration does.

use std::fmt::Write as _;
use std::time::Duration;

use zoetrope_host::config::{ConnectionEffects, Effects, GrantEffects};
use zoetrope_host::sanitize::{line, sentence};

use crate::ago::duration;

/// The text, a paragraph for each subject. A value of the file is shown on one line, so that it
/// cannot imitate another line. Writing to a text does not fail.
pub(super) fn text(effects: &Effects) -> String {
    let mut text = String::new();
    text.push_str("\nconnections\n");
    for connection in &effects.connections {
        describe_connection(&mut text, connection);
    }
    if effects.connections.is_empty() {
        text.push_str("  none\n");
    }
    text.push_str("\nallowed packs\n");
    for grant in &effects.grants {
        describe_grant(&mut text, grant);
    }
    if effects.grants.is_empty() {
        text.push_str("  none\n");
    }
    if !effects.network.is_empty() {
        text.push_str("\nnetwork\n");
        for (key, value) in &effects.network {
            let _ = writeln!(text, "  {}: {}", sentence(key), sentence(value));
        }
    }
    if !effects.commands.is_empty() {
        text.push_str("\nruns commands as you\n");
        for (when, command) in &effects.commands {
            let _ = writeln!(text, "  {}: {}", sentence(when), line(command));
        }
    }
    text.push_str("\nreads and writes\n");
    list(&mut text, "variables", effects.variables.iter());
    list(&mut text, "files", effects.files.iter());
    list(&mut text, "folders written", effects.writes.iter());
    text
}

fn describe_connection(text: &mut String, connection: &ConnectionEffects) {
    let category = sentence(&connection.category);
    let _ = writeln!(text, "  {} (category {category})", connection.id);
    let _ = writeln!(text, "    sends to: {}", connection.base_url);
    let credential = if let Some(name) = &connection.variable {
        format!("the environment variable {name}")
    } else if let Some(path) = &connection.file {
        format!("the file {path}")
    } else if let Some(command) = &connection.command {
        format!("the output of the command {}", line(command))
    } else if let Some(name) = &connection.keyring {
        format!("the entry {} of the keyring", sentence(name))
    } else {
        "none".into()
    };
    let header = connection.header.as_deref();
    let header = header.map_or_else(String::new, |name| {
        format!(", in the header {}", sentence(name))
    });
    let _ = writeln!(text, "    credential: {credential}{header}");
    if let Some(seconds) = connection.idempotency_seconds {
        let window = duration(Duration::from_secs(seconds));
        let _ = writeln!(
            text,
            "    idempotency: keys are honoured for {window}; a submit is repeated within it"
        );
    }
    if let Some(rate) = connection.requests_per_second {
        let _ = writeln!(text, "    requests per second: {rate}");
    }
    if let Some(most) = &connection.max_cost {
        let _ = writeln!(text, "    states that a run costs at most: {most}");
    }
    for origin in &connection.result_origins {
        let _ = writeln!(
            text,
            "    fetches results from: {origin} (also at an address of this machine or its network)"
        );
    }
    for origin in &connection.option_origins {
        let _ = writeln!(text, "    its options name: {origin}");
    }
    if !connection.options.is_empty() {
        let _ = writeln!(
            text,
            "    options: {}",
            sentence(&connection.options.join(", "))
        );
    }
}

fn describe_grant(text: &mut String, grant: &GrantEffects) {
    let name = match sentence(&grant.name) {
        name if name.is_empty() => "(without a name)".into(),
        name => name,
    };
    let _ = writeln!(text, "  {name} (sha256 {})", grant.digest);
    let connections = match &grant.connections {
        None => "any of its categories".into(),
        Some(ids) if ids.is_empty() => "none".into(),
        Some(ids) => ids.join(", "),
    };
    let _ = writeln!(text, "    connections: {connections}");
    for host in &grant.hosts {
        let _ = writeln!(text, "    may also send: {host}");
    }
    if grant.unsafe_reads {
        text.push_str("    may read by methods other than GET and HEAD (can cost money)\n");
    }
    for route in &grant.uploads {
        let _ = writeln!(text, "    may upload pictures by: {route} (can cost money)");
    }
    for route in &grant.cancels {
        let _ = writeln!(text, "    may cancel jobs by: {route} (can cost money)");
    }
    for (category, place) in &grant.credentials {
        let category = sentence(category);
        let _ = writeln!(text, "    credential of category {category}: {place}");
    }
    for (category, place) in &grant.idempotency {
        let category = sentence(category);
        let _ = writeln!(text, "    idempotency key of category {category}: {place}");
    }
    if grant.refusals_in_2xx {
        text.push_str("    its refusals are believed in replies with a status of 2xx\n");
    }
    for (limit, amount) in grant.limits.stated() {
        let _ = writeln!(text, "    limit: {} {amount}", limit.name());
    }
}

fn list<'a>(text: &mut String, title: &str, items: impl Iterator<Item = &'a String>) {
    let items: Vec<_> = items.map(String::as_str).collect();
    let items = if items.is_empty() {
        "none".into()
    } else {
        items.join(", ")
    };
    let _ = writeln!(text, "  {title}: {items}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zoetrope_host::config::ConfigFile;

    use super::*;

    fn shown(toml: &str) -> String {
        let file = ConfigFile::written(Path::new("/project/zoetrope.toml"), toml);
        text(&Effects::of(&file).expect("a configuration"))
    }

    #[test]
    fn effects_of_an_empty_file_are_none() {
        assert_eq!(
            shown(""),
            "\nconnections\n  none\n\nallowed packs\n  none\n\nreads and writes\n  \
             variables: none\n  files: none\n  folders written: none\n"
        );
    }

    #[test]
    fn everything_that_a_pack_is_granted_is_listed() {
        let digest = "0".repeat(64);
        let text = shown(&format!(
            "[packs.{digest}]\nname = \"a\"\nuploads = [\"POST /v1/files\"]\n\
             cancels = [\"DELETE /v1/jobs/*\"]\nrefusals_in_2xx = true\n\
             unsafe_reads = true\n\
             credentials = {{ pixelml = {{ header = \"X-Api-Key\", prefix = \"Token \" }} }}\n\
             idempotency = {{ pixelml = \"x-once\" }}\n"
        ));
        for line in [
            "    may read by methods other than GET and HEAD (can cost money)\n",
            "    may upload pictures by: POST /v1/files (can cost money)\n",
            "    may cancel jobs by: DELETE /v1/jobs/* (can cost money)\n",
            "    credential of category pixelml: x-api-key: Token …\n",
            "    idempotency key of category pixelml: x-once\n",
            "    its refusals are believed in replies with a status of 2xx\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn pack_without_a_name_is_said_to_have_none() {
        let digest = "0".repeat(64);
        let text = shown(&format!("[packs.{digest}]\nname = \"\"\n"));
        let line = format!("  (without a name) (sha256 {digest})\n");
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn result_origins_are_shown_with_what_they_allow() {
        let text = shown(
            "[connections.a]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\n\
             result_origins = [\"http://media.internal:8080\"]\n",
        );
        let line = "    fetches results from: http://media.internal:8080 \
                    (also at an address of this machine or its network)";
        assert!(text.lines().any(|one| one == line), "{text}");
    }

    #[test]
    fn commands_are_shown_whole_and_on_a_line_each() {
        let text = shown(
            "[connections.a]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\n\
             credential = { command = [\"sh\", \"-c\", \"curl https://evil.example\\n  none\"] }\n\
             [connections.b]\ncategory = \"popiart\"\nbase_url = \"https://b.example\"\n\
             credential = { keyring = true }\n\
             [hooks]\non_end = [\"notify-send\", \"clip ready\"]\n",
        );
        let lines: Vec<_> = text.lines().collect();
        let at = lines
            .iter()
            .position(|line| *line == "runs commands as you");
        let at = at.unwrap_or_else(|| panic!("{text}"));
        let of_credential = lines[at + 1];
        assert!(
            of_credential
                .starts_with("  for the credential of connection a: [\"sh\",\"-c\",\"curl"),
            "{text}"
        );
        assert!(of_credential.ends_with("none\"]"), "{text}");
        let of_end = "  when a job has ended: [\"notify-send\",\"clip ready\"]";
        assert_eq!(lines[at + 2], of_end, "{text}");
        let entry = "    credential: the entry b of the keyring";
        assert!(lines.contains(&entry), "{text}");
    }

    #[test]
    fn value_with_line_ends_cannot_imitate_another_line() {
        let text = shown(
            "[connections.a]\ncategory = \"x)\\n    sends to: https://good.example\"\n\
             base_url = \"https://evil.example\"\n\
             credential = { env = \"KEY\", header = \"X\\n\\nconnections\\n  none\" }\n",
        );
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("    sends to: "))
            .collect();
        assert_eq!(lines, ["    sends to: https://evil.example"], "{text}");
        assert!(
            !text.lines().skip(2).any(|line| line == "connections"),
            "{text}"
        );
    }
}
