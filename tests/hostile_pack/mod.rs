//! A pack that attacks, driven by the real program against a provider that counts what it would
//! charge.
//!
//! The pack is `guests/hostile`. `modes/` has a file for each kind of attack, and in it a mode for
//! each order of events: what the pack does, what the provider replies, and the commands. After the
//! commands, [`account`] compares the provider's account with the ledger. `ZOETROPE_ATTACK=WORD`
//! selects the modes whose name contains the word.
//!
//! - [`mode`]: a mode as data; [`process`]: its commands, and what they leave
//! - [`account`]: what the provider would charge; [`secrets`]: where the credential may arrive;
//!   [`echoes`]: the forms in which the provider repeats it
//! - [`random`]: modes in a random order of events

mod account;
mod echoes;
mod mode;
mod process;
mod random;
mod secrets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use self::mode::Mode;
use self::process::Run;

/// Runs the modes of a file whose name begins with `prefix`. Each that is not stopped is printed
/// with its faults.
#[track_caller]
fn stopped(file: &str, prefix: &str) {
    const AT_ONCE: usize = 3;
    let wanted = std::env::var("ZOETROPE_ATTACK").unwrap_or_default();
    let modes: Vec<_> = mode::of_file(file)
        .into_iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    assert!(!modes.is_empty(), "no mode {prefix} in {file}");
    let tried = modes.len();
    let modes = modes.into_iter().filter(|(name, _)| name.contains(&wanted));
    let modes = Mutex::new(modes.collect::<Vec<_>>().into_iter());
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = modes.lock().expect("the modes").next();
                    let Some((name, mode)) = next else { break };
                    let found = faults_of(&mode);
                    if !found.is_empty() {
                        let found = found.join("\n    ");
                        let mut faults = faults.lock().expect("the faults");
                        faults.push(format!("{name}\n    {found}"));
                    }
                }
            });
        }
    });
    let mut faults = faults.into_inner().expect("the faults");
    faults.sort();
    println!(
        "{file} {prefix}: {tried} modes, {} not stopped",
        faults.len()
    );
    assert!(faults.is_empty(), "not stopped:\n{}", faults.join("\n"));
}

/// Runs a mode. Returns what it achieved against the promises.
fn faults_of(mode: &Mode) -> Vec<String> {
    let run = catch_unwind(AssertUnwindSafe(|| Run::of(mode)));
    match run {
        Ok(run) => {
            let mut faults = run.faults.clone();
            faults.extend(account::faults(mode, &run));
            faults.extend(secrets::faults(mode, &run));
            if !faults.is_empty() {
                faults.extend(run.steps.iter().map(process::Step::summary));
            }
            faults.dedup();
            faults
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            vec![text.unwrap_or_else(|| "it panicked".into())]
        }
    }
}

/// A test for the modes of a file, or for those of its modes that begin with a word.
macro_rules! tests {
    ($($test:ident: $file:literal $prefix:literal;)*) => {
        $(
            #[test]
            fn $test() {
                stopped($file, $prefix);
            }
        )*

        #[test]
        fn every_mode_has_a_test() {
            let tests = [$(($file, $prefix)),*];
            for file in mode::files() {
                for (name, _) in mode::of_file(&file) {
                    if file == "03_uploads" {
                        continue;
                    }
                    let is_run = tests
                        .iter()
                        .any(|(of, prefix)| *of == file && name.starts_with(prefix));
                    assert!(is_run, "{file} {name}");
                }
            }
        }
    };
}

tests! {
    second_submit_of_a_start_is_never_sent: "01_two_submits" "b_";
    submits_at_once_are_one: "01_two_submits" "both_";
    ten_submits_at_once_are_one: "01_two_submits" "ten_";
    interleaved_submits_are_one: "01_two_submits" "three_";
    submits_whose_bodies_end_first_are_one: "01_two_submits" "bodies_";
    replies_decide_in_any_order: "01_two_submits" "repl";
    submit_after_a_refused_one_is_not_sent: "01_two_submits" "a_";
    component_that_stops_between_two_submits_pays_once: "01_two_submits" "component_";
    other_methods_are_submits: "01_two_submits" "other_";
    submit_in_another_call_is_not_sent: "01_two_submits" "submit_";
    poll_that_orders_is_not_sent: "01_two_submits" "poll_orders";
    cancel_without_a_submit_orders_nothing: "01_two_submits" "cancel_orders";
    forged_answer_after_a_2xx_is_not_believed: "02_forged_answers" "after_2xx";
    forged_answer_without_a_reply_is_not_believed: "02_forged_answers" "after_no_answer";
    forged_answer_after_a_refusal_submits_nothing: "02_forged_answers" "after_a_refusal";
    forged_answer_after_429_pays_once: "02_forged_answers" "after_put_off";
    component_that_stops_after_its_submit_pays_once: "02_forged_answers" "stopped_";
    throttled_submit_is_sent_again: "02_forged_answers" "put_off_";
    refusal_in_a_2xx_submits_nothing_by_itself: "02_forged_answers" "refusals_";
    acceptance_without_an_accepted_submit_pays_once: "02_forged_answers" "accepted_";
    credential_arrives_in_its_header_alone: "04_header_of_the_credential" "catalog_";
    forbidden_header_of_the_credential_is_refused: "04_header_of_the_credential" "manifest_";
    read_that_a_header_makes_a_submit_is_not_sent: "04_header_of_the_credential" "read_";
    forbidden_header_of_the_pack_is_not_sent: "04_header_of_the_credential" "own_";
    echo_of_the_credential_is_hidden_from_the_pack: "04_header_of_the_credential" "echo_";
    key_elsewhere_than_configured_is_no_key: "05_idempotency_key" "key_elsewhere";
    key_in_its_header_pays_once: "05_idempotency_key" "key_in_its_header";
    submit_that_changes_under_one_key_is_sent_once: "05_idempotency_key" "body_";
    bodies_and_replies_count_in_the_budget: "06_memory" "";
    path_that_needs_normalization_is_refused: "07_paths" "";
    credential_and_downloads_stay_at_the_connection: "08_results" "";
    texts_of_a_pack_are_made_printable: "10_texts" "";
    cancel_by_the_create_path_buys_nothing: "11_cancel" "create_";
    cancel_by_a_route_not_asked_for_is_not_sent: "11_cancel" "route_";
    cancel_by_a_granted_route_is_sent_once: "11_cancel" "granted_";
    charge_of_an_accepted_submit_is_not_the_packs: "11_cancel" "charge_";
    errors_of_a_poll_do_not_take_the_charge_back: "11_cancel" "errors_";
    lost_job_keeps_its_charge: "11_cancel" "lost_";
    cancel_of_an_unknown_outcome_buys_nothing: "11_cancel" "cancel_";
    neighbours_on_the_connection_go_on: "12_neighbours" "";
}

/// The pictures' names are instructions, which other systems do not permit in a file name.
#[cfg(unix)]
mod uploads {
    use super::stopped;

    #[test]
    fn upload_that_is_not_asked_for_is_not_sent() {
        stopped("03_uploads", "");
    }
}
