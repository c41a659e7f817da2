//! The return values of the exports.

use crate::bindings::{
    Acceptance, Adjustment, Basis, Body, Cancellation, Charge, Completion, ConnectionRequirement,
    ErrorCause, Estimate, Failure, JobState, MediaField, MediaKind, Multipart, NextStep, NodeError,
    NodeType, Note, Plan, Price, Progress, ProviderFault, ResultMedia, Settlement, Stage, Started,
    Step, Success, Upload, Violation,
};
use crate::instructions::{Answer, ErrorAnswer, Listing};
use crate::text::{Seen, Text};

/// The answer of `check`. The default is a plan of the unchanged input.
///
/// # Errors
///
/// As instructed.
pub fn of_check(then: Option<Answer>, input: String, seen: &Seen) -> Result<Plan, NodeError> {
    match then {
        None => Ok(plan(input)),
        Some(Answer::Plan {
            input,
            notes,
            note,
            request,
            estimate,
        }) => Ok(Plan {
            notes: (0..notes)
                .map(|_| Note {
                    instance_path: note.written(seen),
                    adjustment: Adjustment::Defaulted,
                    message: note.written(seen),
                })
                .collect(),
            request: request.map(|request| request.written(seen)),
            estimate: estimate.map(|amount| Estimate {
                price: price(&amount, seen),
                basis: Basis::PerSecondOfVideo,
                source: "https://prices.example".into(),
                seconds: None,
            }),
            ..plan(input.written(seen))
        }),
        Some(other) => Err(error(&other, seen)),
    }
}

fn price((amount, unit): &(Text, Text), seen: &Seen) -> Price {
    Price {
        amount: amount.written(seen),
        unit: unit.written(seen),
    }
}

fn plan(input: String) -> Plan {
    Plan {
        input,
        notes: Vec::new(),
        request: None,
        estimate: None,
    }
}

/// The answer of `start`. The default is an acceptance whose ticket is the input.
///
/// # Errors
///
/// As instructed.
pub fn of_start(then: Option<Answer>, input: String, seen: &Seen) -> Result<Started, NodeError> {
    match then {
        None => Ok(Started::Accepted(Acceptance {
            ticket: input,
            provider_job_id: "j-1".into(),
            poll_after_ms: 0,
            cost: None,
        })),
        Some(Answer::Accept {
            ticket,
            id,
            poll_after_ms,
            cost,
        }) => Ok(Started::Accepted(Acceptance {
            ticket: ticket.written(seen),
            provider_job_id: id.written(seen),
            poll_after_ms,
            cost: cost.map(|amount| price(&amount, seen)),
        })),
        Some(answer @ Answer::Succeed { .. }) => Ok(Started::Finished(Completion {
            ticket: input,
            provider_job_id: None,
            success: success(&answer, seen),
        })),
        Some(other) => Err(error(&other, seen)),
    }
}

/// The answer of `poll`. The default is an empty success.
///
/// # Errors
///
/// As instructed.
///
/// # Panics
///
/// When the instructed fraction is not a number.
pub fn of_poll(then: Option<Answer>, seen: &Seen) -> Result<JobState, NodeError> {
    match then {
        None => Ok(JobState::Succeeded(Success {
            output: "{}".into(),
            media: Vec::new(),
            settlement: PAID,
        })),
        Some(Answer::Wait {
            fraction,
            message,
            poll_after_ms,
            ticket,
        }) => Ok(JobState::Waiting(Progress {
            stage: Stage::Running,
            fraction: fraction.map(|fraction| fraction.parse().expect("a number")),
            message: message.map(|message| message.written(seen)),
            poll_after_ms,
            replacement_ticket: ticket.map(|ticket| ticket.written(seen)),
        })),
        Some(answer @ Answer::Succeed { .. }) => Ok(JobState::Succeeded(success(&answer, seen))),
        Some(Answer::Fail {
            message,
            code,
            free,
        }) => Ok(JobState::Failed(Failure {
            fault: ProviderFault {
                status: None,
                code: code.map(|code| code.written(seen)),
                message: message.written(seen),
            },
            settlement: Settlement {
                charge: if free { Charge::No } else { Charge::Yes },
                cost: None,
            },
        })),
        Some(other) => Err(error(&other, seen)),
    }
}

/// The answer of `cancel`. The default is that there is no cancellation.
///
/// # Errors
///
/// As instructed.
pub fn of_cancel(then: Option<Answer>, seen: &Seen) -> Result<Cancellation, NodeError> {
    match then {
        None => Ok(Cancellation::Unsupported),
        Some(Answer::Cancelled { free }) => Ok(Cancellation::Cancelled(Settlement {
            charge: if free { Charge::No } else { Charge::Yes },
            cost: None,
        })),
        Some(other) => Err(error(&other, seen)),
    }
}

