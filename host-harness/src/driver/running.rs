//! The steps that run.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};
use tracing::{Instrument as _, Span};

use super::admit::Kind;
use super::steps::Done;
use crate::ledger::{LedgerError, QueueId};

/// The step that a task carries out.
pub(super) struct Task {
    pub(super) job: String,
    pub(super) queue_id: QueueId,
    pub(super) kind: Kind,
    /// Whether it opens its connection, for which other jobs wait.
    pub(super) opens: bool,
}

pub(super) type StepResult = Result<Done, Arc<LedgerError>>;

/// The running steps, as tasks.
#[derive(Default)]
pub(super) struct Running {
    pub(super) tasks: JoinSet<StepResult>,
    steps: HashMap<Id, Task>,
}

impl Running {
    pub(super) fn spawn(
        &mut self,
        task: Task,
        span: Span,
        step: impl Future<Output = StepResult> + Send + 'static,
    ) {
        let handle = self.tasks.spawn(step.instrument(span));
        self.steps.insert(handle.id(), task);
    }

    /// The step of a task that has ended, and its outcome; `None` if it panicked or was aborted.
    pub(super) fn finished(
        &mut self,
        finished: Result<(Id, StepResult), JoinError>,
    ) -> Option<(Task, Option<StepResult>)> {
        let (id, outcome) = match finished {
            Ok((id, outcome)) => (id, Some(outcome)),
            Err(error) => {
                tracing::error!(%error, "a step panicked or was aborted");
                (error.id(), None)
            }
        };
        Some((self.steps.remove(&id)?, outcome))
    }

    /// The queues of the running steps of some kinds, one entry for each step.
    pub(super) fn queues(&self, of: impl Fn(Kind) -> bool) -> impl Iterator<Item = &QueueId> {
        let steps = self.steps.values().filter(move |task| of(task.kind));
        steps.map(|task| &task.queue_id)
    }

    /// Whether uploads of components run for which `counts` is true.
    pub(super) fn has_uploads(&self, counts: impl Fn(&str) -> bool) -> bool {
        let mut uploads = self.queues(|kind| kind == Kind::Upload);
        uploads.any(|queue_id| counts(&queue_id.component))
    }

    pub(super) fn has_submits(&self) -> bool {
        self.queues(|kind| kind == Kind::Submit).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn step_that_panics_leaves_what_it_held() {
        let mut running = Running::default();
        let queue_id = QueueId {
            connection: "a".into(),
            component: "c".into(),
        };
        let task = Task {
            job: "j".into(),
            queue_id: queue_id.clone(),
            kind: Kind::Submit,
            opens: true,
        };
        running.spawn(task, Span::none(), async { panic!("a fault") });
        assert!(running.has_submits());
        assert_eq!(running.queues(|_| true).collect::<Vec<_>>(), [&queue_id]);
        let ended = running.tasks.join_next_with_id().await.expect("a task");
        let (task, outcome) = running.finished(ended).expect("its step");
        // The leader lets the next job open the connection, and does not repeat this one.
        assert!(task.opens && outcome.is_none());
        assert_eq!(task.job, "j");
        assert!(!running.has_submits());
    }
}
