//! The actions of an instruction: computing, allocating, printing, leaking and sending.

use std::hint::black_box;
use std::io::Write as _;

use wasip2::cli::{
    environment, exit, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout,
};
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::random::{insecure, insecure_seed, random};

use crate::bindings::connections;
use crate::instructions::Action;
use crate::leaks::leak;
use crate::orders::Opened;
use crate::requests::send;
use crate::text::Seen;

/// Bytes of one allocation or one write.
const PIECE: usize = 1 << 20;

/// Carries the actions out in order.
pub fn perform_all(actions: &[Action], seen: &mut Seen) {
    let mut opened = Opened::default();
    for action in actions {
        perform(action, &mut opened, seen);
    }
    opened.leave();
}

fn perform(action: &Action, opened: &mut Opened, seen: &mut Seen) {
    match action {
        Action::Loop => run_for_ever(),
        Action::Recurse => {
            black_box(recurse(0));
        }
        Action::Allocate => take(usize::MAX),
        Action::Take(bytes) => take(*bytes),
        Action::Exit(code) => exit::exit_with_code(*code),
        Action::Abort => std::process::abort(),
        Action::Panic(message) => panic!("{}", message.written(seen)),
        Action::Print { bytes, text } => print(*bytes, text),
        Action::LookAround => look_around(seen),
        Action::AskTheTime => ask_the_time(seen),
        Action::SleepMs(duration) => {
            monotonic_clock::subscribe_duration(duration.saturating_mul(1_000_000)).block();
        }
        Action::WaitForEver => monotonic_clock::subscribe_duration(u64::MAX).block(),
        Action::Leak { what, count } => leak(*what, *count),
        Action::Connection => match connections::get("pixelml") {
            Ok(connection) => seen.note(format!(
                "connection {}: {} headers, options {}",
                connection.id,
                connection.headers.len(),
                connection.options
            )),
            Err(_) => seen.note("no connection"),
        },
        Action::Request(sending) => send(sending, seen),
        Action::Open {
            name,
            request,
            written,
        } => opened.open(name, request, *written, seen),
        Action::End(name) => opened.end(name, seen),
        Action::Await(name) => opened.wait_for(name, seen),
        Action::Drop(name) => opened.drop(name),
    }
}

fn run_for_ever() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

#[expect(unconditional_recursion, reason = "the host must stop it")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth.wrapping_add(1)))).wrapping_add(1)
}

fn take(bytes: usize) {
    let mut taken = Vec::new();
    for _ in 0..bytes / PIECE {
        taken.push(vec![0xa5_u8; PIECE]);
    }
    black_box(&taken);
}

fn print(bytes: usize, text: &str) {
    let piece = text.repeat((PIECE / text.len().max(1)).max(1));
    for _ in 0..bytes.div_ceil(piece.len().max(1)) {
        // The host may refuse further output; the action continues.
        let _ = std::io::stdout().write_all(piece.as_bytes());
        let _ = std::io::stderr().write_all(piece.as_bytes());
    }
    let _ = std::io::stdout().flush();
}

fn look_around(seen: &mut Seen) {
    seen.note(format!("environment {:?}", environment::get_environment()));
    seen.note(format!("arguments {:?}", environment::get_arguments()));
    seen.note(format!("folder {:?}", environment::initial_cwd()));
    let terminals = [
        terminal_stdin::get_terminal_stdin().is_some(),
        terminal_stdout::get_terminal_stdout().is_some(),
        terminal_stderr::get_terminal_stderr().is_some(),
    ];
    seen.note(format!("terminals {terminals:?}"));
    let read = stdin::get_stdin().blocking_read(1 << 20);
    seen.note(format!(
        "input {}",
        if read.is_ok() { "some" } else { "at its end" }
    ));
    let room =
        [stdout::get_stdout(), stderr::get_stderr()].map(|stream| stream.check_write().is_ok());
    seen.note(format!("output {room:?}"));
}

fn ask_the_time(seen: &mut Seen) {
    let times = (monotonic_clock::now(), wall_clock::now().seconds);
    let numbers = (
        random::get_random_bytes(1 << 16).len(),
        insecure::get_insecure_random_bytes(1 << 16).len(),
    );
    black_box((times, insecure_seed::insecure_seed()));
    seen.note(format!("random {numbers:?}"));
}
