//! Fuzz targets for replies of a provider and for tickets; see `docs/reference/fuzzing.md`.

use std::cell::Cell;

use serde_json::Value;
use zoetrope_fuzzing::{Target, parts};
use zoetrope_node_sdk::bindings::{
    Cancellation, Charge, CheckOptions, Connection, ConnectionError, ErrorCause, JobState,
    LocalFile, NodeError, Profile, ProviderFault, RunOptions, Stage, Started, Step,
};
use zoetrope_node_sdk::host::{Host, SendError};
use zoetrope_node_sdk::http::{Reply, Request, is_absolute, is_inline, same_name};
use zoetrope_node_sdk::node::Provider;
use zoetrope_node_sdk::ticket::Ticket;
use zoetrope_node_sdk::{job, json, media, no_result, reason, run};

use crate::nodes::PACK;
use crate::providers::pixelml::PIXELML;

mod envelopes;

const NODE: &str = "image_to_video_v3";
const INPUT: &str = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;

/// How many requests the provider answers; the replies to later ones are lost.
const ANSWERS: u32 = 5;

/// The deadline of a run, on a clock that only sleeping advances.
const DEADLINE_MS: u64 = 600_000;

/// Longest text in an answer, in characters: the limit of a message, and the text around it.
const MAX_LENGTH: usize = 600;

/// A provider that gives every request the same answer.
struct Answering {
    options: String,
    reply: Reply,
    answered: Cell<u32>,
    clock: Cell<u64>,
}

impl Answering {
    fn read(input: &[u8]) -> Self {
        let [options, head, body] = parts(input, [b"{}", b"200", b""]);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.trim().parse().ok());
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        });
        Self {
            options: String::from_utf8_lossy(options).into_owned(),
            reply: Reply {
                url: String::new(),
                status: status.unwrap_or(200),
                headers: headers.collect(),
                body: body.to_vec(),
            },
            answered: Cell::new(0),
            clock: Cell::new(0),
        }
    }

    fn ticket(&self) -> Ticket {
        let wire = self.option("/wire", "jobs");
        Ticket::new(NODE, "desk", wire.as_str().unwrap_or_default(), "j/1")
    }

    /// The value of an option, or its default.
    fn option(&self, name: &str, default: &str) -> Value {
        let options = json::parse_leniently(&self.options).unwrap_or_default();
        options.pointer(name).cloned().unwrap_or(default.into())
    }

    /// The name of the job's state in the body, if any.
    fn word(&self) -> Option<String> {
        let pointer = self.option("/status_pointer", "/status");
        let document: Value = serde_json::from_slice(&self.reply.body).ok()?;
        let word = document.pointer(pointer.as_str()?)?.as_str()?;
        Some(word.to_owned())
    }

    /// Whether the body has a name of this state.
    fn has_state(&self, state: &str) -> bool {
        if self.option("/wire", "jobs") == "agenticflow" {
            let word = self.word().unwrap_or_default();
            let names: &[&str] = match state {
                "queued" => &["created", "queued"],
                "succeeded" => &["success"],
                "cancelled" => &["cancelled", "canceled"],
                state => &[state],
            };
            return names.iter().any(|name| same_name(name, &word));
        }
        let words = self.option(&format!("/status_words/{state}"), state);
        self.word().is_some_and(|word| match &words {
            Value::Array(words) => {
                let mut words = words.iter().filter_map(Value::as_str);
                words.any(|known| same_name(known, &word))
            }
            known => known.as_str().is_some_and(|known| same_name(known, &word)),
        })
    }
}

impl Host for Answering {
    fn connection(&self, _: &str) -> Result<Connection, ConnectionError> {
        Ok(Connection {
            id: "desk".into(),
            base_url: "https://provider.example".into(),
            options: self.options.clone(),
            headers: Vec::new(),
        })
    }

    fn send(&self, _: &Request) -> Result<Reply, SendError> {
        self.answered.set(self.answered.get() + 1);
        if self.answered.get() > ANSWERS {
            return Err(SendError::Lost("gone".into()));
        }
        Ok(self.reply.clone())
    }

