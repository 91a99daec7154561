//! Secrets that cannot be printed, and where they are fetched from.

use super::reader::Item;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// How a secret can be given.
const FORMS: &str = "{ file = \"…\" }, { env = \"…\" }, { credential = \"…\" } or a string";

/// A secret. It has no `Display` and its `Debug` says nothing; only
/// [`Secret::reveal`] hands it out, to those who send it on.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret itself, for the wire only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// Where a secret lies.
enum Place {
    File(PathBuf),
    Variable(String),
    /// A systemd credential.
    Credential(String),
}

impl Item<'_> {
    /// The value as a secret: a string, or a table that says where it lies.
    pub(super) fn secret(&self) -> Option<Secret> {
        match self.value {
            DeValue::String(text) => {
                self.warn(
                    "a secret in the file itself is read by whoever reads the file",
                    Some("put it into a file of its own: { file = \"…\" }".to_owned()),
                );
                self.kept(text, "the string")
            }
            DeValue::Table(_) => self.secret_elsewhere(),
            _ => {
                self.hidden_fault(format!("found {}, expected {FORMS}", self.kind()), None);
                None
            }
        }
    }

    fn secret_elsewhere(&self) -> Option<Secret> {
        match self.place_of_secret()? {
            Place::File(path) => self.secret_file(&path),
            Place::Variable(name) => match self.ctx.env.variable(&name) {
                Some(text) => self.kept(&text, &format!("the environment variable {name}")),
                None => {
                    self.fault(format!("the environment variable {name} is not set"), None);
                    None
                }
            },
            Place::Credential(name) => match self.ctx.env.variable("CREDENTIALS_DIRECTORY") {
                Some(dir) => self.secret_file(&Path::new(&dir).join(name)),
                None => {
                    self.fault(
                        format!("there is no credential {name:?}: systemd has given none"),
                        Some(format!(
                            "add LoadCredential={name}:/path to the unit, or use {{ file = \"…\" }}"
                        )),
                    );
                    None
                }
            },
        }
    }

    /// Which of the places a table names; exactly one is allowed.
    fn place_of_secret(&self) -> Option<Place> {
        let mut table = self.table()?;
        let file = table.get("file").map(|i| i.path().map(Place::File));
        let variable =
            table.get("env").map(|i| i.filled_text().map(|t| Place::Variable(t.to_owned())));
        let credential = table.get("credential").map(|i| {
            let name = i.filled_text()?;
            if name.contains('/') {
                i.wrong("the name of a systemd credential, without `/`");
                return None;
            }
            Some(Place::Credential(name.to_owned()))
        });
        table.finish();
        let mut given = [file, variable, credential].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(place), None) => place,
            _ => {
                self.hidden_fault(format!("expected exactly one place: {FORMS}"), None);
                None
            }
        }
    }

    fn secret_file(&self, path: &Path) -> Option<Secret> {
        let bytes = self.read_file(path)?;
        if self.ctx.env.readable_by_all(path) {
            self.warn(
                format!("every user of this machine can read {}", path.display()),
                Some(format!("chmod o= {}", path.display())),
            );
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.kept(&text, &path.display().to_string()),
            Err(_) => {
                self.fault(format!("{} is not UTF-8 text", path.display()), None);
                None
            }
        }
    }

    /// The bytes of a file; a fault here that names it if it cannot be read.
    pub(super) fn read_file(&self, path: &Path) -> Option<Vec<u8>> {
        match self.ctx.env.read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.fault(
                    format!("cannot read {}: {error}", path.display()),
                    Some("check the path, and that the daemon's user may read it".to_owned()),
                );
                None
            }
        }
    }

    /// A secret without the line end that editors add; empty ones are faults.
    fn kept(&self, text: &str, place: &str) -> Option<Secret> {
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            self.fault(format!("{place} is empty, expected a secret"), None);
            return None;
        }
        if secret.contains(['\r', '\n', '\0']) {
            self.hidden_fault(format!("{place} has several lines, expected one"), None);
            return None;
        }
        Some(Secret::new(secret))
    }

    /// The kind of what was found, for values that must not be quoted.
    fn kind(&self) -> String {
        format!("a value of type {}", self.value.type_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_not_in_its_debug_form() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "<secret>");
    }
}
