//! What could not be understood: counted, and the first of it in words.

/// Faults that are told in words.
const SHOWN: usize = 10;

/// Rows and values that could not be understood.
#[derive(Debug, Default)]
pub(super) struct Faults {
    count: u64,
    shown: Vec<String>,
}

impl Faults {
    /// Notes one, with its file and line.
    pub fn add(&mut self, said: impl FnOnce() -> String) {
        self.add_all(1, [said()]);
    }

    /// Notes so many, of which some are in words.
    pub fn add_all(&mut self, count: u64, said: impl IntoIterator<Item = String>) {
        self.count += count;
        let room = SHOWN.saturating_sub(self.shown.len());
        self.shown.extend(said.into_iter().take(room));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Tells the first of them on standard error.
    pub fn tell(&self) {
        self.shown.iter().for_each(|fault| eprintln!("{fault}"));
        let more = self.count.saturating_sub(self.shown.len() as u64);
        if more > 0 {
            eprintln!("… and {more} more");
        }
    }
}
