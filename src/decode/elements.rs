//! Several sensing elements of one device that measure the same quantity.

use super::LABEL_MAX;
use crate::air::Quantity;
use std::borrow::Cow;

/// Which element gives a device's main value of each quantity: the first that
/// is asked for. The others are channels with their own names.
#[derive(Debug, Default)]
pub struct Elements<'a> {
    main: Vec<(Quantity, Cow<'a, str>)>,
}

impl<'a> Elements<'a> {
    /// The channel of an element's value: empty for the main one, else the
    /// element's name in lower case.
    pub fn channel(&mut self, quantity: Quantity, element: impl Into<Cow<'a, str>>) -> String {
        let element = element.into();
        match self.main.iter().find(|(q, _)| *q == quantity) {
            Some((_, main)) if *main == element => String::new(),
            Some(_) => element.to_lowercase(),
            None => {
                self.main.push((quantity, element));
                String::new()
            }
        }
    }
}

/// Whether a foreign text can be a channel or variant.
pub fn is_label(text: &str) -> bool {
    text.len() <= LABEL_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_of_a_quantity_is_the_main_one_for_good() {
        let mut elements = Elements::default();
        let asked = [("BME280", ""), ("SHT3X", "sht3x"), ("BME280", ""), ("SHT3X", "sht3x")];
        for (element, channel) in asked {
            assert_eq!(elements.channel(Quantity::Temperature, element), channel);
        }
        assert_eq!(elements.channel(Quantity::Humidity, "SHT3X"), "");
    }
}
