//! The text of `zoetrope jobs show`: a job as a receipt.

use indicatif::HumanBytes;
use zoetrope_host::contract::Charge;
use zoetrope_host::jobs::{Comparison, FileState, error_text};
use zoetrope_host::ledger::{ClipFile, EarlierAttempt, HistoryEntry, Job, Millis, State, Target};
use zoetrope_host::sanitize::escaped_path;

use super::list;
use super::page::Page;
use crate::ago::{absolute, relative};
use crate::practice_jobs::is_practice;
use crate::report::outcome;
use crate::style::{Style, StyledText};

/// What a receipt shows beside the row.
pub(super) struct Receipt<'a> {
    pub(super) job: &'a Job,
    pub(super) history: &'a [HistoryEntry],
    pub(super) earlier: &'a [EarlierAttempt],
    /// The uploads that were ready to be sent for the job.
    pub(super) uploads: u32,
    /// What became of the commands of its ends.
    pub(super) end_commands: Vec<String>,
    pub(super) submitted_at: Option<Millis>,
    pub(super) removed_at: Option<Millis>,
    /// The input, as JSON on several lines.
    pub(super) input: Option<String>,
    /// The next command; none for a job whose result is there.
    pub(super) next: Option<String>,
    pub(super) now: Millis,
}

impl Receipt<'_> {
    /// The text, whose sentences are wrapped at this width.
    pub(super) fn text(&self, width: usize) -> StyledText {
        let mut page = Page::new(width);
        self.head(&mut page);
        self.times(&mut page);
        self.result(&mut page);
        self.cost(&mut page);
        self.error(&mut page);
        self.attempts(&mut page);
        self.end_commands(&mut page);
        self.story(&mut page);
        if let Some(input) = &self.input {
            page.section("Input");
            page.text.plain(format!("{input}\n"));
        }
        if let Some(next) = &self.next {
            page.text.plain("\n");
            page.text.push(Style::Strong, "Next: ");
            page.text.plain(format!("{next}\n"));
        }
        page.text
    }

    fn head(&self, page: &mut Page) {
        let (job, spec) = (self.job, &self.job.spec);
        page.text.push(Style::Strong, format!("Job {}", spec.id));
        page.text.plain("  ");
        page.text.push(list::style(job), job.state().as_str());
        if self.removed_at.is_some() {
            page.text.plain(", deleted");
        }
        page.text.plain("\n\n");
        page.field("Node", &spec.node);
        page.field("Connection", &spec.connection);
        page.field("Provider", &spec.provider_origin);
        page.optional("Provider ID", job.provider_job_id());
        if job
            .stage
            .provider_job()
            .is_some_and(|job| job.is_unconfirmed)
        {
            page.styled("", Style::Attention, "not confirmed by the provider yet");
        }
        page.field("Key", &spec.key);
        if job.retries > 0 {
            page.field("Retries", &job.retries.to_string());
        }
    }

    fn times(&self, page: &mut Page) {
        let (job, schedule) = (self.job, &self.job.schedule);
        let mut time = |label, time: Option<Millis>| {
            let time =
                time.map(|time| format!("{} ({})", absolute(time), relative(time, self.now)));
            page.optional(label, time.as_deref());
        };
        time("Created", Some(job.spec.created_at));
        time("Submitted", self.submitted_at);
        let ended = self.history.last().filter(|_| job.is_done());
        time("Ended", ended.map(|entry| entry.at));
        time("Cancel sent", schedule.cancel_sent_at);
        time("Next step", schedule.next_at);
        let is_awaited = !job.is_done() && self.removed_at.is_none();
        time(
            "Deadline",
            Some(schedule.deadline_at).filter(|_| is_awaited),
        );
        time("Deleted", self.removed_at);
    }

    fn result(&self, page: &mut Page) {
        let job = self.job;
        let (Target::File(target) | Target::Stem(target)) = &job.target;
        let files = job.file().filter(|_| job.is_finalized());
        let is_expected = !matches!(job.state(), State::Failed | State::Cancelled);
        match files {
            None if !is_expected || target.as_os_str().is_empty() => {}
            None => {
                page.section("Result");
                let label = match self.removed_at {
                    Some(_) => "Was at",
                    None => "Will be at",
                };
                page.exact(label, &escaped_path(target));
            }
            Some(files) => {
                page.section("Result");
                for file in files.all() {
                    page.exact("File", &escaped_path(&file.path));
                    let (style, place) = place(file);
                    page.styled("", style, &place);
                    let size = HumanBytes(file.bytes);
                    page.field("", &format!("{}, {size}", file.media_type));
                    page.exact("SHA-256", &file.sha256);
                }
            }
        }
    }

    fn cost(&self, page: &mut Page) {
        let job = self.job;
        page.section("Cost");
        let charge = match job.charge() {
            Charge::Yes => "yes",
            Charge::No => "no",
            Charge::Unknown => "unknown: the provider may charge for this job",
        };
        if is_practice(job) {
            page.field("Charged", "no money: this is the practice provider");
            return;
        }
        page.field("Charged", charge);
        let price = outcome::price(job).unwrap_or_else(|| "not known".into());
        if job.charge() != Charge::No {
            page.field("Amount", &price);
        }
        match job.billing.reported {
            Some(Charge::No) => page.field("Report", "the pack reports: not charged"),
            Some(_) => page.field("Report", "the pack reports: charged"),
            None => {}
        }
        if self.uploads > 0 {
            page.field("Uploads", &self.uploads.to_string());
        }
    }

    fn error(&self, page: &mut Page) {
        if let Some(error) = &self.job.last_error {
            page.section("Error");
            page.field("Kind", error.kind.as_str());
            page.field("Message", &error_text(self.job).unwrap_or_default());
        }
    }

    fn attempts(&self, page: &mut Page) {
        if self.earlier.is_empty() {
            return;
        }
        page.section("Earlier attempts");
        for attempt in self.earlier {
            let cost = attempt.cost.as_ref();
            let cost = cost.map(|cost| format!(", {} {}", cost.amount, cost.unit));
            let id = attempt.provider_job_id.as_deref();
            let id = id.map(|id| format!(", provider ID {id}"));
            let error = attempt.message.as_deref();
            let error = error.map(|message| format!(": {message}"));
            let text = format!(
                "{}, charged: {}{}{}{}",
                attempt.state.as_str(),
                attempt.charge.as_str(),
                cost.unwrap_or_default(),
                id.unwrap_or_default(),
                error.unwrap_or_default()
            );
            page.field(&(attempt.retries + 1).to_string(), &text);
        }
    }

    fn end_commands(&self, page: &mut Page) {
        if self.end_commands.is_empty() {
            return;
        }
        page.section("Commands at the end");
        for command in &self.end_commands {
            page.text.plain(format!("  {command}\n"));
        }
    }

    fn story(&self, page: &mut Page) {
        if self.history.is_empty() {
            return;
        }
        page.section("History");
        for entry in self.history {
            let state = entry.state.as_str();
            let error = entry.error.map_or("", |kind| kind.as_str());
            let text = format!("  {}  {state:15}  {error}", absolute(entry.at));
            page.text.plain(format!("{}\n", text.trim_end()));
        }
    }
}

