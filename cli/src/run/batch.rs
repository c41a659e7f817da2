//! `run --batch`: a job for each line of a file.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use uuid::Uuid;
use zoetrope_host::driver::Until;
use zoetrope_host::ledger::Target;

use super::order::Order;
use super::{Run, absolute};
use crate::drive::drive;
use crate::failure::Failure;
use crate::input;
use crate::interrupts::Interrupts;
use crate::setup::{Setup, quoted, quoted_text};
use crate::summary::Summary;
use crate::view::View;

impl Run {
    /// Checks every line, and hands every picture over, before the first job is written down;
    /// all of them are in one commit. Then drives them all.
    pub(super) async fn batch(
        &self,
        setup: &Arc<Setup>,
        lines: &Path,
        folder: &Path,
    ) -> Result<ExitCode, Failure> {
        let orders = self.orders(setup, lines).await?;
        let folder = absolute(folder)?;
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::usage(format!("`{}` cannot be made: {error}", folder.display()))
        })?;
        let key = match &self.key {
            Some(key) => key.clone(),
            None => {
                let key = Uuid::now_v7().to_string();
                eprintln!("The same command with --key {key} goes on with this batch.");
                key
            }
        };
        let view = View::new(setup.options());
        let driver = setup.driver(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let width = orders.last().map_or(1, |(line, _)| line.to_string().len());
        let mut prepared = Vec::with_capacity(orders.len());
        for (line, order) in &orders {
            let target = Target::Stem(folder.join(format!("{line:0width$}")));
            let key = format!("{key}-{line}");
            let job = self.prepare(order, setup, &driver, &key, target, &mut interrupts);
            prepared.push(job.await?);
        }
        let jobs = self.add(setup, &driver, prepared).await?;
        let ids: Vec<_> = jobs.iter().map(|job| job.spec.id.clone()).collect();
        let jobs = drive(&driver, &view, &ids, Until::Settled, &mut interrupts).await?;
        let next = format!(
            "zoetrope run {} --batch {} --out-dir {} --key {}{}",
            quoted_text(&self.node),
            quoted(lines),
            quoted(&folder),
            quoted_text(&key),
            setup.options()
        );
        Summary::of(&jobs, setup).report(setup, &next)
    }

    /// Every line's order, by its number.
    async fn orders(&self, setup: &Setup, lines: &Path) -> Result<Vec<(usize, Order)>, Failure> {
        let node = setup.node_type(&self.node).await?;
        let text = input::read_lines(lines)?;
        let mut orders = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let checked = Order::check(self, setup, node.clone(), Some(line.to_owned())).await;
            let order = checked.map_err(|failure| failure.on_line(index + 1))?;
            orders.push((index + 1, order));
        }
        if orders.is_empty() {
            let message = format!("`{}` has no line with an input", lines.display());
            return Err(Failure::usage(message));
        }
        Ok(orders)
    }
}
