//! The due jobs, one lane for each component on each connection, and whose turn it is.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use crate::ledger::{Job, Lane};

/// The number of due rows of a lane that are read at once.
pub(super) const BATCH: usize = 512;

/// The lane of a job.
pub(super) fn lane_of(job: &Job) -> Lane {
    Lane {
        connection: job.spec.connection.clone(),
        component: job.spec.component.clone(),
    }
}

/// Jobs by lane.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Lane, Queue>,
    /// The lane that had a turn last.
    last: Option<Lane>,
}

/// The jobs of a lane.
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

impl Lanes {
    pub(super) fn push(&mut self, job: Job) {
        let queue = self.lanes.entry(lane_of(&job)).or_default();
        queue.jobs.push_back(job);
    }

    /// Returns a job to the place that it had.
    pub(super) fn push_front(&mut self, job: Job) {
        let queue = self.lanes.entry(lane_of(&job)).or_default();
        queue.jobs.push_front(job);
    }

    /// The next job of a lane.
    pub(super) fn pop(&mut self, lane: &Lane) -> Option<Job> {
        self.lanes.get_mut(lane)?.jobs.pop_front()
    }

    /// Adds the due rows that were read.
    pub(super) fn extend(&mut self, lane: Lane, due: Vec<Job>) {
        let queue = self.lanes.entry(lane).or_default();
        queue.has_more = due.len() == BATCH;
        queue.jobs.extend(due);
    }

    /// Whether more due rows of a lane are to be read.
    pub(super) fn has_capacity(&self, lane: &Lane) -> bool {
        self.lanes.get(lane).is_none_or(Queue::has_capacity)
    }

    /// Whether a lane has capacity again, and the ledger had more of its rows.
    pub(super) fn wants_more(&self) -> bool {
        let mut queues = self.lanes.values();
        queues.any(|queue| queue.has_more && queue.has_capacity())
    }

    /// Forgets the lanes without jobs.
    pub(super) fn forget_empty(&mut self) {
        self.lanes.retain(|_, queue| !queue.jobs.is_empty());
    }

    /// Forgets the lanes without jobs. The others that have capacity are read next.
    pub(super) fn begin_read(&mut self) {
        self.forget_empty();
        for queue in self.lanes.values_mut().filter(|queue| queue.has_capacity()) {
            queue.has_more = false;
        }
    }

    /// The lanes with jobs.
    pub(super) fn ready(&self) -> impl Iterator<Item = &Lane> {
        let ready = self
            .lanes
            .iter()
            .filter(|(_, queue)| !queue.jobs.is_empty());
        ready.map(|(lane, _)| lane)
    }

    /// The lanes with jobs, in the order of their turns: first those after the lane that had the
    /// last one.
    pub(super) fn turns(&self) -> VecDeque<Lane> {
        let Some(last) = &self.last else {
            return self.ready().cloned().collect();
        };
        let later = self.lanes.range((Excluded(last), Unbounded));
        let earlier = self.lanes.range(..=last);
        later
            .chain(earlier)
            .filter(|(_, queue)| !queue.jobs.is_empty())
            .map(|(lane, _)| lane.clone())
            .collect()
    }

    /// A job of this lane was started.
    pub(super) fn took_turn(&mut self, lane: &Lane) {
        self.last = Some(lane.clone());
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
    fn taken(lanes: &mut Lanes, turns: usize) -> String {
        let mut taken = String::new();
        for _ in 0..turns {
            let Some(lane) = lanes.turns().pop_front() else {
                break;
            };
            lanes.took_turn(&lane);
            lanes.pop(&lane).expect("a job");
            taken.push_str(&lane.connection);
            taken.push_str(&lane.component);
            taken.push(' ');
        }
        taken
    }

    #[test]
    fn lanes_take_turns_however_many_jobs_each_has() {
        let mut lanes = Lanes::default();
        for number in 0..100 {
            lanes.push(job(number, "a", "x"));
        }
        lanes.push(job(100, "a", "y"));
        for number in 101..103 {
            lanes.push(job(number, "b", "x"));
        }
        assert_eq!(taken(&mut lanes, 7), "ax ay bx ax bx ax ax ");
    }

    #[test]
    fn full_lane_does_not_keep_the_rows_of_another_from_being_read() {
        let mut lanes = Lanes::default();
        let full = lane_of(&job(0, "a", "x"));
        let other = lane_of(&job(0, "a", "y"));
        let due = (0..BATCH).map(|number| job(number, "a", "x"));
        lanes.extend(full.clone(), due.collect());
        assert!(!lanes.has_capacity(&full) && lanes.has_capacity(&other));
        assert!(!lanes.wants_more());
        for _ in 0..=BATCH / 2 {
            lanes.pop(&full);
        }
        assert!(lanes.wants_more());
        lanes.begin_read();
        assert!(!lanes.wants_more());
        lanes.push_front(job(BATCH, "a", "x"));
        let first = lanes.pop(&full).expect("a job");
        assert_eq!(first.spec.id, BATCH.to_string());
    }

    #[test]
    fn lane_without_jobs_is_forgotten_and_the_turns_go_on() {
        let mut lanes = Lanes::default();
        for connection in ["a", "b"] {
            lanes.push(job(0, connection, "x"));
        }
        assert_eq!(taken(&mut lanes, 1), "ax ");
        lanes.forget_empty();
        assert_eq!(lanes.lanes.len(), 1);
        assert_eq!(taken(&mut lanes, 1), "bx ");
        lanes.forget_empty();
        assert!(lanes.lanes.is_empty());
    }
}
