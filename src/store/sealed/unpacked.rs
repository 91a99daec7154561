//! The blocks unpacked last: who asks for an hour asks for the next one too.

use super::super::block::{BlockFault, Sealed, decode};
use super::super::schema::{StoreError, classify};
use super::PartInfo;
use rusqlite::{Connection, params};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// How many are kept: some hundred kilobytes each.
const KEPT: usize = 4;

/// Of which part, and its rows. A part that takes the place of others has the
/// age of the last of them and more rows.
type Block = (PartInfo, Arc<Vec<Sealed>>);

/// The blocks unpacked last.
#[derive(Debug, Default)]
pub(in super::super) struct Unpacked(VecDeque<Block>);

impl Unpacked {
    /// The rows of a part, in the order of their times, and of receipt where
    /// those are the same.
    pub fn rows(
        &mut self,
        conn: &Connection,
        path: &Path,
        part: &PartInfo,
    ) -> Result<Arc<Vec<Sealed>>, StoreError> {
        if let Some((_, rows)) = self.0.iter().find(|(known, _)| known == part) {
            return Ok(rows.clone());
        }
        let rows = read_block(conn, path, part, decode)?;
        let rows = Arc::new(rows);
        self.0.truncate(KEPT - 1);
        self.0.push_front((*part, rows.clone()));
        Ok(rows)
    }
}

/// What `read` makes of the bytes of a part.
pub(super) fn read_block<T>(
    conn: &Connection,
    path: &Path,
    part: &PartInfo,
    read: impl FnOnce(&[u8]) -> Result<T, BlockFault>,
) -> Result<T, StoreError> {
    let found = conn
        .prepare_cached("SELECT block FROM history WHERE device = ? AND upto = ?")
        .and_then(|mut found| {
            let find = params![part.device.0, part.upto];
            found.query_row(find, |r| Ok(read(r.get_ref(0)?.as_blob()?)))
        })
        .map_err(|e| classify(path, e))?;
    found.map_err(|fault| {
        let what = format!("{}: {fault}", part.place(&format!("row {}", part.device.0)));
        StoreError::Damaged { path: path.to_owned(), what }
    })
}
