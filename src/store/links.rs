//! One-time links that were used. What is kept of one is what it was for, not the
//! secret that it is; once it has expired, it need not be known any more.

use super::read::{Reader, Res};
use super::schema::classify;
use super::write::Writer;
use crate::air::Stamp;
use rusqlite::{OptionalExtension, params};

const USED: &str = "SELECT at FROM used_links WHERE link = ?";

impl Writer {
    /// When a link was used.
    pub fn link_used(&self, link: &str) -> Res<Option<Stamp>> {
        let run = || self.conn.prepare_cached(USED)?.query_row([link], |r| r.get(0)).optional();
        Ok(run().map_err(|e| classify(&self.path, e))?.map(Stamp))
    }

    /// Notes that a link is used, and forgets those that have expired by now.
    pub fn use_link(&self, link: &str, now: Stamp, expires: Stamp) -> Res<()> {
        self.run("DELETE FROM used_links WHERE expires <= ?", [now.0])?;
        self.run(
            "INSERT INTO used_links (link, at, expires) VALUES (?, ?, ?)",
            params![link, now.0, expires.0],
        )
        .map(drop)
    }
}

impl Reader {
    /// When a link was used.
    pub fn link_used(&self, link: &str) -> Res<Option<Stamp>> {
        Ok(self.all(USED, [link], |r| r.get(0))?.pop().map(Stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_link_is_known_until_it_has_expired() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        writer.begin().unwrap();
        writer.use_link("a", Stamp(5), Stamp(20)).unwrap();
        writer.use_link("b", Stamp(10), Stamp(30)).unwrap();
        writer.commit().unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        assert_eq!(writer.link_used("a").unwrap(), Some(Stamp(5)));
        assert_eq!(reader.link_used("b").unwrap(), Some(Stamp(10)));
        assert_eq!(reader.link_used("c").unwrap(), None);
        writer.use_link("c", Stamp(20), Stamp(40)).unwrap();
        assert_eq!(writer.link_used("a").unwrap(), None);
        assert!(writer.use_link("c", Stamp(21), Stamp(40)).is_err(), "twice");
    }
}
