//! `zoetrope packs allow`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use sha2::{Digest as _, Sha256};
use zoetrope_bundled_pack::DIGEST;
use zoetrope_host::component::Pack;
use zoetrope_host::config::Config;
use zoetrope_host::connections::ConnectionId;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::policy::{Connections, Grant, Manifest};
use zoetrope_host::sanitize::escaped_path;

use super::confirm::{confirmed, may_cost};
use super::edit::Target;
use super::manifest_of;
use super::show::show;
use crate::args::packs::Allow;
use crate::categories::misspelled;
use crate::configuration::PRACTICE;
use crate::context::{Context, bad_component, read_component};
use crate::report::{Failure, Phase, next_step, unwritten};

impl Allow {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let component = read_component(&self.file)
            .map_err(|failure| failure.then("Name the file of a WebAssembly component".into()))?;
        let digest: Sha256Digest = Sha256::digest(&component).into();
        let requested = manifest_of(&self.file, &component)?;
        let target = Target::of(context).await?;
        let config = context.config().await?;
        let known = config.policy().grant(&digest);
        let is_unchanged = known.is_some() && self.connections.is_empty() && !self.more;
        if digest == DIGEST.into() || is_unchanged {
            context.printer().info("This component is already allowed.");
            show(context, config, config.policy(), digest, Some(&requested))?;
            return Ok(ExitCode::SUCCESS);
        }
        if known.is_none() && !self.more {
            self.compare(config, &requested, context)?;
        }
        let grant = Grant {
            connections: Connections::These(self.connections(config, &requested, context)?),
            ..Grant::as_asked(&requested)
        };
        let policy = config.policy().clone().with(digest, grant.clone());
        // Its compiled code is kept for the first run.
        let engine = context.engine()?;
        Pack::load(&engine, &component, &policy)
            .map_err(|error| bad_component(&self.file, &chain(&error)))?;

        target.allow(&digest, &grant)?;
        let allowed = format!("Allowed in {}.", escaped_path(target.path()));
        context.printer().info(&allowed);
        for line in confirmed(config, &requested, &grant) {
            context.printer().info(&line);
        }
        for line in may_cost(&grant) {
            context.printer().message(&line);
        }
        let written = show(context, config, &policy, digest, Some(&requested));
        unwritten::end(written, context.printer(), |error| {
            let message = format!("the component {digest} is allowed, but {error}");
            Failure::internal(Phase::Setup, message)
                .of_unwritten(Vec::new())
                .then(next_step::list_packs(&context.options()))
        })
    }

    /// Refuses a component that requests more than an allowed one of the same name.
    fn compare(
        &self,
        config: &Config,
        requested: &Manifest,
        context: &Context,
    ) -> Result<(), Failure> {
        match config.policy().additional_permissions(requested) {
            Some(more) if !more.is_empty() => {
                let message = format!(
                    "this component requests more than the allowed `{}`: {more}",
                    requested.name
                );
                let next = next_step::allow_more(&self.file, &context.options());
                Err(Failure::new(ErrorKind::Denied, Phase::Setup, message).then(next))
            }
            _ => Ok(()),
        }
    }

    /// The connections to grant: those of `--connection`, or one of each category.
    fn connections(
        &self,
        config: &Config,
        requested: &Manifest,
        context: &Context,
    ) -> Result<BTreeSet<ConnectionId>, Failure> {
        for id in &self.connections {
            let category = config.connection(id.as_str()).map(|found| found.category());
            let is_practice = category.is_none() && id.as_str() == PRACTICE;
            if !is_practice
                && category.is_none_or(|category| !requested.connections.contains(category))
            {
                let why = match category {
                    None => format!("there is no connection `{id}`"),
                    Some(category) => format!(
                        "the pack does not request connections of category `{category}`, such as `{id}`"
                    ),
                };
                return Err(Failure::usage(why).then("Give another --connection".into()));
            }
        }
        if !self.connections.is_empty() {
            return Ok(self.connections.iter().cloned().collect());
        }
        let mut known = context.categories(config);
        known.extend(requested.connections.iter().cloned());
        let unused = config.unused_connections(&known);
        let found = requested.connections.iter().map(|category| {
            let selected = config.select(category, None).map_err(|error| {
                let next = "Choose connections with --connection, then run again";
                Failure::usage(chain(&error)).then(next.into())
            })?;
            match selected {
                Some(connection) => Ok(connection.id().clone()),
                None if !unused.is_empty() => Err(misspelled(config, category, &unused)),
                None => PRACTICE.parse().map_err(
                    |error: zoetrope_host::connections::ConnectionIdError| {
                        Failure::internal(Phase::Setup, error.to_string())
                    },
                ),
            }
        });
        found.collect()
    }
}
