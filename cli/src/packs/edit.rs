//! Edits the `packs` tables of the configuration file. The rest of the file and its comments
//! stay unchanged.

use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};
use zoetrope_host::config::{
    Config, ConfigFile, Located, Place, TrustRecord, create_private_folder, replace_file,
};
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::policy::{Connections, Grant};
use zoetrope_host::sanitize::escaped_path;

use crate::context::Context;
use crate::report::{Failure, Phase};
use crate::shell::quoted;

/// The table of grants.
const PACKS: &str = "packs";

/// Why an untrusted file ends the command.
const NOT_CHANGED: &str = "it is the file that this command would change; nothing was changed";

/// The file to edit.
pub(super) struct Target<'a> {
    path: PathBuf,
    /// The text that was checked; empty if the file does not exist.
    text: &'a str,
    /// The record of trusted files, if it has this file.
    record: Option<PathBuf>,
}

impl<'a> Target<'a> {
    /// The configuration file in use, else the user's own, which is created.
    pub(super) async fn of(context: &'a Context) -> Result<Self, Failure> {
        context.configuration().trusted(NOT_CHANGED).await?;
        let places = context.configuration().places();
        match context.configuration().located().await? {
            Located::File {
                place: Place::WorkingDirectory,
                file,
            } => Ok(Self {
                path: file.path().to_owned(),
                text: file.text(),
                record: places.trust_record(),
            }),
            Located::File { file, .. } => Ok(Self {
                // Follows links, since the file itself is replaced.
                path: fs::canonicalize(file.path()).unwrap_or_else(|_| file.path().to_owned()),
                text: file.text(),
                record: None,
            }),
            _ => match places.file(Place::User) {
                Some(path) => Ok(Self {
                    path,
                    text: "",
                    record: None,
                }),
                None => Err(
                    Failure::usage("there is no home directory for the configuration")
                        .then("Name a configuration: --config FILE".into()),
                ),
            },
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds or replaces a grant.
    pub(super) fn allow(&self, digest: &Sha256Digest, grant: &Grant) -> Result<(), Failure> {
        self.change(|packs| {
            packs.insert(&digest.to_string(), Item::Table(table(grant)));
        })
    }

    /// Removes a grant.
    pub(super) fn revoke(&self, digest: &Sha256Digest) -> Result<(), Failure> {
        self.change(|packs| {
            packs.remove(&digest.to_string());
        })
    }

    fn change(&self, edit: impl FnOnce(&mut Table)) -> Result<(), Failure> {
        let path = &self.path;
        let unchanged = |why: String| {
            let message = format!(
                "the configuration `{}` cannot be changed: {why}",
                escaped_path(path)
            );
            Failure::new(ErrorKind::BadConfig, Phase::Setup, message)
                .then("Fix the file or its permissions, then run the same command again".into())
        };
        let mut document: DocumentMut = self
            .text
            .parse()
            .map_err(|_| unchanged("it is not a TOML document".into()))?;
        let packs = document.entry(PACKS).or_insert_with(|| {
            let mut packs = Table::new();
            packs.set_implicit(true);
            Item::Table(packs)
        });
        let packs = packs
            .as_table_mut()
            .ok_or_else(|| unchanged("`packs` is not a table of tables".into()))?;
        edit(packs);
        let text = document.to_string();
        // The new text must parse before it replaces the file.
        Config::parse(&text, path).map_err(|error| unchanged(chain(&error)))?;
        self.write(&text)
            .map_err(|error| unchanged(error.to_string()))?;
        let Some(record) = &self.record else {
            return Ok(());
        };
        let file = ConfigFile::written(path, &text);
        TrustRecord::add(record, &file, Timestamp::now()).map_err(|error| {
            let message = format!(
                "the configuration `{}` was changed and is not trusted any more: {}",
                escaped_path(path),
                chain(&error)
            );
            let next = format!("zoetrope trust {}", quoted(path));
            Failure::new(ErrorKind::BadConfig, Phase::Setup, message).then(next)
        })
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if let (true, Some(folder)) = (self.text.is_empty(), self.path.parent()) {
            create_private_folder(folder)?;
        }
        replace_file(&self.path, text)
    }
}

fn table(grant: &Grant) -> Table {
    let mut table = Table::new();
    table.insert("name", value(&grant.name));
    if let Connections::These(ids) = &grant.connections {
        let ids: Array = ids.iter().map(ToString::to_string).collect();
        table.insert("connections", value(ids));
    }
    if !grant.hosts.is_empty() {
        let hosts: Array = grant.hosts.iter().map(ToString::to_string).collect();
        table.insert("hosts", value(hosts));
    }
    if grant.unsafe_reads {
        table.insert("unsafe_reads", value(true));
    }
    for (key, routes) in [("uploads", &grant.uploads), ("cancels", &grant.cancels)] {
        if !routes.is_empty() {
            let routes: Array = routes.iter().map(ToString::to_string).collect();
            table.insert(key, value(routes));
        }
    }
    let places = grant.credentials.iter().map(|(category, place)| {
        let parts = [("header", place.header()), ("prefix", place.prefix())];
        let place: InlineTable = parts
            .into_iter()
            .map(|(key, text)| (key, Value::from(text)))
            .collect();
        (category, Value::from(place))
    });
    let places: InlineTable = places.collect();
    if !places.is_empty() {
        table.insert("credentials", value(places));
    }
    let keys = grant.idempotency.iter();
    let keys: InlineTable = keys
        .map(|(category, place)| (category, Value::from(place.to_string())))
        .collect();
    if !keys.is_empty() {
        table.insert("idempotency", value(keys));
    }
    if grant.refusals_in_2xx {
        table.insert("refusals_in_2xx", value(true));
    }
    let limits: InlineTable = grant
        .limits
        .stated()
        .map(|(limit, amount)| {
            let amount = i64::try_from(amount).unwrap_or(i64::MAX);
            (limit.name(), Value::from(amount))
        })
        .collect();
    if !limits.is_empty() {
        table.insert("limits", value(limits));
    }
    table
}
