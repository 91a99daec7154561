//! Topic patterns: MQTT filters whose wildcards may have names.
//!
//! `air/+/{device}` subscribes to `air/+/+` and captures the last level as the
//! device. A name stands for one whole level; `#` may come last; a leading
//! `$share/<group>/` asks the broker to share the load and takes no part in
//! matching. Matching follows MQTT 5.0 section 4.7: levels may be empty, a
//! trailing `#` matches its parent too, and topics that begin with `$` are not
//! matched by a pattern that begins with a wildcard.

use std::fmt;

/// The names a pattern can capture.
pub const NAMES: [&str; 4] = ["device", "quantity", "channel", "variant"];

/// The longest filter that fits an MQTT packet, bytes.
const FILTER_MAX: usize = 65_535;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Exact(String),
    One,
    Named(&'static str),
    Rest,
}

/// A parsed topic pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern {
    /// `$share/<group>/` or empty.
    share: String,
    levels: Vec<Level>,
}

impl TopicPattern {
    /// Parses a pattern; the error says what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<TopicPattern, String> {
        if text.len() > FILTER_MAX {
            return Err(format!("{} bytes; a topic has at most {FILTER_MAX}", text.len()));
        }
        if text.contains('\0') {
            return Err("a topic cannot hold the character U+0000".to_owned());
        }
        let (share, filter) = split_share(text)?;
        if filter.is_empty() {
            return Err("the topic is empty; `#` means every topic".to_owned());
        }
        let levels = filter.split('/').map(parse_level).collect::<Result<Vec<_>, _>>()?;
        let first_rest = levels.iter().position(|l| *l == Level::Rest);
        if first_rest.is_some_and(|i| i + 1 < levels.len()) {
            return Err("`#` can only be the last level".to_owned());
        }
        for name in NAMES {
            if levels.iter().filter(|l| **l == Level::Named(name)).count() > 1 {
                return Err(format!("`{{{name}}}` is there twice"));
            }
        }
        Ok(TopicPattern { share: share.to_owned(), levels })
    }

    /// The MQTT filter to subscribe with, shared group included.
    pub fn filter(&self) -> String {
        self.written(|_| "+".to_owned())
    }

    /// Whether the pattern captures a level of this name.
    pub fn names(&self, name: &str) -> bool {
        self.levels.iter().any(|l| matches!(l, Level::Named(n) if *n == name))
    }

    /// How many levels it spells out.
    pub fn exact_levels(&self) -> usize {
        self.levels.iter().filter(|l| matches!(l, Level::Exact(_))).count()
    }

    /// The captures of a topic that matches.
    pub fn matches<'a>(&'a self, topic: &'a str) -> Option<Captures<'a>> {
        if topic.starts_with('$') && !matches!(self.levels.first(), Some(Level::Exact(_))) {
            return None;
        }
        let mut levels = levels(topic);
        for level in &self.levels {
            match (level, levels.next()) {
                (Level::Rest, _) => return Some(self.captures(topic)),
                (Level::Exact(wanted), Some(got)) if same(wanted, got) => {}
                (Level::One | Level::Named(_), Some(_)) => {}
                _ => return None,
            }
        }
        levels.next().is_none().then(|| self.captures(topic))
    }

    fn captures<'a>(&'a self, topic: &'a str) -> Captures<'a> {
        Captures { levels: &self.levels, more: &[], topic }
    }

    /// Whether some topic matches this filter and the other, and they are not the
    /// same filter: a broker may then send its messages twice.
    pub fn overlaps(&self, other: &TopicPattern) -> bool {
        self.filter() != other.filter() && meet(&self.levels, &other.levels)
    }

    fn written(&self, named: impl Fn(&str) -> String) -> String {
        let levels = self.levels.iter().map(|level| match level {
            Level::Exact(text) => text.clone(),
            Level::One => "+".to_owned(),
            Level::Named(name) => named(name),
            Level::Rest => "#".to_owned(),
        });
        format!("{}{}", self.share, levels.collect::<Vec<_>>().join("/"))
    }
}

