//! Where the credential may arrive, and what a terminal may be sent.

use super::echoes::echoes;
use super::mode::Mode;
use super::process::Run;
use crate::support::provider::Arrived;
use crate::support::sandbox::CANARY_KEY;

/// What the mode achieved against the promises about the credential and about texts.
pub(super) fn faults(mode: &Mode, run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    for request in &run.elsewhere {
        let mut values = request.headers.iter().map(|(_, value)| value);
        if values.any(|value| value.contains(CANARY_KEY)) {
            faults.push(format!(
                "the credential is at another origin: {}",
                request.line()
            ));
        }
    }
    for request in &run.arrived {
        let is_below = request.path == "/v1" || request.path.starts_with("/v1/");
        for (name, value) in &request.headers {
            if value.contains(CANARY_KEY) && (name != "authorization" || !is_below) {
                faults.push(format!(
                    "the credential is in `{name}` of {}",
                    request.line()
                ));
            }
        }
    }
    for request in run.arrived.iter().chain(&run.elsewhere) {
        if let Some(form) = known_form(request) {
            faults.push(format!(
                "the pack knows the credential as `{form}`: {}",
                request.line()
            ));
        }
        if let Some(absent) = &mode.header_absent {
            let is_it = |(name, value): &(String, String)| {
                name.eq_ignore_ascii_case(absent) && value.contains("evil.example")
            };
            if request.headers.iter().any(is_it) {
                faults.push(format!("the pack's header `{absent}` arrived"));
            }
        }
    }
    for step in &run.steps {
        let harmful: Vec<_> = step.text.chars().filter(|&c| is_harmful(c)).collect();
        if !harmful.is_empty() {
            faults.push(format!("{} prints {harmful:?}", step.command));
        }
    }
    faults
}

/// The form of the credential that the pack put into a request.
fn known_form(request: &Arrived) -> Option<&'static str> {
    let headers = request.headers.iter();
    let headers = headers.filter(|(name, _)| name != "authorization");
    let headers: Vec<_> = headers.map(|(_, value)| value.as_str()).collect();
    let body = String::from_utf8_lossy(request.body.get(..4096).unwrap_or(&request.body));
    let text = format!("{} {} {body}", request.path, headers.join(" ")).to_lowercase();
    let mut forms = echoes().into_iter();
    forms.find_map(|(name, form)| text.contains(&form.to_lowercase()).then_some(name))
}

/// Whether a terminal obeys a character, or a reader cannot see it.
fn is_harmful(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\t');
    let is_hidden = matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    );
    is_hidden || (character.is_control() && !is_layout)
}
