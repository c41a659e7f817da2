//! Rows that are tried at the same time, each a named check.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// How many rows are tried at the same time.
const AT_ONCE: usize = 3;

/// A named check, which panics when it fails.
type Row = (String, Box<dyn FnOnce() + Send>);

#[derive(Default)]
pub(super) struct Table(Vec<Row>);

impl Table {
    pub(super) fn row(&mut self, name: impl Into<String>, check: impl FnOnce() + Send + 'static) {
        self.0.push((name.into(), Box::new(check)));
    }

    /// Tries every row, and panics with the names and messages of those that fail.
    #[track_caller]
    pub(super) fn try_all(self) {
        let tried = self.0.len();
        let rows = Mutex::new(self.0.into_iter());
        let failed = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let next = rows.lock().expect("the rows").next();
                        let Some((name, check)) = next else { break };
                        if let Err(panic) = catch_unwind(AssertUnwindSafe(check)) {
                            let text = panic.downcast_ref::<String>().map(String::as_str);
                            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                            let why = text.unwrap_or("it panicked");
                            let mut failed = failed.lock().expect("the failures");
                            failed.push(format!("{name}: {why}"));
                        }
                    }
                });
            }
        });
        let failed = failed.into_inner().expect("the failures");
        let (count, text) = (failed.len(), failed.join("\n\n"));
        assert!(failed.is_empty(), "{count} of {tried} rows:\n{text}");
    }
}
