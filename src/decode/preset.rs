//! A network that the two configured formats can read: forms of the generic
//! mapping, or of one number per topic, each with the messages it is for.
//!
//! Presets are data. They say nothing that a subscription could not say, only
//! so that nobody has to say it again.

use super::json::Tree;
use super::mapping::{Condition, Mapping, Template};
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
    /// What a topic's levels stand for by the first of its own that matches.
    fn captures<'a>(&'a self, topic: &'a str) -> Option<Captures<'a>> {
        self.topics.iter().find_map(|p| p.matches(topic))
    }

    /// Whether its document is one of this kind.
    fn fits(&self, asked: &Asked) -> bool {
        match &self.reading {
            Reading::Json(mapping) if !self.when.is_empty() => {
                asked.tree().is_ok_and(|tree| mapping.fits(&self.when, tree))
            }
            _ => true,
        }
    }

    /// Reads a message, if its document is one of this kind.
    fn read(
        &self,
        asked: &Asked,
        captures: &Captures,
        notes: &mut Notes,
    ) -> Option<Result<Decoded, Refused>> {
        let m = &asked.message;
        match &self.reading {
            Reading::Plain(plain) => Some(plain.read(m, captures)),
            Reading::Json(mapping) => match asked.tree() {
                Ok(tree) => mapping.read_when(&self.when, m, tree, captures, notes),
                // Only a form for any document says what is wrong with one that is none.
                Err(refused) => self.when.is_empty().then(|| Err(refused.clone())),
            },
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
    pub fn form(&self, m: &Message) -> Option<&Form> {
        let asked = Asked::new(m);
        self.forms_for(m.topic).map(|(form, _)| form).find(|form| form.fits(&asked))
    }

    /// The forms to be tried, in this order, with what they say of the topic.
    fn forms_for<'p: 'm, 'm>(
        &'p self,
        topic: &'m str,
    ) -> impl Iterator<Item = (&'p Form, Option<Captures<'m>>)> {
        let said = move |form: &'p Form| (form, form.captures(topic));
        let by_topic =
            |(form, said): &(&Form, Option<Captures>)| form.topics.is_empty() || said.is_some();
        self.forms.iter().map(said).filter(by_topic).chain(self.forms.iter().map(said))
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
        !self.keeps_house(topic) && self.forms.iter().any(|f| f.captures(topic).is_some())
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
        let read = self.forms_for(m.topic).find_map(|(form, said)| {
            let captures = said.map_or(*captures, |said| captures.or(said));
            form.read(&asked, &captures, notes)
        });
        read.unwrap_or_else(|| {
            let detail = format!(
                "no form of {} fits this message: see `dustline formats show {}`",
                self.name, self.name
            );
            Err(Refused::malformed("nothing_mapped", detail))
        })
    }
}
