//! The value templates that sensors use in practice.
//!
//! `{{ value }}`, `{{ value_json.a.b }}`, `{{ value_json['PMS5003']['CF2.5'] }}`,
//! `{{ value_json.list[0] }}`, each with any of the filters `float`, `int`,
//! `round(n)`, `default(x)` and `is_defined` behind it. Anything else is a
//! program, which is not guessed at. A default is what Home Assistant shows for
//! a value that is not there; here such a value is not there.

use crate::decode::json::Value;
use crate::decode::number::{self, NoNumber};
use serde::{Deserialize, Serialize};

/// The most filters behind one value.
const FILTERS_MAX: usize = 8;
/// The most decimals that a value is rounded to.
const DECIMALS_MAX: i32 = 12;

/// Where in a message a value is, and what is done with it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Template {
    /// `None`: the whole message, as a bare number; else the names and places
    /// that lead to it in a JSON document.
    path: Option<Vec<String>>,
    steps: Vec<Step>,
}

/// One thing done with a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Step {
    /// Rounded to so many decimals, halves to the even neighbour as in Python.
    Round(i32),
    /// Cut to a whole number.
    Int,
}

impl Template {
    /// Parses a template; `None` if it is not one of the forms above.
    pub fn parse(text: &str) -> Option<Template> {
        let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
        let inside = inside.strip_prefix('-').unwrap_or(inside);
        let inside = inside.strip_suffix('-').unwrap_or(inside);
        let mut rest = Rest(inside);
        let path = match rest.name()? {
            "value" => None,
            "value_json" => Some(rest.path()?),
            _ => return None,
        };
        let mut steps = Vec::new();
        let mut filters = 0;
        while rest.take('|') {
            filters += 1;
            steps.extend(rest.filter()?);
        }
        (rest.is_over() && filters <= FILTERS_MAX).then_some(Template { path, steps })
    }

    /// Whether it reads a JSON document.
    pub fn is_json(&self) -> bool {
        self.path.is_some()
    }

    /// The number in a bare message.
    pub fn of_text(&self, text: &str) -> Result<f64, NoNumber> {
        number::from_text(text).map(|n| self.through(n))
    }

    /// The number in a document; `None`: it is not there.
    pub fn of_json(&self, document: Value) -> Option<Result<f64, NoNumber>> {
        let found = document.follow(self.path.as_ref()?)?;
        Some(number::from_json(found).map(|n| self.through(n)))
    }

    /// Where the number is, for an explanation.
    pub fn place(&self) -> String {
        self.path.iter().flatten().map(|name| format!("/{}", number::shown(name))).collect()
    }

    fn through(&self, number: f64) -> f64 {
        self.steps.iter().fold(number, |n, step| match step {
            Step::Int => n.trunc(),
            Step::Round(decimals) => {
                let shift = 10f64.powi(*decimals);
                let rounded = (n * shift).round_ties_even() / shift;
                if rounded.is_finite() { rounded } else { n }
            }
        })
    }
}