    fn now_ms(&self) -> u64 {
        self.clock.get()
    }

    fn sleep_ms(&self, duration: u64) {
        let now = self.clock.get() + duration;
        assert!(now <= DEADLINE_MS, "it sleeps past the deadline");
        self.clock.set(now);
    }
}

/// Asserts that a text of a provider is one bounded line without control characters and URL
/// queries.
fn is_fit_for_logs(text: &str) {
    let length = text.chars().count();
    assert!(length <= MAX_LENGTH, "{length} characters");
    assert!(!text.contains(char::is_control), "{text:?}");
    for word in text.split_whitespace() {
        let url = word.find("://").map_or("", |scheme| &word[scheme..]);
        let query = word.find('?').map_or("", |query| &word[query..]);
        assert!(
            !url.contains(['?', '#']) && !query.contains('='),
            "{text:?}"
        );
    }
}

fn fault_is_fit(fault: &ProviderFault) {
    is_fit_for_logs(&fault.message);
    is_fit_for_logs(fault.code.as_deref().unwrap_or_default());
}

fn error_is_fit(host: &Answering, error: &NodeError) {
    match &error.cause {
        // These messages may contain an option of the operator, which is not sanitized.
        ErrorCause::OutcomeUnknown(_) if host.reply.is_success() => {}
        ErrorCause::Throttled(fault)
        | ErrorCause::Rejected(fault)
        | ErrorCause::Unauthorized(fault)
        | ErrorCause::OutcomeUnknown(fault)
        | ErrorCause::Unavailable(fault)
        | ErrorCause::JobLost(fault) => fault_is_fit(fault),
        _ => {}
    }
}

fn starts(host: &Answering) -> &'static str {
    let started = job::start(&PACK, host, NODE, INPUT, "k");
    match started {
        Ok(started) => {
            assert!(host.reply.is_success(), "{started:?}");
            let ticket = match &started {
                Started::Accepted(acceptance) => {
                    assert!(!acceptance.provider_job_id.is_empty());
                    &acceptance.ticket
                }
                Started::Finished(completion) => {
                    assert!(host.has_state("succeeded"), "{completion:?}");
                    &completion.ticket
                }
            };
            let ticket = Ticket::decode(ticket).expect("a ticket");
            assert_eq!(
                (ticket.node.as_str(), ticket.connection.as_str()),
                (NODE, "desk")
            );
            match started {
                Started::Accepted(_) => "accepted",
                Started::Finished(_) => "finished",
            }
        }
        Err(error) if host.answered.get() == 0 => {
            assert_eq!(error.charge, Charge::No);
            "of unusable options"
        }
        Err(error) => {
            assert!(
                !host.reply.is_success() || error.charge != Charge::No,
                "what was accepted may cost: {error:?}"
            );
            error_is_fit(host, &error);
            if error.charge == Charge::No {
                "refused"
            } else {
                "of unknown outcome"
            }
        }
    }
}

fn polls(host: &Answering) {
    let state = match job::poll(&PACK, host, &host.ticket().encode()) {
        Ok(state) => state,
        Err(error) => {
            assert_eq!(
                error.charge,
                Charge::Unknown,
                "a read costs nothing: {error:?}"
            );
            return error_is_fit(host, &error);
        }
    };
    assert!(host.reply.is_success(), "{state:?}");
    match state {
        JobState::Waiting(progress) => {
            let fraction = progress.fraction.unwrap_or_default();
            assert!((0.0..=1.0).contains(&fraction), "{fraction}");
            is_fit_for_logs(&progress.message.unwrap_or_default());
            if progress.stage != Stage::Unrecognized {
                assert!(host.has_state("queued") || host.has_state("running"));
            }
        }
        JobState::Succeeded(success) => {
            assert!(host.has_state("succeeded"), "{success:?}");
            let url = &success.media[0].url;
            assert!(is_absolute(url) || is_inline(url));
        }
        JobState::Failed(failure) => {
            let has_no_result = failure.fault.code.as_deref() == Some(no_result::CODE);
            let is_empty_success = has_no_result && host.has_state("succeeded");
            assert!(is_empty_success || host.has_state("failed"), "{failure:?}");
            fault_is_fit(&failure.fault);
        }
        JobState::Cancelled(_) => assert!(host.has_state("cancelled")),
    }
}

