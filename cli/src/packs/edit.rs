//! Edits the `packs` tables of the configuration file. The rest of the file and its comments
//! stay unchanged.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};
use zoetrope_host::config::{CONFIG_FILE, Config};
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::policy::{Connections, Grant};
use zoetrope_host::text_file;

use crate::context::Context;
use crate::report::{Failure, Phase};

/// The table of grants.
const PACKS: &str = "packs";

/// The file to edit: the configuration file, or a new one in the working directory.
pub(super) fn config_file(context: &Context) -> PathBuf {
    let path = Config::locate(context.config_file());
    let path = path.unwrap_or_else(|| CONFIG_FILE.into());
    // Follows links, since the file itself is replaced.
    fs::canonicalize(&path)
        .or_else(|_| std::path::absolute(&path))
        .unwrap_or(path)
}

/// Adds or replaces a grant.
pub(super) fn allow(path: &Path, digest: &Sha256Digest, grant: &Grant) -> Result<(), Failure> {
    change(path, |packs| {
        packs.insert(&digest.to_string(), Item::Table(table(grant)));
    })
}

/// Removes a grant.
pub(super) fn revoke(path: &Path, digest: &Sha256Digest) -> Result<(), Failure> {
    change(path, |packs| {
        packs.remove(&digest.to_string());
    })
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

fn change(path: &Path, edit: impl FnOnce(&mut Table)) -> Result<(), Failure> {
    let unchanged = |why: String| {
        let message = format!(
            "the configuration `{}` cannot be changed: {why}",
            path.display()
        );
        Failure::new(ErrorKind::BadConfig, Phase::Setup, message)
            .then("Fix the file or its permissions, then run the same command again".into())
    };
    let text = match text_file::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unchanged(error.to_string())),
    };
    let mut document: DocumentMut = text
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
    replace(path, &text).map_err(|error| unchanged(error.to_string()))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(before) = fs::metadata(path) {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
