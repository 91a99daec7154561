//! A Sparkplug B payload: `org.eclipse.tahu.protobuf.Payload`, the fields of it
//! that are needed (Eclipse Sparkplug specification 3.0.0, section 6.4).

use super::wire::{Fault, Fields, Wire};
use crate::decode::ENTRIES_MAX;
use crate::decode::number::{self, NoNumber};

/// What `uuid` says of a payload whose body is a compressed payload.
const COMPRESSED: &[u8] = b"SPBV1.0_COMPRESSED";

/// One payload.
#[derive(Debug, Default)]
pub struct Payload<'a> {
    /// When it was sent, milliseconds since 1970.
    pub timestamp: Option<u64>,
    /// The metrics that could be read, in their order.
    pub metrics: Vec<Metric<'a>>,
    /// What is wrong with each of the others.
    pub faults: Vec<Fault>,
    /// Its place among the messages of its edge node, 0 to 255.
    pub seq: Option<u64>,
}

/// Why a payload cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Unread {
    /// The bytes are not what they should be.
    Malformed(Fault),
    /// It has more metrics than a message may have; so many were counted.
    TooMany(usize),
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Unread {
        Unread::Malformed(fault)
    }
}

/// One metric.
#[derive(Debug, Default)]
pub struct Metric<'a> {
    /// Its name; data may leave it out in favour of the alias.
    pub name: Option<&'a str>,
    /// The number that stands for the name until the next birth.
    pub alias: Option<u64>,
    /// When it was measured, milliseconds since 1970.
    pub timestamp: Option<u64>,
    /// The code of its type; data may leave it out.
    pub datatype: Option<u64>,
    /// Its unit, from the property `engUnit`.
    pub unit: Option<&'a str>,
    is_null: bool,
    content: Option<Content<'a>>,
}

#[derive(Debug)]
enum Content<'a> {
    Int(u32),
    Long(u64),
    Float(f32),
    Double(f64),
    Text(&'a str),
    /// What it is instead of a number.
    Other(&'static str),
}

impl<'a> Payload<'a> {
    /// Reads a payload. A metric that cannot be read does not spoil the others.
    pub fn read(bytes: &'a [u8]) -> Result<Payload<'a>, Unread> {
        let mut payload = Payload::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, Wire::Varint(ms)) => payload.timestamp = Some(ms),
                (2, Wire::Bytes(metric)) => match Metric::read(metric) {
                    Ok(metric) => payload.metrics.push(metric),
                    Err(fault) => payload.faults.push(fault),
                },
                (3, Wire::Varint(seq)) => payload.seq = Some(seq),
                (4, Wire::Bytes(COMPRESSED)) => {
                    return Err(Unread::Malformed(
                        "it is compressed, which is not read here: switch that off at the edge node",
                    ));
                }
                _ => {}
            }
            let metrics = payload.metrics.len() + payload.faults.len();
            if metrics > ENTRIES_MAX {
                return Err(Unread::TooMany(metrics));
            }
        }
        Ok(payload)
    }

    /// The number of a metric of this name that is none of the air's.
    pub fn unsigned(&self, name: &str) -> Option<u64> {
        let metric = self.metrics.iter().find(|m| m.name == Some(name))?;
        match metric.content {
            Some(Content::Int(n)) => Some(u64::from(n)),
            Some(Content::Long(n)) => Some(n),
            _ => None,
        }
    }
}

impl<'a> Metric<'a> {
    fn read(bytes: &'a [u8]) -> Result<Metric<'a>, Fault> {
        let mut metric = Metric::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, Wire::Bytes(name)) => metric.name = Some(text(name)?),
                (2, Wire::Varint(alias)) => metric.alias = Some(alias),
                (3, Wire::Varint(ms)) => metric.timestamp = Some(ms),
                (4, Wire::Varint(code)) => metric.datatype = Some(code),
                (7, Wire::Varint(flag)) => metric.is_null = flag != 0,
                (9, Wire::Bytes(properties)) => metric.unit = unit(properties)?,
                (10, Wire::Varint(n)) => metric.content = Some(Content::Int(n as u32)),
                (11, Wire::Varint(n)) => metric.content = Some(Content::Long(n)),
                (12, Wire::Fixed32(bits)) => {
                    metric.content = Some(Content::Float(f32::from_bits(bits)));
                }
                (13, Wire::Fixed64(bits)) => {
                    metric.content = Some(Content::Double(f64::from_bits(bits)));
                }
                (14, _) => metric.content = Some(Content::Other("a truth value")),
                (15, Wire::Bytes(bytes)) => metric.content = Some(Content::Text(text(bytes)?)),
                (16..=19, _) => {
                    metric.content = Some(Content::Other("bytes, a data set or a template"));
                }
                _ => {}
            }
        }
        Ok(metric)
    }

    /// The value as a number. Signed integers of the types 1 to 4 are two's
    /// complements in unsigned fields; a float is the shortest decimal that means
    /// it, as its sender most likely wrote it (12.3, not 12.300000190734863).
    pub fn number(&self, datatype: Option<u64>) -> Result<f64, NoNumber> {
        if self.is_null {
            return Err(NoNumber::NoReading("null".to_owned()));
        }
        match &self.content {
            None => Err(NoNumber::NoReading("no value".to_owned())),
            Some(Content::Int(n)) => Ok(match datatype {
                Some(1) => f64::from(*n as i8),
                Some(2) => f64::from(*n as i16),
                Some(3) => f64::from(*n as i32),
                _ => f64::from(*n),
            }),
            Some(Content::Long(n)) => Ok(match datatype {
                Some(1..=4) => *n as i64 as f64,
                _ => *n as f64,
            }),
            Some(Content::Float(n)) => n.to_string().parse().map_err(|_| NoNumber::NotFinite),
            Some(Content::Double(n)) => Ok(*n),
            Some(Content::Text(text)) => number::from_text(text),
            Some(Content::Other(what)) => Err(NoNumber::Other((*what).to_owned())),
        }
    }
}