fn cancels(host: &Answering) {
    match job::cancel(&PACK, host, &host.ticket().encode()) {
        Ok(Cancellation::Cancelled(_)) => {
            assert!(host.reply.is_success());
            assert!(host.has_state("cancelled"));
        }
        Ok(_) => {}
        Err(error) => {
            assert_eq!(error.charge, Charge::Unknown);
            error_is_fit(host, &error);
        }
    }
}

fn uploads(host: &Answering) {
    let file = LocalFile {
        media_type: "image/png".into(),
        byte_length: 9,
        file_name: "a.png".into(),
    };
    if let Err(error) = media::plan_upload(&PACK, host, NODE, "/image", &file) {
        assert_eq!(error.charge, Charge::No);
    }
    let body = String::from_utf8_lossy(&host.reply.body).into_owned();
    match media::uploaded(&PACK, host, NODE, "/image", host.reply.status, body) {
        Ok(Step::Value(value)) => {
            assert!(host.reply.is_success());
            assert!(json::parse(&value).is_ok_and(|value| value.is_string()));
        }
        Ok(step) => panic!("{step:?}"),
        Err(error) => {
            assert_eq!(
                error.charge,
                Charge::No,
                "an upload costs nothing: {error:?}"
            );
            error_is_fit(host, &error);
        }
    }
}

fn runs(host: &Answering) {
    let input = json::parse_leniently(INPUT).expect("an input");
    let options = RunOptions {
        idempotency_key: "k".into(),
        deadline_ms: DEADLINE_MS,
    };
    match run::run(&PACK, host, NODE, &input, &options) {
        Ok(output) => assert!(host.has_state("succeeded"), "{output}"),
        Err(error) => {
            let was_accepted = error.ticket.is_some();
            assert!(was_accepted || host.answered.get() <= 1, "{error:?}");
            error_is_fit(host, &error.error);
        }
    }
}

#[test]
fn any_reply_of_a_provider_yields_a_sound_answer() {
    Target::new("replies", 1500).run(|input| {
        let host = || Answering::read(input);
        let became = starts(&host());
        polls(&host());
        cancels(&host());
        uploads(&host());
        runs(&host());
        let preview = CheckOptions {
            profile: Profile::Strict,
            preview_request: true,
        };
        let shown = job::check(&PACK, &host(), NODE, INPUT, preview);
        assert_eq!(shown.is_err(), became == "of unusable options");
        let wire = Provider::wire(&PIXELML, &host().connection("").expect("one"));
        assert!(wire.is_ok() || became == "of unusable options");
        became
    });
}

#[test]
fn reason_in_any_reply_is_one_bounded_line() {
    Target::new("reasons", 4000).run(|input| {
        let reply = Reply {
            status: 400,
            body: input.to_vec(),
            ..Reply::default()
        };
        let document = reply.json();
        let code = document.as_ref().and_then(reason::code);
        is_fit_for_logs(&code.unwrap_or_default());
        match reason::of_reply(&reply) {
            Some(reason) => {
                is_fit_for_logs(&reason);
                assert!(!reason.trim().is_empty());
                if document.is_some() {
                    "a reason in a document"
                } else {
                    "a reason on a page or in a text"
                }
            }
            None => "no reason",
        }
    });
}

#[test]
fn only_tickets_of_this_component_are_accepted() {
    Target::new("tickets", 4000).run(|input| {
        let text = String::from_utf8_lossy(input);
        let Ok(ticket) = Ticket::decode(&text) else {
            return "refused";
        };
        let encoded = ticket.encode();
        assert_eq!(Ticket::decode(&encoded).as_ref(), Ok(&ticket));
        // A ticket of this component has no repeated or unknown name.
        assert_eq!(json::parse(&text), json::parse(&encoded));
        "accepted"
    });
}
