//! A job that the provider reports as succeeded, without a result: a filter removed it, the output
//! is null or empty, or a list holds refused pictures alone.
//!
//! Some providers publish a result some time after they report success. A component has no timer,
//! so it reports such a reply as a failure with the code [`CODE`]: the host polls again for a while
//! before it ends the job.

use serde_json::Value;

use crate::bindings::{Failure, JobState, ProviderFault, Settlement};
use crate::http::{Reply, presentable};
use crate::reason;

/// The code of the fault.
pub const CODE: &str = "no_result";

/// Fields in which providers say why there is no result, beside those of [`reason`].
const HINTS: [&str; 8] = [
    "finish_reason",
    "filter_reason",
    "block_reason",
    "blocked_reason",
    "moderation",
    "safety",
    "refusal",
    "nsfw",
];

/// The state of the job. `place` names where the result was expected, and `documents` are the parts
/// of the reply that may say why there is none, the closest one first.
#[must_use]
pub fn state(reply: &Reply, place: &str, documents: &[&Value], settlement: Settlement) -> JobState {
    // An option of the operator may be a part of the place.
    let expected = presentable(&format!("no result at {place}"));
    let message = match said(documents) {
        Some(said) => presentable(&format!("{expected}; the provider answered: {said}")),
        None => expected,
    };
    JobState::Failed(Failure {
        fault: ProviderFault {
            status: Some(reply.status),
            code: Some(CODE.into()),
            message,
        },
        settlement,
    })
}

/// What the provider says about the missing result.
fn said(documents: &[&Value]) -> Option<String> {
    let in_a_list = |document: &&Value| {
        let mut items = document.as_array()?.iter();
        items.find_map(|item| reason::of_document(item).or_else(|| hinted(item)))
    };
    let known = |document: &&Value| {
        reason::of_document(document)
            .or_else(|| hinted(document))
            .or_else(|| in_a_list(document))
    };
    documents.iter().find_map(known)
}

fn hinted(document: &Value) -> Option<String> {
    HINTS.iter().find_map(|name| {
        let hint = document.get(*name).filter(|hint| **hint != false)?;
        let text = reason::of_document(hint).or_else(|| reason::of_anything(hint))?;
        Some(presentable(&format!("{name}: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bindings::Charge;

    fn message(documents: &[&Value]) -> String {
        let settlement = Settlement {
            charge: Charge::Unknown,
            cost: None,
        };
        let reply = Reply {
            status: 200,
            ..Reply::default()
        };
        match state(&reply, "/output/video", documents, settlement) {
            JobState::Failed(failure) => {
                assert_eq!(failure.fault.code.as_deref(), Some(CODE));
                failure.fault.message
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reason_is_that_of_the_closest_document() {
        let near = json!({"video": null, "reason": "removed by a filter"});
        let far = json!({"status": "succeeded", "message": "done"});
        for (documents, said) in [
            (
                vec![&near, &far],
                "; the provider answered: removed by a filter",
            ),
            (vec![&Value::Null, &far], "; the provider answered: done"),
            (vec![&Value::Null], ""),
        ] {
            assert_eq!(
                message(&documents),
                format!("no result at /output/video{said}")
            );
        }
    }

    #[test]
    fn refused_pictures_and_filters_without_a_text_are_named() {
        for (document, said) in [
            (json!([{"url": null, "reason": "unsafe"}]), "unsafe"),
            (json!([{"url": "", "nsfw": true}]), "nsfw: true"),
            (json!({"finish_reason": "SAFETY"}), "finish_reason: SAFETY"),
            (
                json!({"moderation": {"flagged": true}}),
                "moderation: {\"flagged\":true}",
            ),
        ] {
            let expected = format!("no result at /output/video; the provider answered: {said}");
            assert_eq!(message(&[&document]), expected, "{document}");
        }
    }
}
