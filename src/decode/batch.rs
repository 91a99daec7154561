//! What a decoder gathers from one message of several devices or instants.

use super::gathered::{Gathered, too_many};
use super::{Decoded, ENTRIES_MAX, Refused, device_fault};
use crate::air::{Observation, Skipped, Stamp};

/// Observations and what was left out, in the order of the message.
#[derive(Debug, Default)]
pub struct Batch {
    found: Decoded,
    entries: usize,
    /// What is wrong with the first device that could not be one.
    fault: Option<String>,
}

impl Batch {
    /// Adds what was found for one device at one instant; it joins what was
    /// added last if that is of the same device and instant. What belongs to an
    /// identity that cannot be one is left out, before it is copied: it may be
    /// long, and there may be many records of it.
    pub fn add(&mut self, device: &str, at: Option<Stamp>, gathered: Gathered) {
        if let Some(fault) = device_fault(device) {
            self.skip("", fault.clone());
            self.fault.get_or_insert(fault);
            return;
        }
        self.entries += gathered.len();
        let same = |last: &&mut Observation| last.device == device && last.at == at;
        match self.found.observations.last_mut().filter(same) {
            Some(last) => gathered.join(last, &mut self.found.skipped),
            None => {
                let Decoded { observations, skipped, device, .. } =
                    gathered.of(device.to_owned(), at);
                self.found.observations.extend(observations);
                self.found.skipped.extend(skipped);
                self.found.device = device.or(self.found.device.take());
            }
        }
    }

    /// Notes an entry as left out.
    pub fn skip(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.entries += 1;
        self.found.skipped.push(Skipped { path: path.into(), reason: reason.into() });
    }

    /// Notes the device's payload as left out as a whole.
    pub fn leave(&mut self, device: &str, path: &str, reason: &str) {
        let mut nothing = Gathered::default();
        nothing.skip(path, reason);
        self.add(device, None, nothing);
    }

    /// Refuses the message once it has more entries than are read, so that what
    /// is gathered stays small.
    pub fn within_limit(&self) -> Result<(), Refused> {
        if self.entries > ENTRIES_MAX { Err(too_many(self.entries)) } else { Ok(()) }
    }

    /// The result; ignored if there was nothing, not even something to leave out.
    pub fn finish(mut self) -> Result<Decoded, Refused> {
        if !self.found.observations.is_empty() {
            self.found.device = None;
            return Ok(self.found);
        }
        match self.fault {
            Some(fault) => Err(Refused::malformed("bad_device", fault)),
            None if self.found.skipped.is_empty() => Err(Refused::Ignored("no_quantity")),
            None => Ok(self.found),
        }
    }
}