/// What is not parsed yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn is_over(&mut self) -> bool {
        self.0 = self.0.trim_start();
        self.0.is_empty()
    }

    /// Takes a sign, if it is next.
    fn take(&mut self, sign: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(ends).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn name(&mut self) -> Option<&'a str> {
        self.0 = self.0.trim_start();
        let name = self.until(|c| !c.is_ascii_alphanumeric() && c != '_');
        Some(name).filter(|n| !n.is_empty())
    }

    /// `.name`, `['name']`, `["name"]` and `[0]`, at least one.
    fn path(&mut self) -> Option<Vec<String>> {
        let mut path = Vec::new();
        loop {
            if self.take('.') {
                path.push(self.name()?.to_owned());
            } else if self.take('[') {
                path.push(self.literal()?.to_owned());
                self.take(']').then_some(())?;
            } else {
                return Some(path).filter(|p| !p.is_empty());
            }
        }
    }

    /// A text in quotes without escapes, or a bare number or word.
    fn literal(&mut self) -> Option<&'a str> {
        for quote in ['\'', '"'] {
            if self.take(quote) {
                let text = self.until(|c| c == quote);
                return (self.take(quote) && !text.contains('\\')).then_some(text);
            }
        }
        let word = self.until(|c| !c.is_ascii_alphanumeric() && !"_.-+".contains(c));
        Some(word).filter(|w| !w.is_empty())
    }

    /// One filter, and the step it means for a number.
    fn filter(&mut self) -> Option<Option<Step>> {
        let name = self.name()?;
        let argument = match self.take('(') {
            true if self.take(')') => None,
            true => {
                let literal = self.literal()?;
                self.take(')').then_some(())?;
                Some(literal)
            }
            false => None,
        };
        match name {
            "float" | "default" | "d" | "is_defined" => Some(None),
            "int" => Some(Some(Step::Int)),
            "round" => {
                let decimals = argument.map_or(Ok(0), str::parse).ok()?;
                (-DECIMALS_MAX..=DECIMALS_MAX)
                    .contains(&decimals)
                    .then_some(Some(Step::Round(decimals)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::json::Tree;
    use proptest::prelude::*;

    fn json(template: &str, document: &str) -> Option<Result<f64, NoNumber>> {
        let tree = Tree::parse(document, &[]).unwrap();
        Template::parse(template).unwrap().of_json(tree.top())
    }

    #[test]
    fn the_usual_forms_lead_to_their_number() {
        for (template, document, number) in [
            ("{{ value_json.pm25}}", r#"{"pm25":7.5}"#, 7.5),
            ("{{value_json.a.b}}", r#"{"a":{"b":"8"}}"#, 8.0),
            ("{{ value_json['PMS5003']['CF2.5'] }}", r#"{"PMS5003":{"CF2.5":9}}"#, 9.0),
            ("{{ value_json[\"pm 10\"].v }}", r#"{"pm 10":{"v":1}}"#, 1.0),
            ("{{ value_json.list[1] }}", r#"{"list":[1,2]}"#, 2.0),
            ("{{- value_json.x | float(0) | round(1) -}}", r#"{"x":2.25}"#, 2.2),
            ("{{ value_json.x|float|round }}", r#"{"x":3.5}"#, 4.0),
            ("{{ value_json.x | int }}", r#"{"x":-3.9}"#, -3.0),
            ("{{ value_json.x | default('') | is_defined }}", r#"{"x":3}"#, 3.0),
            ("{{ value_json.x | round(-1) }}", r#"{"x":123}"#, 120.0),
        ] {
            assert_eq!(json(template, document), Some(Ok(number)), "{template}");
        }
        let bare = Template::parse("{{ value | float | round(2) }}").unwrap();
        assert!(!bare.is_json());
        assert_eq!(bare.of_text(" 1.239 "), Ok(1.24));
        assert_eq!(Template::default().of_text("5"), Ok(5.0), "no template at all");
    }

    #[test]
    fn a_value_that_is_not_there_is_not_there_whatever_the_default() {
        assert_eq!(json("{{ value_json.x | default(0) }}", r#"{"y":3}"#), None);
        assert_eq!(json("{{ value_json.x.y | float(7) }}", r#"{"x":3}"#), None);
        assert!(json("{{ value_json.x | float(0) }}", r#"{"x":null}"#).unwrap().is_err());
    }

    #[test]
    fn programs_are_not_guessed_at() {
        for template in [
            "",
            "7",
            "value",
            "{{ }}",
            "{{ value_json }}",
            "{{ value_json. }}",
            "{{ value_json.x / 10 }}",
            "{{ (value_json.x) }}",
            "{{ value_json.x | multiply(10) }}",
            "{{ value_json.x | round(1, 'floor') }}",
            "{{ value_json.x | round(99) }}",
            "{{ value_json['x }}",
            "{{ value_json['a\\'b'] }}",
            "{{ value_json.x if value_json.x else 0 }}",
            "{% if value %}{{ value }}{% endif %}",
            "{{ value }}{{ value }}",
            "{{ states('sensor.x') }}",
            "{{ value |",
        ] {
            assert_eq!(Template::parse(template), None, "{template}");
        }
        let many = format!("{{{{ value {} }}}}", "| float ".repeat(FILTERS_MAX + 1));
        assert_eq!(Template::parse(&many), None);
    }

    proptest! {
        #[test]
        fn no_template_is_too_strange(
            text in r#"\{\{[ .\[\]'"|()a-z0-9é_-]{0,40}\}\}"#, tail in "\\PC{0,10}",
        ) {
            for text in [text.clone(), format!("{text}{tail}"), format!("{{{{ value_json{tail} }}}}")] {
                if let Some(template) = Template::parse(&text) {
                    let json = serde_json::to_string(&template).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), template);
                }
            }
        }
    }
}
