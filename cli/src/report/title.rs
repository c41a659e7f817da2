//! The name of a job in a list.

use uuid::Uuid;
use zoetrope_host::ledger::Job;

/// The key that the user gave, else the id: a generated key says nothing.
pub(crate) fn title(job: &Job) -> String {
    of(&job.spec.key, &job.spec.id)
}

/// The name of a job among others that have the same text: of a line of a batch with a generated
/// key, the number of the line.
pub(crate) fn short(job: &Job) -> String {
    match of_line(&job.spec.key) {
        Some(line) => format!("line {line}"),
        None => title(job),
    }
}

fn of(key: &str, id: &str) -> String {
    match of_line(key) {
        Some(line) => format!("{id}, line {line}"),
        None if is_generated(key) => id.to_owned(),
        None => key.to_owned(),
    }
}

/// The number of the line of a batch, if this is the key of one, made from a generated key.
fn of_line(key: &str) -> Option<&str> {
    let (beginning, line) = key.rsplit_once('-')?;
    is_generated(beginning).then_some(line)
}

/// Whether it is a key as this program makes them.
fn is_generated(key: &str) -> bool {
    let id = Uuid::try_parse(key).ok();
    id.is_some_and(|id| id.get_version_num() == 7 && id.to_string() == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_key_is_no_name() {
        let generated = Uuid::now_v7().to_string();
        for (key, expected) in [
            ("order-66", "order-66"),
            (&generated, "01ab"),
            (&format!("{generated}-3"), "01ab, line 3"),
            (&format!("mine-{generated}"), &format!("mine-{generated}")),
        ] {
            assert_eq!(of(key, "01ab"), expected, "{key}");
        }
    }
}
