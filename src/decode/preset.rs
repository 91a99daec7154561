//! A network that the two configured formats can read: forms of the generic
//! mapping, or of one number per topic, each with the messages it is for.
//!
//! Presets are data. They say nothing that a subscription could not say, only
//! so that nobody has to say it again.

use super::mapping::{Condition, Mapping, Template, Tree};
use super::{Captures, Decoded, MainValue, Message, Notes, Plain, Refused, TopicPattern};
use std::cell::OnceCell;

/// A network's messages and how they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// The name in the configuration.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// Where the network's own description stands.
    pub link: String,
    /// What the forms were made from.
    pub source: String,
    /// How sure they are: `read in source`, `widely reported`, `from memory`.
    pub sure: &'static str,
    /// What an operator must know; may be empty.
    pub note: String,
    /// How main values are found where all numbers have a channel or variant.
    pub main: Option<MainValue>,
    /// Topics that are never about readings.
    pub housekeeping: Vec<TopicPattern>,
    /// The first that fits a message reads it.
    pub forms: Vec<Form>,
    /// The file as it is written.
    pub text: String,
}

/// One kind of message.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// Where it comes unless the operator says otherwise; none: anywhere.
    pub topics: Vec<TopicPattern>,
    /// What must hold of its document.
    pub when: Vec<Condition>,
    /// How it is read.
    pub reading: Reading,
}

/// How a form is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// By the generic mapping.
    Json(Box<Mapping>),
    /// As one number.
    Plain(Plain),
}

/// A message whose document is laid out when the first form asks for it.
struct Asked<'a> {
    message: Message<'a>,
    tree: OnceCell<Result<Tree<'a>, Refused>>,
}

impl<'a> Asked<'a> {
    fn new(message: &Message<'a>) -> Asked<'a> {
        Asked { message: *message, tree: OnceCell::new() }
    }

    fn tree(&self) -> Result<&Tree<'a>, &Refused> {
        self.tree.get_or_init(|| Tree::of_message(&self.message)).as_ref()
    }
}

impl Form {
    /// The first of its topics that matches.
    pub fn topic(&self, topic: &str) -> Option<&TopicPattern> {
        self.topics.iter().find(|p| p.matches(topic).is_some())
    }

    /// Whether its document is one of this kind.
    fn fits(&self, asked: &Asked, captures: &Captures) -> bool {
        match &self.reading {
            Reading::Json(mapping) if !self.when.is_empty() => {
                asked.tree().is_ok_and(|tree| mapping.fits(&self.when, tree, captures))
            }
            _ => true,
        }
    }

    /// Names every device so.
    pub fn set_device(&mut self, device: &[Template]) {
        match &mut self.reading {
            Reading::Json(mapping) => mapping.device = device.to_vec(),
            Reading::Plain(plain) => plain.device = device.to_vec(),
        }
    }
}

impl Preset {
    /// The form that reads a message: one whose topic and document fit, else
    /// one whose document does, since operators choose their topics.
    pub fn form(&self, m: &Message, captures: &Captures) -> Option<&Form> {
        self.form_for(&Asked::new(m), captures)
    }

    fn form_for(&self, asked: &Asked, captures: &Captures) -> Option<&Form> {
        let fits = |f: &&Form| f.fits(asked, captures);
        let topic = asked.message.topic;
        let by_topic = |f: &&Form| f.topics.is_empty() || f.topic(topic).is_some();
        let mut of_topic = self.forms.iter().filter(by_topic);
        of_topic.find(fits).or_else(|| self.forms.iter().find(fits))
    }

    /// Whether every mass of particles in it has a channel or variant.
    pub fn has_only_labelled_masses(&self) -> bool {
        let mappings = self.forms.iter().map(|form| match &form.reading {
            Reading::Json(mapping) if mapping.named.is_none() => Some(mapping),
            // Names, and with them labels, are the sender's.
            _ => None,
        });
        let Some(mappings) = mappings.collect::<Option<Vec<_>>>() else { return false };
        let meanings = mappings.iter().flat_map(|m| &m.values).map(|field| &field.meaning);
        let mut masses = meanings.filter(|m| m.quantity.is_particle_mass()).peekable();
        masses.peek().is_some() && masses.all(|m| !m.label.is_main())
    }

    /// Whether one of its own topics matches, and is not about housekeeping.
    pub fn expects(&self, topic: &str) -> bool {
        !self.keeps_house(topic) && self.forms.iter().any(|f| f.topic(topic).is_some())
    }

    fn keeps_house(&self, topic: &str) -> bool {
        self.housekeeping.iter().any(|p| p.matches(topic).is_some())
    }

    pub(super) fn read(
        &self,
        m: &Message,
        captures: &Captures,
        notes: &mut Notes,
    ) -> Result<Decoded, Refused> {
        if self.keeps_house(m.topic) {
            return Err(Refused::Ignored("housekeeping"));
        }
        let asked = Asked::new(m);
        let Some(form) = self.form_for(&asked, captures) else {
            let detail = format!(
                "no form of {} fits this message: see `dustline formats show {}`",
                self.name, self.name
            );
            return Err(Refused::malformed("nothing_mapped", detail));
        };
        let captures = form.topic(m.topic).map_or(*captures, |own| captures.or(own));
        match &form.reading {
            Reading::Json(mapping) => {
                let tree = asked.tree().map_err(Refused::clone)?;
                mapping.read(m, tree, &captures, notes)
            }
            Reading::Plain(plain) => plain.read(m, &captures),
        }
    }
}
