//! What tests of other modules need to do to a store, or to know of it.

use super::write::Writer;
use rusqlite::types::ValueRef;

impl Writer {
    /// Lets the file grow by so many pages and no further; `None`: as it likes.
    pub fn leave_pages(&self, pages: Option<i64>) {
        let now: i64 = self.conn.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
        let max = pages.map_or(1 << 30, |pages| now + pages);
        self.conn.query_row(&format!("PRAGMA max_page_count = {max}"), [], |_| Ok(())).unwrap();
    }

    /// Every row of every table as text.
    pub fn dump(&self) -> Vec<String> {
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let mut names = self.conn.prepare(names).unwrap();
        let names: Vec<String> =
            names.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
        let mut all = Vec::new();
        for name in names {
            let mut rows = self.conn.prepare(&format!("SELECT * FROM {name}")).unwrap();
            let columns = rows.column_count();
            let text = |r: &rusqlite::Row<'_>| {
                let values: Vec<ValueRef<'_>> =
                    (0..columns).map(|c| r.get_ref(c).unwrap()).collect();
                Ok(format!("{name}: {values:?}"))
            };
            all.extend(rows.query_map([], text).unwrap().map(Result::unwrap));
        }
        all
    }
}