/// Whether a file is where it was written.
fn place(file: &ClipFile) -> (Style, String) {
    match FileState::of(file, Comparison::Content) {
        FileState::Present => (Style::Good, "the file is there".into()),
        FileState::Changed => (Style::Attention, "another file is there now".into()),
        FileState::Missing => (Style::Bad, "the file is not there any more".into()),
        FileState::Unreadable => {
            let why = FileState::unreadable(&file.path);
            (Style::Attention, format!("the file {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use textwrap::core::display_width;
    use zoetrope_host::error::ErrorKind;
    use zoetrope_host::ledger::{JobError, JobSpec};

    use super::*;

    const NOW: Millis = 1_795_917_600_000;

    fn job() -> Job {
        let spec = JobSpec {
            id: "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".into(),
            node: "image_to_video_v3".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: String::new(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: "order-66".into(),
            idempotency_ms: 0,
            created_at: NOW - 180_000,
        };
        let target = Target::Stem("/clips/a".into());
        let mut job = Job::new(spec, target, "r".into(), NOW - 60_000);
        job.schedule.next_at = None;
        let message = "the deadline passed before the provider accepted the job; the provider said \
                       that it is busy";
        job.last_error = Some(JobError::new(ErrorKind::Deadline, message));
        job
    }

    #[test]
    fn receipt_has_sections_and_fits_80_columns() {
        let job = job();
        let history = [HistoryEntry {
            at: NOW - 180_000,
            state: State::Queued,
            error: None,
        }];
        let receipt = Receipt {
            job: &job,
            history: &history,
            earlier: &[],
            uploads: 0,
            end_commands: Vec::new(),
            submitted_at: None,
            removed_at: None,
            input: None,
            next: Some("zoetrope jobs resume 0a1b2c3d".into()),
            now: NOW,
        };
        let text = receipt.text(80).rendered(false);
        let expected = "\
Job 0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d  queued

  Node          image_to_video_v3
  Connection    pixelml
  Provider      https://p.example
  Key           order-66
  Created       2026-11-29 01:57:00 UTC (3 min ago)
  Deadline      2026-11-29 01:59:00 UTC (1 min ago)

Result
  Will be at    /clips/a

Cost
  Charged       no

Error
  Kind          deadline
  Message       the deadline passed before the provider accepted the job; the
                provider said that it is busy

History
  2026-11-29 01:57:00 UTC  queued

Next: zoetrope jobs resume 0a1b2c3d
";
        assert_eq!(text, expected);
        for width in [40, 80, 200] {
            let text = receipt.text(width).rendered(false);
            let widest = text.lines().map(display_width).max();
            assert!(widest <= Some(width.max(53)), "{width}:\n{text}");
        }
    }
}
