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

/// Refusals of the account in usual words, with statuses that refuse one input too.
const OF_ACCOUNT_AT_ANY_STATUS: [&str; 28] = [
    "Insufficient coins",
    "You don't have any credits",
    "Your credit balance is too low",
    "Billing hard limit has been reached",
    "Exhausted balance",
    "Your wallet is empty",
    "You need 20 more credits to run this",
    "This run costs 40 credits but you only have 3",
    "This run costs 40 credits, you have 3",
    "Required: 40 credits. Available: 12",
    "Max spend reached",
    "You have no remaining credits",
    "You do not have sufficient credits",
    "You don’t have enough credits to generate this image",
    "Not sufficient balance",
    "Credits: 0",
    "Credits remaining: 0",
    "Insufficient points",
    "Your credits have run out",
    "Payment failed",
    "Invoice past due",
    "Your subscription has lapsed",
    "Your account has been suspended",
    "saldo insuficiente",
    "残高が不足しています",
    "账号已被封禁",
    "账户已停用",
    "Your organization is suspended",
];

/// Refusals of the account in usual words, with a status that refuses no input.
const OF_ACCOUNT: [&str; 16] = [
    "Budget limit hit",
    "User suspended",
    "Project suspended",
    "Your access has been suspended due to non-payment",
    "Your account is on hold",
    "This account is restricted",
    "Missing payment method",
    "Your card was declined",
    "Upgrade your plan",
    "Trial is over",
    "Your trial has ended",
    "Please top up",
    "Please add credits to continue",
    "Please check your billing details",
    "You have reached the limit of your plan",
    "You have used all your generations for this month",
];

/// Refusals of one input or one rate, with the status that they came with.
const OF_ONE_INPUT: [(u16, &str); 23] = [
    (422, "The prompt may not add text about a payment"),
    (422, "subject loses balance and falls over: unsafe content"),
    (
        422,
        "image must give credit to its author: attribution required",
    ),
    (422, "a floor plan with closed doors is not accepted"),
    (422, "Face blocked: workspace not visible"),
    (422, "Prompt contains banned word: account"),
    (400, "prompt exceeds the free limit of 500 characters"),
    (400, "Usage limit of 4 images"),
    (400, "overdue library book is not a permitted prompt"),
    (400, "The account field is required; plan ended"),
    (403, "The model is disabled for your plan"),
    (413, "budget of 10 MB exceeded by the picture"),
    (422, "image without credit to its author"),
    (422, "the prompt exceeds the maximum of tokens"),
    (400, "the picture exceeds the account limit of 10 MB"),
    (422, "not enough contrast in the scene: white balance"),
    (422, "the vanishing points are used twice in the picture"),
    (400, "unknown parameter: billing"),
    (422, "a scene where a card is played"),
    (422, "prompt about a failed payment"),
    (422, "the prompt names a person whose account is suspended"),
    (400, "The number of control points is exceeded"),
    (403, "Upgrade your plan to use this model"),
];

#[test]
fn usual_words_of_a_refused_account_are_recognized() {
    let at_any = OF_ACCOUNT_AT_ANY_STATUS.iter();
    let at_any = at_any.flat_map(|text| [200, 400, 403, 422].map(|status| (status, *text)));
    let others = OF_ACCOUNT.iter();
    let others = others.flat_map(|text| [200, 403].map(|status| (status, *text)));
    for (status, message) in at_any.chain(others) {
        let fault = fault(status, "", message);
        let cause = ErrorCause::Rejected(fault.clone());
        assert!(is_of_account(&cause, None), "{fault:?}");
        assert!(is_in_text(&fault.described()), "{fault:?}");
    }
    for code in [
        "org_disabled",
        "billing_hard_limit_reached",
        "user_suspended",
    ] {
        for status in [200, 400, 403, 422] {
            let fault = fault(status, code, "no");
            let cause = ErrorCause::Unauthorized(fault.clone());
            assert!(is_of_account(&cause, None), "{fault:?}");
        }
    }
}

#[test]
fn refusals_of_one_input_are_none_of_the_account() {
    for (status, message) in OF_ONE_INPUT {
        for code in ["", "invalid_request"] {
            let fault = fault(status, code, message);
            let cause = ErrorCause::Rejected(fault.clone());
            assert!(!is_of_account(&cause, None), "{fault:?}");
            assert!(!is_in_text(&fault.described()), "{fault:?}");
        }
    }
}

#[test]
fn quota_of_a_minute_is_none_of_the_account_whatever_the_status() {
    let message = "Quota exceeded for quota metric Generate requests per minute";
    for (status, code) in [
        (200, "RESOURCE_EXHAUSTED"),
        (403, "RESOURCE_EXHAUSTED"),
        (400, ""),
    ] {
        let fault = fault(status, code, message);
        for cause in [
            ErrorCause::Rejected(fault.clone()),
            ErrorCause::Unauthorized(fault.clone()),
        ] {
            assert!(!is_of_account(&cause, None), "{fault:?}");
            assert!(is_of_a_rate(&cause), "{fault:?}");
        }
        assert!(!is_in_text(&fault.described()), "{fault:?}");
    }
    for message in [
        "monthly quota exceeded",
        "the prompt takes a minute",
        "no credits this minute",
    ] {
        let cause = ErrorCause::Rejected(fault(400, "", message));
        assert!(!is_of_a_rate(&cause), "{message}");
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
        (
            "",
            "You have used all your generations for this month",
            None,
            true,
        ),
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
