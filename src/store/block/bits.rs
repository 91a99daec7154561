//! Bits one behind the other, the first in the lowest bit of the first byte.

/// The most bits put or taken at once.
pub(super) const WIDTH_MAX: u32 = 32;

/// Bytes that bits are put into.
#[derive(Default)]
pub(super) struct BitWriter {
    held: u64,
    /// How many are held: less than eight between two calls.
    bits: u32,
}

impl BitWriter {
    /// Puts the lowest `width` bits of a number that has no others.
    pub fn put(&mut self, out: &mut Vec<u8>, number: u64, width: u32) {
        self.held |= number << self.bits;
        self.bits += width;
        while self.bits >= 8 {
            out.push(self.held as u8);
            (self.held, self.bits) = (self.held >> 8, self.bits - 8);
        }
    }

    /// Puts what is held; the last byte is filled up with zeros.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.bits > 0 {
            out.push(self.held as u8);
        }
    }
}

/// Bytes that bits are taken from.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bits; what lies above `bits` of them comes again.
    held: u64,
    bits: u32,
}

impl<'a> BitReader<'a> {
    /// One at the first bit.
    pub fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, held: 0, bits: 0 }
    }

    /// Holds 56 bits or more, or all there are.
    fn fill(&mut self) {
        if let Some(eight) = self.bytes.first_chunk::<8>() {
            self.held |= u64::from_le_bytes(*eight) << self.bits;
            let whole = (63 - self.bits) / 8;
            self.bytes = self.bytes.get(whole as usize..).unwrap_or_default();
            self.bits += whole * 8;
            return;
        }
        while let (Some((byte, rest)), ..=55) = (self.bytes.split_first(), self.bits) {
            self.held |= u64::from(*byte) << self.bits;
            (self.bytes, self.bits) = (rest, self.bits + 8);
        }
    }

    fn pass(&mut self, width: u32) -> Option<()> {
        self.bits = self.bits.checked_sub(width)?;
        self.held >>= width;
        Some(())
    }

    /// Takes a number of [`WIDTH_MAX`] bits at most; `None` if they are not there.
    pub fn take(&mut self, width: u32) -> Option<u64> {
        if self.bits < width {
            self.fill();
        }
        let number = self.held & ((1 << width) - 1);
        self.pass(width)?;
        Some(number)
    }

    /// Takes ones up to the next zero and that, or so many ones and no zero.
    pub fn take_ones(&mut self, most: u32) -> Option<u32> {
        if self.bits <= most {
            self.fill();
        }
        let ones = self.held.trailing_ones().min(most);
        self.pass(if ones < most { ones + 1 } else { most })?;
        Some(ones)
    }

    /// Whether nothing is left but what fills up the last byte.
    pub fn is_done(&self) -> bool {
        self.bytes.is_empty() && self.bits < 8 && self.held == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_taken_as_they_were_put(numbers in prop::collection::vec((any::<u32>(), 0u32..=32, 0u32..24), 0..200)) {
            let numbers = numbers.iter().map(|(n, width, ones)| (u64::from(*n) & ((1 << width) - 1), *width, *ones));
            let (mut out, mut bits) = (Vec::new(), BitWriter::default());
            for (number, width, ones) in numbers.clone() {
                bits.put(&mut out, number, width);
                bits.put(&mut out, (1 << ones) - 1, ones + 1);
            }
            bits.finish(&mut out);
            let mut reader = BitReader::new(&out);
            for (number, width, ones) in numbers {
                prop_assert_eq!(reader.take(width), Some(number));
                prop_assert_eq!(reader.take_ones(24), Some(ones));
            }
            prop_assert!(reader.is_done());
            prop_assert_eq!(reader.take(8), None);
        }
    }

    #[test]
    fn ones_without_an_end_are_taken_up_to_the_most() {
        let mut reader = BitReader::new(&[0xff; 4]);
        assert_eq!(reader.take_ones(24), Some(24));
        assert!(!reader.is_done());
        assert_eq!(reader.take_ones(24), None);
    }
}