impl fmt::Display for TopicPattern {
    /// The pattern as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|name| format!("{{{name}}}")))
    }
}

/// The levels of a topic. They are short: to look at every byte costs less than to
/// begin a search for each.
pub fn levels(topic: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(topic);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.bytes().position(|b| b == b'/') else { return rest.take() };
        rest = text.get(end + 1..);
        text.get(..end)
    })
}

/// Two empty texts are told the same by their lengths: `memcmp` of texts that point
/// nowhere costs 150 ns on processors with AVX-512.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

/// Divides `$share/<group>/<filter>` before the filter.
fn split_share(text: &str) -> Result<(&str, &str), String> {
    let Some(rest) = text.strip_prefix("$share/") else { return Ok(("", text)) };
    match rest.split_once('/') {
        Some((group, filter)) if !group.is_empty() && !group.contains(['+', '#', '{']) => {
            Ok((&text[..text.len() - filter.len()], filter))
        }
        _ => Err("a shared subscription is written `$share/<group>/<topic>`".to_owned()),
    }
}

fn parse_level(text: &str) -> Result<Level, String> {
    match text {
        "+" => return Ok(Level::One),
        "#" => return Ok(Level::Rest),
        _ => {}
    }
    if let Some(name) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        return NAMES.into_iter().find(|n| *n == name).map(Level::Named).ok_or_else(|| {
            format!("`{text}` is no name a topic can give; allowed: {{{}}}", NAMES.join("}, {"))
        });
    }
    if text.contains(['+', '#', '{', '}']) {
        return Err(format!("in `{text}` a wildcard or name does not fill its whole level"));
    }
    Ok(Level::Exact(text.to_owned()))
}

/// What a topic's levels stand for under the pattern it matched.
#[derive(Debug, Clone, Copy)]
pub struct Captures<'a> {
    levels: &'a [Level],
    /// Another pattern that the topic matches, for names the first has not.
    more: &'a [Level],
    topic: &'a str,
}

impl<'a> Captures<'a> {
    /// Those of a topic that no pattern was asked for.
    pub fn none(topic: &'a str) -> Captures<'a> {
        Captures { levels: &[], more: &[], topic }
    }

    /// The level captured under this name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let named = |l: &Level| matches!(l, Level::Named(n) if *n == name);
        let place = |levels: &[Level]| levels.iter().position(named);
        let at = place(self.levels).or_else(|| place(self.more))?;
        levels(self.topic).nth(at)
    }

    /// The same with the names of another pattern that the topic matches, where
    /// this one has them not.
    pub fn or(self, other: Captures<'a>) -> Captures<'a> {
        Captures { more: other.levels, ..self }
    }

    /// The topic itself.
    pub fn topic(&self) -> &'a str {
        self.topic
    }

    /// Who speaks: the captured `{device}`, else the whole topic.
    pub fn device(&self) -> &'a str {
        self.get("device").unwrap_or(self.topic)
    }

    /// What follows the base topic of a network: after the level that has its
    /// usual name, else after the levels that the pattern spells out, else after
    /// the first level.
    pub fn below(&self, base: &str) -> &'a str {
        let count = levels(self.topic).count();
        let named = levels(self.topic).position(|level| level == base).map(|i| i + 1);
        let spelled = self.levels.iter().take_while(|l| matches!(l, Level::Exact(_))).count();
        let spelled = Some(spelled).filter(|n| (1..count).contains(n));
        let base = named.or(spelled).unwrap_or(1);
        self.topic.splitn(base + 1, '/').nth(base).unwrap_or(self.topic)
    }
}

