//! The due jobs, one queue for each component on each connection, and whose turn it is.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use crate::ledger::{Job, QueueId};

/// The number of due rows of a queue that are read at once.
pub(super) const BATCH: usize = 512;

/// The queue of a job.
pub(super) fn queue_id_of(job: &Job) -> QueueId {
    QueueId {
        connection: job.spec.connection.clone(),
        component: job.spec.component.clone(),
    }
}

/// Jobs by queue.
#[derive(Default)]
pub(super) struct Queues {
    queues: BTreeMap<QueueId, Queue>,
    /// The queue that had a turn last.
    last: Option<QueueId>,
}

/// The jobs of a queue.
#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Whether the ledger had more due rows than were read.
    has_more: bool,
}

impl Queue {
    /// Whether more due rows are to be read into it.
    fn has_capacity(&self) -> bool {
        self.jobs.len() < BATCH / 2
    }
}

impl Queues {
    pub(super) fn push(&mut self, job: Job) {
        let queue = self.queues.entry(queue_id_of(&job)).or_default();
        queue.jobs.push_back(job);
    }

    /// Returns a job to the place that it had.
    pub(super) fn push_front(&mut self, job: Job) {
        let queue = self.queues.entry(queue_id_of(&job)).or_default();
        queue.jobs.push_front(job);
    }

    /// The next job of a queue.
    pub(super) fn pop(&mut self, queue_id: &QueueId) -> Option<Job> {
        self.queues.get_mut(queue_id)?.jobs.pop_front()
    }

    /// Adds the due rows that were read.
    pub(super) fn extend(&mut self, queue_id: QueueId, due: Vec<Job>) {
        let queue = self.queues.entry(queue_id).or_default();
        queue.has_more = due.len() == BATCH;
        queue.jobs.extend(due);
    }

    /// Whether more due rows of a queue are to be read.
    pub(super) fn has_capacity(&self, queue_id: &QueueId) -> bool {
        self.queues.get(queue_id).is_none_or(Queue::has_capacity)
    }

    /// Whether a queue has capacity again, and the ledger had more of its rows.
    pub(super) fn wants_more(&self) -> bool {
        let mut queues = self.queues.values();
        queues.any(|queue| queue.has_more && queue.has_capacity())
    }

    /// Forgets the queues without jobs.
    pub(super) fn forget_empty(&mut self) {
        self.queues.retain(|_, queue| !queue.jobs.is_empty());
    }

    /// Forgets the queues without jobs. The others that have capacity are read next.
    pub(super) fn begin_read(&mut self) {
        self.forget_empty();
        for queue in self
            .queues
            .values_mut()
            .filter(|queue| queue.has_capacity())
        {
            queue.has_more = false;
        }
    }

    /// The queues with jobs.
    pub(super) fn ready(&self) -> impl Iterator<Item = &QueueId> {
        let ready = self
            .queues
            .iter()
            .filter(|(_, queue)| !queue.jobs.is_empty());
        ready.map(|(queue_id, _)| queue_id)
    }

    /// The queues with jobs, in the order of their turns: first those after the queue that had the
    /// last one.
    pub(super) fn turns(&self) -> VecDeque<QueueId> {
        let Some(last) = &self.last else {
            return self.ready().cloned().collect();
        };
        let later = self.queues.range((Excluded(last), Unbounded));
        let earlier = self.queues.range(..=last);
        later
            .chain(earlier)
            .filter(|(_, queue)| !queue.jobs.is_empty())
            .map(|(queue_id, _)| queue_id.clone())
            .collect()
    }

    /// A job of this queue was started.
    pub(super) fn took_turn(&mut self, queue_id: &QueueId) {
        self.last = Some(queue_id.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{JobSpec, Target};

    fn job(number: usize, connection: &str, component: &str) -> Job {
        let spec = JobSpec {
            id: number.to_string(),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: component.into(),
            connection: connection.into(),
            provider_origin: "https://p.example".into(),
            key: number.to_string(),
            idempotency_ms: 0,
            created_at: 1_000,
        };
        let target = Target::File("/clips/j.mp4".into());
        Job::new(spec, target, "requester".into(), 1_800_000)
    }

    /// Takes turns as the leader does when one place becomes free at a time.
    fn taken(queues: &mut Queues, turns: usize) -> String {
        let mut taken = String::new();
        for _ in 0..turns {
            let Some(queue_id) = queues.turns().pop_front() else {
                break;
            };
            queues.took_turn(&queue_id);
            queues.pop(&queue_id).expect("a job");
            taken.push_str(&queue_id.connection);
            taken.push_str(&queue_id.component);
            taken.push(' ');
        }
        taken
    }

    #[test]
    fn lanes_take_turns_however_many_jobs_each_has() {
        let mut queues = Queues::default();
        for number in 0..100 {
            queues.push(job(number, "a", "x"));
        }
        queues.push(job(100, "a", "y"));
        for number in 101..103 {
            queues.push(job(number, "b", "x"));
        }
        assert_eq!(taken(&mut queues, 7), "ax ay bx ax bx ax ax ");
    }

    #[test]
    fn full_lane_does_not_keep_the_rows_of_another_from_being_read() {
        let mut queues = Queues::default();
        let full = queue_id_of(&job(0, "a", "x"));
        let other = queue_id_of(&job(0, "a", "y"));
        let due = (0..BATCH).map(|number| job(number, "a", "x"));
        queues.extend(full.clone(), due.collect());
        assert!(!queues.has_capacity(&full) && queues.has_capacity(&other));
        assert!(!queues.wants_more());
        for _ in 0..=BATCH / 2 {
            queues.pop(&full);
        }
        assert!(queues.wants_more());
        queues.begin_read();
        assert!(!queues.wants_more());
        queues.push_front(job(BATCH, "a", "x"));
        let first = queues.pop(&full).expect("a job");
        assert_eq!(first.spec.id, BATCH.to_string());
    }

    #[test]
    fn lane_without_jobs_is_forgotten_and_the_turns_go_on() {
        let mut queues = Queues::default();
        for connection in ["a", "b"] {
            queues.push(job(0, connection, "x"));
        }
        assert_eq!(taken(&mut queues, 1), "ax ");
        queues.forget_empty();
        assert_eq!(queues.queues.len(), 1);
        assert_eq!(taken(&mut queues, 1), "bx ");
        queues.forget_empty();
        assert!(queues.queues.is_empty());
    }
}
