//! Presets: networks that have a name because a file says how to read them.
//!
//! A file `NAME.toml` holds what the network is, the forms of its messages (by
//! the same keys as a subscription), and cases that show what they mean. Those
//! of `config/formats/` are built in; a directory of the operator's adds others
//! or takes their place. Reading a file runs its cases, so that one whose forms
//! and cases contradict each other is refused, whether it is ours or not.

mod builtin;
mod case;
mod file;

use super::environment::{Environment, Machine};
use super::mapping;
use super::reader::Table;
use super::{Fault, Finding};
use crate::decode::preset::Reading;
use crate::decode::{Format, Preset};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

/// Presets by name.
pub type Presets = BTreeMap<String, Preset>;

/// The presets that are built into the program.
///
/// # Errors
/// If a built-in file is faulty.
pub fn builtin() -> Result<&'static Presets, &'static [Fault]> {
    static READ: LazyLock<Result<Presets, Vec<Fault>>> = LazyLock::new(|| {
        let (mut presets, mut faults) = (Presets::new(), Vec::new());
        for (name, text) in builtin::FILES {
            let file = format!("config/formats/{name}.toml");
            match parse(name, text, &file, &Machine) {
                Ok(preset) => drop(presets.insert((*name).to_owned(), preset)),
                Err(more) => faults.extend(more),
            }
        }
        if faults.is_empty() { Ok(presets) } else { Err(faults) }
    });
    READ.as_ref().map_err(Vec::as_slice)
}

/// Reads a preset of this name from the text of a file, and runs its cases.
///
/// # Errors
/// Every fault, in the order of the file; a case that comes out differently is
/// one.
pub fn parse(
    name: &str,
    text: &str,
    file: &str,
    env: &dyn Environment,
) -> Result<Preset, Vec<Fault>> {
    file::read(name, text, file, env)
}

/// The built-in presets with those of the operator's directory (`formats_dir`).
pub(super) fn all(root: &mut Table<'_>) -> Presets {
    let ctx = root.ctx;
    let mut presets = match builtin() {
        Ok(presets) => presets.clone(),
        Err(faults) => {
            faults.iter().for_each(|f| ctx.push_fault(f.clone()));
            Presets::new()
        }
    };
    let Some(item) = root.get("formats_dir") else { return presets };
    let Some(dir) = item.path() else { return presets };
    let files = match ctx.env.list(&dir) {
        Ok(files) => files,
        Err(error) => {
            item.fault(format!("cannot read {}: {error}", dir.display()), None);
            return presets;
        }
    };
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "toml")) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        match own(&name, path, ctx.env) {
            Ok(preset) => drop(presets.insert(name.into_owned(), preset)),
            Err(faults) => faults.into_iter().for_each(|f| ctx.push_fault(f)),
        }
    }
    presets
}

/// A preset of the operator's.
fn own(name: &str, path: &Path, env: &dyn Environment) -> Result<Preset, Vec<Fault>> {
    let file = path.display().to_string();
    let whole = |message: String, hint: &str| {
        vec![Finding::whole_file(&file, message, Some(hint.to_owned()))]
    };
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(good) {
        return Err(whole(
            format!("{name:?} cannot be the name of a format"),
            "use lower-case letters, digits and `-`",
        ));
    }
    if Format::names().contains(&name) {
        return Err(whole(
            format!("{name:?} is read by the program itself"),
            "give the file another name",
        ));
    }
    let bytes =
        env.read(path).map_err(|e| whole(format!("cannot read it: {e}"), "see its rights"))?;
    let text =
        String::from_utf8(bytes).map_err(|_| whole("it is not UTF-8".to_owned(), "save it so"))?;
    parse(name, &text, &file, env)
}

/// A preset as a subscription adapts it: `device`, `quantity`, `quantities` and
/// `time_zone` take the place of what the preset says.
pub(super) fn adapted(preset: &Preset, table: &mut Table<'_>) -> Preset {
    let device = mapping::devices(table);
    let quantity = table.get("quantity").and_then(|i| i.quantity());
    let names = mapping::quantities(table, &[]);
    let zone = table.get("time_zone").and_then(|i| i.time_zone());
    let mut preset = preset.clone();
    for form in &mut preset.forms {
        if !device.is_empty() {
            form.set_device(&device);
        }
        match &mut form.reading {
            Reading::Json(mapping) => {
                if let Some(named) = &mut mapping.named {
                    named.names.extend(names.clone());
                    if let Some(quantity) = quantity {
                        (named.value.meaning.quantity, named.fixed) = (quantity, true);
                    }
                }
                if let (Some(time), Some(zone)) = (&mut mapping.time, &zone) {
                    time.zone = Some(zone.clone());
                }
            }
            Reading::Plain(plain) => {
                plain.names.extend(names.clone());
                plain.quantity = quantity.or(plain.quantity);
            }
        }
    }
    preset
}

#[cfg(test)]
mod tests;
