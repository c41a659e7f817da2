use super::*;

fn fault(status: u16, code: &str, message: &str) -> ProviderFault {
    ProviderFault {
        status: Some(status),
        code: Some(code.to_owned()).filter(|code| !code.is_empty()),
        message: message.into(),
    }
}

#[test]
fn refusals_of_the_account_are_recognized_by_status_code_and_words() {
    for (status, code, message) in [
        (402, "", "no"),
        (402, "no_funds", "add funds"),
        (403, "insufficient_credits", "no"),
        (403, "", "Your account has been suspended"),
        (403, "AccountDisabled", "no"),
        (400, "InsufficientBalance", "no"),
        (400, "", "your quota is exhausted"),
        (400, "", "insufficient funds"),
        (200, "4001", "not enough credit"),
        (200, "402", "no"),
        (200, "402.0", "no"),
        (200, "no_credit", "no"),
        (200, "", "You don't have enough credits to run this"),
        (200, "account_refused", "no"),
        (422, "charge_failed", "no"),
        (403, "", "The subscription of this workspace has expired"),
        (403, "", "monthly limit reached"),
        (403, "usage_limit_exceeded", "no"),
        (403, "", "Please check your billing details"),
        (400, "", "账户余额不足"),
        (400, "", "you ran out of credits"),
        (400, "", "Payment required"),
        (400, "", "zero credits left"),
    ] {
        let fault = fault(status, code, message);
        for cause in [
            ErrorCause::Rejected(fault.clone()),
            ErrorCause::Unauthorized(fault.clone()),
        ] {
            assert!(is_of_account(&cause, None), "{fault:?}");
        }
        // As the row shows it; a status of 2xx is not shown.
        let text = fault.described();
        assert!(
            code == "402" || code == "402.0" || is_in_text(&text),
            "{text}"
        );
    }
}

#[test]
fn refusals_of_the_request_are_none_of_the_account() {
    for (status, code, message) in [
        (
            422,
            "bad_picture",
            "the white balance of the picture is off",
        ),
        (
            400,
            "",
            "the picture shows a credit card, which is not enough of a scene",
        ),
        (400, "", "the credits of a film cannot be drawn"),
        (
            400,
            "insufficient_resources",
            "not enough resources: reduce steps",
        ),
        (403, "insufficient_scope", "the key may not do this"),
        (401, "invalid_api_key", "the key was revoked"),
        (403, "forbidden", "no"),
        (413, "", "the body exceeds the limit of 1 MB"),
        (404, "", "no such model"),
        (400, "", "the plan of the scene is too dark"),
        (200, "4001", "the prompt is too long"),
    ] {
        let fault = fault(status, code, message);
        assert!(
            !is_of_account(&ErrorCause::Rejected(fault.clone()), None),
            "{fault:?}"
        );
        assert!(!is_in_text(&fault.described()), "{fault:?}");
    }
}

#[test]
fn limited_rate_is_no_refusal_of_the_account_and_a_used_quota_is() {
    let hours = Some(6 * 3_600_000);
    let seconds = Some(30_000);
    for (code, message, retry_after, expected) in [
        ("", "too many requests", seconds, false),
        ("", "too many requests", None, false),
        ("rate_limited", "too many jobs", seconds, false),
        ("", "Quota exceeded for requests per minute", None, false),
        ("", "quota exceeded", seconds, false),
        ("", "the limit of concurrent jobs is reached", None, false),
        (
            "insufficient_quota",
            "You exceeded your current quota",
            None,
            true,
        ),
        ("", "quota exceeded", None, true),
        ("", "quota exceeded", hours, true),
        ("", "daily quota exceeded", hours, true),
        ("", "the daily limit is reached", seconds, true),
        ("", "insufficient credits", seconds, true),
        ("", "too many requests", hours, false),
    ] {
        let cause = ErrorCause::Throttled(fault(429, code, message));
        let found = is_of_account(&cause, retry_after);
        assert_eq!(found, expected, "{code} {message} {retry_after:?}");
    }
}

#[test]
fn errors_of_other_kinds_are_none_of_the_account() {
    let of = || fault(402, "no_credit", "no credit");
    for cause in [
        ErrorCause::OutcomeUnknown(of()),
        ErrorCause::Unavailable(of()),
        ErrorCause::JobLost(of()),
        ErrorCause::NotSent("no credit".into()),
        ErrorCause::ProtocolViolation("no credit".into()),
    ] {
        assert!(!is_of_account(&cause, None), "{cause:?}");
    }
}
