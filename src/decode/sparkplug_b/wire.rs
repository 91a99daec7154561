//! Protobuf on the wire, as far as it is needed: a message is a row of fields,
//! each with its number and one of four kinds of content.

/// The content of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire<'a> {
    /// An integer or boolean.
    Varint(u64),
    /// Eight bytes, little endian: a double.
    Fixed64(u64),
    /// Text, bytes or a message inside.
    Bytes(&'a [u8]),
    /// Four bytes, little endian: a float.
    Fixed32(u32),
}

/// The fields of a message, one after the other; ends after the first fault.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// What is wrong with the bytes.
pub type Fault = &'static str;

const CUT_OFF: Fault = "the bytes end inside a field";

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub fn of(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes }
    }

    /// Up to ten groups of seven bits, the lowest first; bits beyond 64 are lost,
    /// as in every implementation.
    fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for place in 0..10 {
            let (byte, rest) = self.rest.split_first().ok_or(CUT_OFF)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number has more than ten bytes")
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(self.varint()?).map_err(|_| CUT_OFF)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn field(&mut self) -> Result<(u64, Wire<'a>), Fault> {
        let tag = self.varint()?;
        let content = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => Wire::Bytes(self.bytes()?),
            5 => Wire::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err("a field is of a kind that protobuf does not have"),
        };
        match tag >> 3 {
            0 => Err("a field has the number 0"),
            number => Ok((number, content)),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
pub mod write {
    //! The other direction, for tests.

    /// A number in groups of seven bits.
    pub fn varint(mut number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    }

    /// A field that holds a number.
    pub fn number(field: u64, number: u64) -> Vec<u8> {
        [varint(field << 3), varint(number)].concat()
    }

    /// A field that holds text, bytes or a message.
    pub fn bytes(field: u64, bytes: &[u8]) -> Vec<u8> {
        [&varint(field << 3 | 2), &varint(bytes.len() as u64), bytes].concat()
    }

    /// A field that holds a float.
    pub fn float(field: u64, number: f32) -> Vec<u8> {
        [&varint(field << 3 | 5)[..], &number.to_le_bytes()].concat()
    }

    /// A field that holds a double.
    pub fn double(field: u64, number: f64) -> Vec<u8> {
        [&varint(field << 3 | 1)[..], &number.to_le_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<Result<(u64, Wire<'_>), Fault>> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn every_cut_through_a_message_is_a_fault_and_ends_it() {
        let message =
            [write::number(1, 300), write::bytes(2, b"abc"), write::float(3, 1.5)].concat();
        assert_eq!(all(&message).len(), 3);
        for end in [1, 2, 4, 5, 7, 9, 12] {
            let fields = all(&message[..end]);
            assert_eq!(fields.last().unwrap(), &Err(CUT_OFF), "{end}");
        }
    }

    #[test]
    fn nonsense_is_named() {
        let fault = |bytes: &[u8]| all(bytes)[0].unwrap_err();
        assert_eq!(fault(&[0xff; 12]), "a number has more than ten bytes");
        assert_eq!(fault(&[0x0b]), "a field is of a kind that protobuf does not have");
        assert_eq!(fault(&[0x00, 0x00]), "a field has the number 0");
        let huge = [write::varint(2 << 3 | 2), write::varint(u64::MAX)].concat();
        assert_eq!(fault(&huge), CUT_OFF);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            field in 1u64..1 << 29, number: u64, text: Vec<u8>, single: f32, double: f64,
        ) {
            let message = [
                write::number(field, number),
                write::bytes(field, &text),
                write::float(field, single),
                write::double(field, double),
            ].concat();
            prop_assert_eq!(all(&message), [
                Ok((field, Wire::Varint(number))),
                Ok((field, Wire::Bytes(&text))),
                Ok((field, Wire::Fixed32(single.to_bits()))),
                Ok((field, Wire::Fixed64(double.to_bits()))),
            ]);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let fields = all(&bytes);
            prop_assert!(fields.len() <= bytes.len());
            prop_assert!(fields.iter().rev().skip(1).all(Result::is_ok), "a fault is the last");
        }
    }
}
