//! Progress on terminals of several widths, on one without a cursor, and in a file.

use std::fs::File;
use std::process::Stdio;

use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;

use super::process::{Process, read};
use super::pseudo_terminal::{on, terminal};
use crate::support::provider::Server;
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{POLL, RUN, end_the_job, slow_provider};

const BATCH: [&str; 6] = [
    "run",
    "image_to_video_v3",
    "--batch",
    "lines.jsonl",
    "--out-dir",
    "clips",
];

/// A batch of so many lines.
fn batch_of(lines: usize) -> (Server, Sandbox) {
    let (provider, sandbox) = slow_provider();
    let line = json!({"prompt": "dunes", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(lines));
    (provider, sandbox)
}

fn resize(window: &File, columns: u16) {
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(window, size).expect("a size");
}

/// The drawn lines of the bar: what follows each return to the start of the line.
fn drawn(text: &str) -> Vec<&str> {
    let frames = text.split('\r').filter_map(|frame| {
        let frame = frame.split("\u{1b}[K").next()?;
        let is_bar = ["| ", "/ ", "- ", "\\ "]
            .iter()
            .any(|figure| frame.starts_with(figure));
        is_bar.then_some(frame)
    });
    frames.collect()
}

/// Waits until the bar was drawn several times.
fn wait_for_drawings(provider: &Server) {
    let polls = provider.counts().get(POLL).copied().unwrap_or_default();
    provider.wait_for(POLL, polls + 9);
}

#[test]
fn bar_of_a_batch_fits_its_terminal_before_and_after_a_resize() {
    for sizes in [[80, 40], [40, 80]] {
        let (provider, sandbox) = batch_of(3);
        let (window, programs) = terminal();
        resize(&window, sizes[0]);
        let mut command = on(programs, sandbox.command(BATCH));
        command.env("TERM", "xterm-256color");
        let process = Process::start(command);
        let text = read(window.try_clone().expect("a descriptor"));
        wait_for_drawings(&provider);
        resize(&window, sizes[1]);
        wait_for_drawings(&provider);
        end_the_job(&provider);
        process.code();
        drop(window);
        let text = text.join().expect("the reader");
        let drawn = drawn(&text);
        let width = |line: &str| line.chars().count();
        assert!(drawn.len() > 3, "{text:?}");
        assert!(drawn.iter().all(|line| width(line) < 80), "{drawn:?}");
        let at = |size: u16| match size {
            80 => drawn.iter().any(|line| width(line) >= 40),
            _ => drawn.iter().any(|line| width(line) < 40),
        };
        assert!(at(sizes[0]) && at(sizes[1]), "{drawn:?}");
        let narrow = match sizes {
            [40, _] => drawn.first(),
            _ => drawn.last(),
        };
        assert!(narrow.is_some_and(|line| width(line) < 40), "{drawn:?}");
        assert!(
            drawn.iter().any(|line| line.contains("of 3 done, ")),
            "{drawn:?}"
        );
        assert!(text.contains("3 jobs have their result"), "{text:?}");
    }
}

#[test]
fn terminal_without_a_cursor_and_a_file_get_plain_lines_with_the_final_state() {
    let (provider, sandbox) = batch_of(2);
    let (window, programs) = terminal();
    let mut command = on(programs, sandbox.command(BATCH));
    command.env("TERM", "dumb");
    let process = Process::start(command);
    let text = read(window);
    wait_for_drawings(&provider);
    end_the_job(&provider);
    process.code();
    let on_terminal = text.join().expect("the reader");

    let (provider, sandbox) = batch_of(2);
    let log = sandbox.path("log");
    let mut command = sandbox.command(BATCH);
    command.stdout(Stdio::null());
    command.stderr(File::create(&log).expect("a file"));
    let process = Process::start(command);
    wait_for_drawings(&provider);
    end_the_job(&provider);
    process.code();
    let in_file = std::fs::read_to_string(log).expect("the log");

    for text in [on_terminal.replace("\r\n", "\n"), in_file] {
        assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.contains(" of 2 done"))
            .collect();
        let last = lines.last().expect("a line");
        assert!(
            last.starts_with("2 of 2 done") || last.contains("failed"),
            "{text}"
        );
        assert!(lines.len() <= 8, "{text}");
    }
}

#[test]
fn quiet_commands_print_no_information() {
    let sandbox = Sandbox::new();
    sandbox.configure("");
    let check = "check image_to_video_v3 --set prompt=p --set image=https://p.example/a.png";
    for line in ["trust", check, "trust --revoke", "config path", "jobs"] {
        let words = line.split(' ').chain(["-q"]);
        let outcome = sandbox.start(sandbox.command_in_folder(words)).end();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{line}");
    }
}

#[test]
fn quiet_run_prints_its_path_alone_and_a_verbose_one_each_poll() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let quiet = sandbox.run(RUN[1..].iter().chain(&["-q"]));
    assert_eq!(quiet.code, 0, "{quiet:?}");
    assert_eq!(quiet.stderr, "");
    let clip = sandbox.path("clip.mp4");
    assert_eq!(quiet.stdout, format!("{}\n", clip.display()));
    // What went wrong is printed.
    let missing = sandbox.run(["-q", "jobs", "show", "nope"]);
    assert!(missing.stderr.starts_with("error: "), "{missing:?}");

    let (provider, sandbox) = slow_provider();
    let running = sandbox.start(sandbox.command(RUN[1..].iter().chain(&["-v"])));
    provider.wait_for(POLL, 2);
    end_the_job(&provider);
    let verbose = running.end();
    assert!(
        verbose.stderr.contains("the job is not finished"),
        "{verbose:?}"
    );
    let closing = verbose.stderr.lines().rfind(|line| line.contains("took"));
    let closing = closing.expect("a closing line");
    assert!(closing.starts_with("2.96 KiB, "), "{closing}");
    assert!(!verbose.stdout.contains("took"), "{verbose:?}");

    let (provider, sandbox) = slow_provider();
    let mut command = sandbox.command(RUN[1..].iter().chain(&["-vv"]));
    command.env("ZOETROPE_LOG", "error");
    let running = sandbox.start(command);
    provider.wait_for(POLL, 2);
    end_the_job(&provider);
    let silenced = running.end();
    assert!(!silenced.stderr.contains("DEBUG"), "{silenced:?}");
}