/// The property `engUnit` of a property set: keys, and as many values.
fn unit(properties: &[u8]) -> Result<Option<&str>, Fault> {
    let mut place = None;
    let mut keys = 0;
    let mut values = Vec::new();
    for field in Fields::of(properties) {
        match field? {
            (1, Wire::Bytes(key)) => {
                if key == b"engUnit" {
                    place = Some(keys);
                }
                keys += 1;
            }
            (2, Wire::Bytes(value)) => values.push(value),
            _ => {}
        }
    }
    let Some(value) = place.and_then(|i: usize| values.get(i)) else { return Ok(None) };
    for field in Fields::of(value) {
        if let (8, Wire::Bytes(bytes)) = field? {
            return text(bytes).map(Some);
        }
    }
    Ok(None)
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8")
}

#[cfg(test)]
pub mod write {
    //! The other direction, for tests.

    use super::super::wire::write::{bytes, number};

    /// A metric of these fields.
    pub fn metric(fields: &[Vec<u8>]) -> Vec<u8> {
        bytes(2, &fields.concat())
    }

    /// The property `engUnit` behind another one.
    pub fn unit(unit: &str) -> Vec<u8> {
        let value = |text: &str| bytes(2, &[number(1, 12), bytes(8, text.as_bytes())].concat());
        let set = [bytes(1, b"Quality"), bytes(1, b"engUnit"), value("192"), value(unit)];
        bytes(9, &set.concat())
    }

    /// A payload of these metrics.
    pub fn payload(timestamp: u64, seq: u64, metrics: &[Vec<u8>]) -> Vec<u8> {
        [number(1, timestamp), metrics.concat(), number(3, seq)].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::write::{bytes, double, float, number};
    use super::write::{metric, payload, unit};
    use super::*;

    fn value(fields: &[Vec<u8>]) -> Result<f64, NoNumber> {
        let payload = payload(1, 0, &[metric(fields)]);
        let payload = Payload::read(&payload).unwrap();
        payload.metrics[0].number(payload.metrics[0].datatype)
    }

    #[test]
    fn numbers_come_as_their_type_says() {
        assert_eq!(value(&[number(4, 1), number(10, 0xff)]), Ok(-1.0));
        assert_eq!(value(&[number(4, 1), number(10, 0xffff_ffff)]), Ok(-1.0));
        assert_eq!(value(&[number(4, 2), number(10, 0xffff_fffe)]), Ok(-2.0));
        assert_eq!(value(&[number(4, 3), number(10, 0xffff_fffd)]), Ok(-3.0));
        assert_eq!(value(&[number(4, 3), number(10, u64::MAX)]), Ok(-1.0));
        assert_eq!(value(&[number(4, 4), number(11, u64::MAX)]), Ok(-1.0));
        assert_eq!(value(&[number(4, 7), number(10, 0xffff_ffff)]), Ok(4_294_967_295.0));
        assert_eq!(value(&[number(4, 9), float(12, 12.3)]), Ok(12.3));
        assert_eq!(value(&[number(4, 10), double(13, -0.25)]), Ok(-0.25));
        assert_eq!(value(&[number(4, 12), bytes(15, b"7.5")]), Ok(7.5));
    }

    #[test]
    fn what_is_no_number_says_so() {
        for fields in [
            vec![number(7, 1)],
            vec![number(7, 1), float(12, 3.0)],
            vec![],
            vec![number(14, 1)],
            vec![bytes(16, b"x")],
            vec![bytes(15, b"calm")],
        ] {
            assert!(value(&fields).is_err(), "{fields:?}");
        }
        assert!(!value(&[float(12, f32::NAN)]).is_ok_and(f64::is_finite));
    }

    #[test]
    fn one_broken_metric_leaves_the_others() {
        let good = metric(&[bytes(1, b"PM10"), unit("ug/m3"), double(13, 8.0)]);
        let bytes = payload(5, 7, &[metric(&[bytes(1, b"\xff")]), good, vec![2 << 3 | 2, 1, 8]]);
        let payload = Payload::read(&bytes).unwrap();
        assert_eq!(payload.faults.len(), 2);
        assert_eq!((payload.timestamp, payload.seq), (Some(5), Some(7)));
        assert_eq!(payload.metrics[0].unit, Some("ug/m3"));
        assert_eq!(payload.metrics[0].number(None), Ok(8.0));
    }

    #[test]
    fn too_many_metrics_and_compressed_ones_are_refused() {
        let many = metric(&[]).repeat(ENTRIES_MAX + 1);
        assert!(matches!(Payload::read(&many), Err(Unread::TooMany(_))));
        let compressed = bytes(4, COMPRESSED);
        assert!(matches!(Payload::read(&compressed), Err(Unread::Malformed(_))));
    }
}
