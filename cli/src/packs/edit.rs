//! The configuration's `packs` tables, changed in place: what else the file says, and its
//! comments, stay as they are.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};
use zoetrope_host::config::{CONFIG_FILE, Config};
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::policy::{Connections, Grant};

use crate::context::Context;
use crate::report::{Failure, Phase};

/// The table of all grants.
const PACKS: &str = "packs";

/// The file that is changed: the one that is read, else one in the working directory.
pub(super) fn place(context: &Context) -> PathBuf {
    let place = Config::locate(context.config_file());
    let place = place.unwrap_or_else(|| CONFIG_FILE.into());
    // Through links to the file itself, which is the one to be replaced.
    fs::canonicalize(&place)
        .or_else(|_| std::path::absolute(&place))
        .unwrap_or(place)
}

/// Writes a grant.
pub(super) fn allow(place: &Path, digest: &Sha256Digest, grant: &Grant) -> Result<(), Failure> {
    change(place, |packs| {
        packs.insert(&digest.to_string(), Item::Table(table(grant)));
    })
}

/// Takes a grant out.
pub(super) fn revoke(place: &Path, digest: &Sha256Digest) -> Result<(), Failure> {
    change(place, |packs| {
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

fn change(place: &Path, edit: impl FnOnce(&mut Table)) -> Result<(), Failure> {
    let unchanged = |why: String| {
        let message = format!("`{}` cannot be changed: {why}", place.display());
        Failure::new(ErrorKind::BadConfig, Phase::Context, message)
            .then("mend the file or its rights, and the same command again".into())
    };
    let text = match fs::read_to_string(place) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unchanged(error.to_string())),
    };
    let mut document: DocumentMut = text
        .parse()
        .map_err(|_| unchanged("it is no TOML document".into()))?;
    let packs = document.entry(PACKS).or_insert_with(|| {
        let mut packs = Table::new();
        packs.set_implicit(true);
        Item::Table(packs)
    });
    let packs = packs
        .as_table_mut()
        .ok_or_else(|| unchanged("its `packs` is no table of tables".into()))?;
    edit(packs);
    let text = document.to_string();
    // What is written is read back before it takes the file's place.
    Config::parse(&text, place).map_err(|error| unchanged(chain(&error)))?;
    replace(place, &text).map_err(|error| unchanged(error.to_string()))
}

fn replace(place: &Path, text: &str) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new(""));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(before) = fs::metadata(place) {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(place)?;
    Ok(())
}
