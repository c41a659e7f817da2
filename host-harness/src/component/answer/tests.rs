use super::bounds::{AMOUNT, CODE, ID, MANY, REASON, clean_cost, clean_fault};
use super::*;
use crate::contract::{Basis, Completion, Estimate, Price, Progress, Settlement, Stage};

#[test]
fn private_text_is_redacted_before_a_message_is_truncated() {
    let private = PrivateTexts::of(&[r#"{"prompt": "a red balloon over the lighthouse"}"#]);
    let said = format!(
        "{}a red balloon over the lighthouse, {}",
        "no ".repeat(160),
        "x".repeat(100)
    );
    let mut fault = ProviderFault {
        status: Some(422),
        code: Some("A_RED_BALLOON_OVER_THE_LIGHTHOUSE".into()),
        message: said,
    };
    clean_fault(&mut fault, &private);
    assert_eq!(fault.message.chars().count(), REASON);
    let shown = fault.message.trim_start_matches("no ");
    assert!(
        shown.starts_with("[…], xxx") && shown.ends_with("x…"),
        "{shown}"
    );
    assert_eq!(fault.code.as_deref(), Some("[…]"));
}

#[test]
fn cost_with_an_amount_that_is_not_decimal_is_dropped() {
    for (amount, is_kept) in [
        ("0", true),
        ("0.048", true),
        ("12.50", true),
        ("", false),
        (".5", false),
        ("5.", false),
        ("-1", false),
        ("1e3", false),
        ("1,5", false),
        ("1.2.3", false),
        ("NaN", false),
        ("٣", false),
        (&"9".repeat(AMOUNT), true),
        (&"9".repeat(AMOUNT + 1), false),
    ] {
        let mut cost = Some(Price {
            amount: amount.into(),
            unit: "USD".into(),
        });
        clean_cost(&mut cost);
        let kept = cost.map(|price| price.amount);
        assert_eq!(kept.as_deref(), Some(amount).filter(|_| is_kept));
    }
}

/// A ticket of this many bytes, accepted.
fn accepted(length: usize) -> Started {
    Started::Accepted(Acceptance {
        ticket: "t".repeat(length),
        provider_job_id: "j-7\u{202e}".into(),
        poll_after_ms: u64::MAX,
        cost: None,
    })
}

fn bounded<T: Answer>(answer: T) -> Result<T, NodeError> {
    answer.bounded(&PrivateTexts::default())
}

#[test]
fn ticket_over_its_limit_is_an_unknown_outcome_that_names_the_job() {
    let Ok(Started::Accepted(kept)) = bounded(accepted(TICKET)) else {
        panic!("a ticket within the limit")
    };
    assert_eq!(kept.ticket.len(), TICKET);
    assert_eq!(
        (kept.provider_job_id.as_str(), kept.poll_after_ms),
        ("j-7\u{fffd}", DELAY)
    );
    let error = bounded(accepted(TICKET + 1)).expect_err("too long");
    assert_eq!(error.charge, Charge::Unknown);
    let ErrorCause::OutcomeUnknown(fault) = error.cause else {
        panic!("{error:?}")
    };
    assert!(
        fault
            .message
            .contains("a ticket of 65537 bytes for the job `j-7\u{fffd}`"),
        "{}",
        fault.message
    );
}

#[test]
fn replacement_ticket_over_its_limit_is_refused() {
    let waiting = |length: usize| {
        JobState::Waiting(Progress {
            stage: Stage::Running,
            fraction: Some(f32::NAN),
            message: Some("x".repeat(REASON + 1)),
            poll_after_ms: u64::MAX,
            replacement_ticket: Some("t".repeat(length)),
        })
    };
    let Ok(JobState::Waiting(progress)) = bounded(waiting(TICKET)) else {
        panic!("a ticket within the limit")
    };
    assert_eq!((progress.fraction, progress.poll_after_ms), (None, DELAY));
    let message = progress.message.expect("a message");
    assert_eq!(message, "x".repeat(REASON - 1) + "…");
    let error = bounded(waiting(TICKET + 1)).expect_err("too long");
    assert!(matches!(error.cause, ErrorCause::ProtocolViolation(_)));
}

#[test]
fn ticket_of_a_result_that_exceeds_a_limit_is_kept() {
    let finished = |output: String| {
        Started::Finished(Completion {
            ticket: "t".into(),
            provider_job_id: Some("j-7".into()),
            success: Success {
                output,
                media: Vec::new(),
                settlement: Settlement {
                    charge: Charge::Yes,
                    cost: None,
                },
            },
        })
    };
    assert!(matches!(
        bounded(finished("{}".into())),
        Ok(Started::Finished(_))
    ));
    match bounded(finished(" ".repeat(DOCUMENT + 1))) {
        Ok(Started::Accepted(acceptance)) => {
            assert_eq!(acceptance.ticket, "t");
            assert_eq!(acceptance.provider_job_id, "j-7");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn long_lists_texts_and_delays_are_cut_and_marked() {
    let note = |message: &str| Note {
        instance_path: "/a\u{1b}".into(),
        adjustment: Adjustment::Dropped,
        message: message.into(),
    };
    let plan = Plan {
        input: "{}".into(),
        notes: vec![note(&"x".repeat(9000)); 3 * MANY],
        estimate: Some(Estimate {
            price: Price {
                amount: "1".into(),
                unit: "U".repeat(1 << 20),
            },
            basis: Basis::PerRun,
            source: "s".repeat(1 << 20),
            seconds: Some("1e999999999".into()),
        }),
        request: None,
    };
    let plan = bounded(plan).expect("a plan");
    assert_eq!(plan.notes.len(), MANY);
    assert_eq!(
        plan.notes[MANY - 1].message,
        "2001 more notes are not shown."
    );
    assert_eq!(plan.notes[0].instance_path, "/a\u{fffd}");
    assert_eq!(plan.notes[0].message, "x".repeat(NOTE - 1) + "…");
    let estimate = plan.estimate.expect("an estimate");
    assert_eq!(estimate.price.unit, "U".repeat(AMOUNT - 1) + "…");
    assert_eq!(estimate.source, "s".repeat(REASON - 1) + "…");
    assert_eq!(estimate.seconds, None);

    let mut error = NodeError {
        cause: ErrorCause::Throttled(ProviderFault {
            status: None,
            code: Some("c".repeat(1 << 20)),
            message: "m".repeat(1 << 20),
        }),
        charge: Charge::No,
        next: NextStep::Retry,
        retry_after_ms: Some(u64::MAX),
    };
    bounded_error(&mut error, &PrivateTexts::default());
    assert_eq!(error.retry_after_ms, Some(DELAY));
    let fault = error.cause.fault().expect("a fault");
    assert_eq!(fault.message, "m".repeat(REASON - 1) + "…");
    assert_eq!(fault.code, Some("c".repeat(CODE - 1) + "…"));
    let mut id = accepted(1);
    if let Started::Accepted(acceptance) = &mut id {
        acceptance.provider_job_id = "i".repeat(1 << 20);
    }
    let Ok(Started::Accepted(kept)) = bounded(id) else {
        panic!("a ticket")
    };
    assert_eq!(kept.provider_job_id, "i".repeat(ID - 1) + "…");
}
