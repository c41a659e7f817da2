//! Fuzz targets for submissions, names, scripts and pictures; see `docs/reference/fuzzing.md`.

use std::io::Cursor;

use axum::http::Method;
use image::ImageReader;
use url::Url;
use zoetrope_fuzzing::{Target, parts};

use crate::faults::FaultScript;
use crate::files::FileName;
use crate::picture::{self, Kind};
use crate::range::{self, Selection};
use crate::render_request::{RenderRequest, RenderRequestError, Source, Submission};
use crate::result_urls::ClipName;
use crate::wires::popiart::artifacts::ArtifactId;
use crate::wires::{agenticflow, jobs, popiart, shortapi};

/// The corpus has this text where a client's input must not be repeated in an error.
const CANARY: &str = "canary";

/// Larger pictures are not decoded, to save time.
const MOST_PIXELS: u64 = 1 << 20;

#[test]
fn submission_is_read_or_refused_without_repeating_input() {
    Target::new("practice-orders", 1500).run(|input| outcome(jobs::submission::read(input)));
}

#[test]
fn agenticflow_submission_is_read_or_refused_without_repeating_input() {
    Target::new("practice-agenticflow", 1500)
        .run(|input| outcome(agenticflow::submission::read(input)));
}

#[test]
fn shortapi_submission_is_read_or_refused_without_repeating_input() {
    Target::new("practice-shortapi", 1500).run(|input| outcome(shortapi::submission::read(input)));
}

#[test]
fn popiart_submission_is_read_or_refused_without_repeating_input() {
    Target::new("practice-popiart", 1500).run(|input| {
        let artifact = |id: &str| match id.parse().ok()? {
            ArtifactId::Upload(name) => Some(name),
            ArtifactId::Result(_) => None,
        };
        let read = popiart::submission::read(input, artifact);
        outcome(read.map(|(submission, _)| submission))
    });
}

/// Checks a read submission; the kind of its outcome.
fn outcome(read: Result<Submission, RenderRequestError>) -> &'static str {
    let submission = match read {
        Ok(submission) => submission,
        Err(error) => {
            assert!(!error.to_string().contains(CANARY), "{error}");
            return "refused";
        }
    };
    // The journal restores the request unchanged.
    let journal = serde_json::to_vec(&submission.render_request).expect("JSON");
    let read: RenderRequest = crate::journal::entry(&journal).expect("a request");
    assert_eq!(read, submission.render_request);
    match (&submission.render_request.picture, &submission.inline) {
        (Source::File(name), Some(bytes)) => {
            assert_eq!(FileName::of(bytes).as_ref(), Some(name));
            "with a picture"
        }
        (Source::File(name), None) => {
            assert_eq!(
                name.to_string().parse::<FileName>().ok().as_ref(),
                Some(name)
            );
            "of a stored picture"
        }
        (Source::Url(url), None) => {
            assert!(matches!(url.scheme(), "http" | "https"), "{url}");
            "of a URL"
        }
        (Source::Url(_), Some(_)) => panic!("two pictures"),
    }
}

#[test]
fn names_and_ranges_are_read_or_ignored() {
    Target::new("practice-names", 6000).run(|input| {
        let [length, text] = parts(input, [b"100", b""]).map(String::from_utf8_lossy);
        let length = length.trim().parse().unwrap_or(100);
        let part = match range::select(Some(&text), length) {
            Selection::Part { first, last } => {
                assert!(first <= last && last < length, "{first}-{last} of {length}");
                true
            }
            Selection::Whole | Selection::Unsatisfiable => false,
        };
        let stored = Url::parse(&text)
            .ok()
            .as_ref()
            .and_then(FileName::in_own_url);
        if let Some(name) = stored.or_else(|| text.parse().ok()) {
            // The name becomes a path below the data directory.
            let name = name.to_string();
            assert!(
                !name.contains(['/', '\\']) && !name.contains(".."),
                "{name}"
            );
            return "a stored picture";
        }
        match (ClipName::in_path(&text).is_some(), part) {
            (true, _) => "a clip",
            (false, true) => "a range",
            (false, false) => "refused",
        }
    });
}

#[test]
fn fault_script_is_read_or_its_error_has_a_position() {
    Target::new("practice-scripts", 1500).run(|input| {
        let text = String::from_utf8_lossy(input);
        let script: FaultScript = match text.parse() {
            Ok(script) => script,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(error.line() <= text.split('\n').count(), "{error}");
                return "refused";
            }
        };
        for rule in &script.rules {
            let _ = rule.matching.matches(&Method::POST, "/v1/jobs");
            for number in [1, 2, 3, u64::MAX] {
                let _ = rule.schedule.include(number);
            }
            if let Some(canned) = &rule.fault.canned {
                let status = canned.reply().status().as_u16();
                assert!((200..=599).contains(&status), "{status}");
            }
        }
        if script.rules.is_empty() {
            "without rules"
        } else {
            "with rules"
        }
    });
}

/// The number of pixels that a picture's header claims.
fn claimed_pixels(picture: &[u8]) -> Option<u64> {
    let reader = ImageReader::new(Cursor::new(picture));
    let (width, height) = reader.with_guessed_format().ok()?.into_dimensions().ok()?;
    Some(u64::from(width) * u64::from(height))
}

#[test]
fn picture_is_decoded_or_refused() {
    Target::new("practice-pictures", 300).run(|input| {
        if Kind::sniff(input).is_none() {
            assert!(picture::decode(input).is_err());
            return "no picture";
        }
        if claimed_pixels(input).is_some_and(|pixels| pixels > MOST_PIXELS) {
            return "large";
        }
        match picture::decode(input) {
            Ok(picture) => {
                assert!(u64::from(picture.width()) * u64::from(picture.height()) <= MOST_PIXELS);
                "decoded"
            }
            Err(error) => {
                assert!(error.code().starts_with("picture_"));
                "broken"
            }
        }
    });
}
