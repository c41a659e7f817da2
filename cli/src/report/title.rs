//! The name of a job in a list.

use uuid::Uuid;
use zoetrope_host::ledger::Job;

/// The key that the user gave, else the id: a generated key says nothing.
pub(crate) fn title(job: &Job) -> String {
    of(&job.spec.key, &job.spec.id)
}

fn of(key: &str, id: &str) -> String {
    // The key of a line of a batch ends with the number of the line.
    let (beginning, line) = match key.rsplit_once('-') {
        Some((beginning, line)) if is_generated(beginning) => (beginning, Some(line)),
        _ => (key, None),
    };
    match line {
        _ if !is_generated(beginning) => key.to_owned(),
        Some(line) => format!("{id}, line {line}"),
        None => id.to_owned(),
    }
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