/// The answer of `adopt`. The default is the provider's id as the ticket.
///
/// # Errors
///
/// As instructed.
pub fn of_adopt(then: Option<Answer>, id: String, seen: &Seen) -> Result<String, NodeError> {
    match then {
        None => Ok(id),
        Some(Answer::Value(ticket)) => Ok(ticket.written(seen)),
        Some(other) => Err(error(&other, seen)),
    }
}

/// The answer of `plan-upload` and `uploaded`. The default is the field value `""`.
///
/// # Errors
///
/// As instructed.
pub fn of_media(then: Option<Answer>, seen: &Seen) -> Result<Step, NodeError> {
    let written = |(name, value): (Text, Text)| (name.written(seen), value.written(seen));
    match then {
        None => Ok(Step::Value("\"\"".into())),
        Some(Answer::Value(value)) => Ok(Step::Value(value.written(seen))),
        Some(Answer::Upload {
            method,
            path,
            headers,
            part,
        }) => {
            let headers = headers.into_iter().map(written).collect();
            Ok(Step::Upload(Upload {
                method,
                path: path.written(seen),
                body: match part {
                    Some(part) => Body::Multipart(Multipart {
                        file_part: part.written(seen),
                        fields: headers,
                    }),
                    None => Body::Raw(headers),
                },
            }))
        }
        Some(other) => Err(error(&other, seen)),
    }
}

const PAID: Settlement = Settlement {
    charge: Charge::Yes,
    cost: None,
};

fn success(answer: &Answer, seen: &Seen) -> Success {
    let Answer::Succeed {
        output,
        media,
        pointer,
        url,
        needs_credential,
    } = answer
    else {
        unreachable!("a success")
    };
    Success {
        output: output.written(seen),
        media: (0..*media)
            .map(|_| ResultMedia {
                pointer: pointer.written(seen),
                url: url.written(seen),
                media_type: None,
                sha256: None,
                expires_at: None,
                needs_credential: *needs_credential,
            })
            .collect(),
        settlement: PAID,
    }
}

/// The instructed error. Panics on an answer that the function cannot give.
fn error(answer: &Answer, seen: &Seen) -> NodeError {
    let Answer::Error(ErrorAnswer {
        cause,
        message,
        charge,
        retry_after_ms,
        violations,
    }) = answer
    else {
        panic!("no answer to this question")
    };
    let words = || message.written(seen);
    let fault = || ProviderFault {
        status: Some(500),
        code: Some(words()),
        message: words(),
    };
    let cause = match cause.as_str() {
        "unsupported" => ErrorCause::Unsupported(words()),
        "invalid_input" => ErrorCause::InvalidInput(
            (0..*violations)
                .map(|_| Violation {
                    instance_path: words(),
                    keyword: words(),
                    message: words(),
                })
                .collect(),
        ),
        "denied" => ErrorCause::Denied(words()),
        "not_sent" => ErrorCause::NotSent(words()),
        "rejected" => ErrorCause::Rejected(fault()),
        "throttled" => ErrorCause::Throttled(fault()),
        "outcome_unknown" => ErrorCause::OutcomeUnknown(fault()),
        "unavailable" => ErrorCause::Unavailable(fault()),
        "job_lost" => ErrorCause::JobLost(fault()),
        "protocol_violation" => ErrorCause::ProtocolViolation(words()),
        other => panic!("no such cause: {other}"),
    };
    NodeError {
        cause,
        charge: match charge.as_str() {
            "yes" => Charge::Yes,
            "no" => Charge::No,
            _ => Charge::Unknown,
        },
        next: NextStep::Retry,
        retry_after_ms: *retry_after_ms,
    }
}

/// The answer of `node-types`.
#[must_use]
pub fn listed(listing: &Listing, seen: &Seen) -> Vec<NodeType> {
    let picture = |pointer| MediaField {
        pointer,
        kind: MediaKind::Image,
    };
    let node_type = || NodeType {
        name: listing.name.written(seen),
        version: "0.0.1".into(),
        title: listing.title.written(seen),
        description: listing.title.written(seen),
        connection: Some(ConnectionRequirement {
            category: listing.category.clone(),
            title: "A connection".into(),
            description: "For tests.".into(),
            required: true,
            options_schema: "{}".into(),
            credential_header: listing.credential_header.clone(),
            credential_prefix: "Bearer ".into(),
        }),
        input_schema: listing.schema.written(seen),
        rules: "{}".into(),
        output_schema: listing.schema.written(seen),
        input_media: listing.pictures.iter().cloned().map(picture).collect(),
        output_media: listing.picture.clone().map(picture).into_iter().collect(),
        extensions: "{}".into(),
    };
    (0..listing.count).map(|_| node_type()).collect()
}