/// Whether some topic has levels that match both.
fn meet(a: &[Level], b: &[Level]) -> bool {
    match (a.split_first(), b.split_first()) {
        (Some((Level::Rest, _)), _) | (_, Some((Level::Rest, _))) | (None, None) => true,
        (Some((Level::Exact(a), _)), Some((Level::Exact(b), _))) if a != b => false,
        (Some((_, a)), Some((_, b))) => meet(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> TopicPattern {
        TopicPattern::parse(text).unwrap()
    }

    #[test]
    fn names_become_wildcards_of_the_filter_and_captures_of_a_topic() {
        let pattern = pattern("air/+/{device}/{quantity}");
        assert_eq!(pattern.filter(), "air/+/+/+");
        assert_eq!(pattern.to_string(), "air/+/{device}/{quantity}");
        assert!(pattern.names("quantity") && !pattern.names("channel"));
        let captures = pattern.matches("air/seoul/s1/PM2.5").unwrap();
        assert_eq!(captures.device(), "s1");
        assert_eq!(captures.get("quantity"), Some("PM2.5"));
        assert_eq!(captures.get("channel"), None);
        assert_eq!(captures.below("seoul"), "s1/PM2.5");
        assert_eq!(captures.below("elsewhere"), "seoul/s1/PM2.5");
    }

    #[test]
    fn matching_follows_mqtt() {
        for (filter, topic, expected) in [
            ("#", "a", true),
            ("#", "/", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("a/+", "a/", true),
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("+", "a/b", false),
            ("+/+", "/b", true),
            ("/+", "/b", true),
            ("+", "/b", false),
            ("/{device}/sensor/+/", "/x/sensor/PM10/", true),
            ("/{device}/sensor/+/", "/x/sensor/PM10", false),
            ("A/b", "a/b", false),
            ("#", "$SYS/broker", false),
            ("+/broker", "$SYS/broker", false),
            ("{device}/broker", "$SYS/broker", false),
            ("$SYS/#", "$SYS/broker", true),
            ("$share/group/a/{device}", "a/b", true),
            ("$share/group/#", "$SYS/broker", false),
        ] {
            assert_eq!(pattern(filter).matches(topic).is_some(), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn a_shared_subscription_keeps_its_group_in_the_filter() {
        let pattern = pattern("$share/dust/air/{device}");
        assert_eq!(pattern.filter(), "$share/dust/air/+");
        assert_eq!(pattern.matches("air/s1").unwrap().device(), "s1");
    }

    #[test]
    fn faults_of_a_pattern_say_what_is_allowed() {
        for (text, part) in [
            ("", "empty"),
            ("a/#/b", "last level"),
            ("a/b#", "whole level"),
            ("a/x+", "whole level"),
            ("a/x{device}", "whole level"),
            ("a/{devcie}", "allowed: {device}, {quantity}, {channel}, {variant}"),
            ("a/{}", "allowed"),
            ("{device}/{device}", "twice"),
            ("$share/group", "$share/<group>/<topic>"),
            ("$share//a", "$share/<group>/<topic>"),
            ("$share/g/", "empty"),
            ("a\0b", "U+0000"),
        ] {
            let fault = TopicPattern::parse(text).unwrap_err();
            assert!(fault.contains(part), "{text}: {fault}");
        }
        assert!(TopicPattern::parse(&"a".repeat(70_000)).is_err());
    }

    proptest! {
        #[test]
        fn a_topic_without_wildcards_matches_itself_alone(a in "[a-c/]{1,8}", b in "[a-c/]{1,8}") {
            prop_assert_eq!(pattern(&a).matches(&b).is_some(), a == b);
        }

        #[test]
        fn a_pattern_is_written_as_it_was_read(text in "[a-c/+#{}]{1,10}|(a/)?\\{device\\}(/#)?") {
            if let Ok(pattern) = TopicPattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
                prop_assert!(TopicPattern::parse(&pattern.filter()).is_ok());
            }
        }
    }

    #[test]
    fn filters_overlap_if_a_topic_matches_both_and_they_are_not_the_same() {
        let of = |text: &str| TopicPattern::parse(text).unwrap();
        for (a, b) in [("air/+", "air/#"), ("#", "a/b"), ("+/b", "a/+"), ("a/#", "a")] {
            assert!(of(a).overlaps(&of(b)) && of(b).overlaps(&of(a)), "{a} {b}");
        }
        for (a, b) in [("air/+", "air/+/x"), ("a/+", "b/+"), ("a/{device}", "a/+"), ("a", "a/b")] {
            assert!(!of(a).overlaps(&of(b)) && !of(b).overlaps(&of(a)), "{a} {b}");
        }
    }
}
