//! Attacks on the host, each a named case that must be stopped.
//!
//! One test tries all of them and prints the numbers tried and stopped
//! (`cargo test --test end_to_end attacks -- --nocapture`). `ZOETROPE_ATTACK=WORD` selects the
//! attacks whose name contains the word.
//!
//! - [`imports`]: components that import interfaces which no pack is given
//! - [`computing`]: components that do not return, or that exit, abort or panic
//! - [`memory`]: components that allocate beyond the limits, or leak resources
//! - [`output`]: components that flood their output, or look for the credential
//! - [`answers`]: answers that exceed the limits or contain terminal escapes
//! - [`permissions`]: components that exceed their manifest or their grant
//! - [`submits`], [`headers`], [`request_targets`]: requests that are not permitted
//! - [`addresses`]: forbidden addresses in each of the [`notations`], by each kind of request
//! - [`rebinding`]: names whose addresses change between two lookups
//! - [`redirects`], [`replies`]: servers that redirect, or whose replies are malformed or endless
//! - [`results`]: URLs of results and ids in headers that lead elsewhere; clips in endless replies;
//!   decompression bombs
//! - [`uploads`]: plans of an upload to a URL outside of the connection
//! - [`jobs`]: hostile components under the command line
//!
//! Most attacks use the component in `guests/hostile`, in the host of [`fixture`].

mod addresses;
mod answers;
mod computing;
mod fixture;
mod headers;
mod imports;
mod jobs;
mod memory;
mod notations;
mod output;
mod permissions;
mod rebinding;
mod redirects;
mod replies;
mod request_targets;
mod results;
mod submits;
#[cfg(unix)]
mod uploads;

use std::any::Any;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// One attack. It panics unless the host stops it with the expected error.
pub(crate) struct Attack {
    name: String,
    run: Box<dyn FnOnce() + Send>,
}

/// Attacks of one kind.
pub(crate) struct Family {
    name: &'static str,
    attacks: Vec<Attack>,
}

impl Family {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            attacks: Vec::new(),
        }
    }

    /// Adds an attack.
    pub(crate) fn attack(&mut self, name: impl Into<String>, run: impl FnOnce() + Send + 'static) {
        self.attacks.push(Attack {
            name: name.into(),
            run: Box::new(run),
        });
    }
}

/// All attacks.
fn families() -> Vec<Family> {
    let mut families = vec![
        imports::family(),
        computing::family(),
        memory::memory(),
        memory::resources(),
        output::family(),
        answers::family(),
        permissions::family(),
        submits::family(),
        headers::family(),
        request_targets::family(),
        rebinding::family(),
        redirects::family(),
        replies::family(),
        results::family(),
        jobs::family(),
    ];
    families.extend(addresses::families());
    #[cfg(unix)]
    families.push(uploads::family());
    families
}

#[test]
fn every_attack_is_stopped() {
    let wanted = std::env::var("ZOETROPE_ATTACK").unwrap_or_default();
    let mut summary = Summary::default();
    for mut family in families() {
        family
            .attacks
            .retain(|attack| attack.name.contains(&wanted));
        let tried = family.attacks.len();
        let begun = Instant::now();
        let failed = tried_all(family.attacks);
        summary.add(family.name, tried, failed, begun.elapsed());
    }
    println!("{}", summary.table());
    let let_through = summary.let_through.join("\n");
    assert!(let_through.is_empty(), "not stopped:\n{let_through}");
}

/// The numbers tried and stopped.
#[derive(Default)]
struct Summary {
    rows: String,
    tried: usize,
    let_through: Vec<String>,
}

impl Summary {
    fn add(&mut self, family: &str, tried: usize, failed: Vec<String>, took: Duration) {
        let stopped = tried - failed.len();
        let seconds = took.as_secs_f32();
        let _ = writeln!(
            self.rows,
            "{family:24} {tried:5} tried, {stopped:5} stopped {seconds:6.1} s"
        );
        self.tried += tried;
        self.let_through
            .extend(failed.into_iter().map(|why| format!("{family}: {why}")));
    }

    fn table(&self) -> String {
        let tried = self.tried;
        let stopped = tried - self.let_through.len();
        format!(
            "{}{:24} {tried:5} tried, {stopped:5} stopped",
            self.rows, "all"
        )
    }
}

/// Tries attacks on a few threads. Returns the failures of those that were not stopped.
fn tried_all(attacks: Vec<Attack>) -> Vec<String> {
    const AT_ONCE: usize = 4;
    let left = Mutex::new(attacks.into_iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("the attacks").next();
                    let Some(Attack { name, run }) = next else {
                        break;
                    };
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                        let why = panic_message(panic.as_ref());
                        failed
                            .lock()
                            .expect("the failures")
                            .push(format!("{name}: {why}"));
                    }
                }
            });
        }
    });
    failed.into_inner().expect("the failures")
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
        .to_owned()
}
