//! What a party's receivers read of an entry: what happened, what is asked of
//! them and by when.

use super::detail::two_decimals;
use super::entry::{Entry, Owed, What, Who};
use super::facts::Facts;
use super::incident::Incident;
use super::words::Words;
use crate::air::place::Language;
use std::collections::BTreeMap;

impl Words<'_> {
    /// An entry as the receivers of a party read it, in one paragraph. Times are
    /// those of the reader's zone, which is named.
    pub fn notice(&self, incident: &Incident, entry: &Entry, party: &str) -> String {
        let mut sentences = vec![self.headline(incident, entry)];
        sentences.push(self.detail(&entry.what));
        sentences.push(self.asked_of(incident, entry, party));
        sentences.push(match self.language {
            Language::Ko => format!("시각은 {} 기준", self.clock()),
            Language::Zh => format!("以上时间均为{}", self.clock()),
            Language::En => format!("All times are {}", self.clock()),
        });
        if change_of(&entry.what).is_some() || matches!(entry.what, What::Level { .. }) {
            sentences.push(self.caution().to_owned());
        }
        sentences.retain(|sentence| !sentence.is_empty());
        let sentences: Vec<String> = sentences.iter().map(|s| begun(s)).collect();
        let stop = self.one_of(". ", "。", ". ");
        format!("{}{}", sentences.join(stop), stop.trim_end())
    }

    /// What a template can name of an entry that a party is told of, in words.
    pub fn variables(
        &self,
        incident: &Incident,
        entry: &Entry,
        party: &str,
    ) -> BTreeMap<&'static str, String> {
        let missing: Vec<String> =
            incident.missing().into_iter().map(|id| self.party(id)).collect();
        let change = change_of(&entry.what);
        let of = |say: &dyn Fn(&Facts) -> String| change.map(say).unwrap_or_default();
        BTreeMap::from([
            ("title", self.title(entry.what.kind()).to_owned()),
            ("who", self.who(&entry.who)),
            ("detail", self.detail(&entry.what)),
            ("headline", self.headline(incident, entry)),
            ("cause", self.cause(incident.cause())),
            ("group", self.group(incident.group())),
            ("level", self.stands(incident)),
            ("place", of(&|c| self.place(&c.scope))),
            ("quantity", of(&|c| c.quantity.title(self.language).to_owned())),
            ("value", of(&|c| two_decimals(&c.value))),
            ("unit", of(&|c| c.quantity.unit_text().to_owned())),
            ("criterion", of(&|c| self.criterion(c))),
            ("party", self.party(party)),
            ("asked", self.asked_of(incident, entry, party)),
            ("missing", self.list(&missing)),
        ])
    }

    /// Which incident it is, how bad the air is, and what happened: a sentence
    /// without its stop.
    fn headline(&self, incident: &Incident, entry: &Entry) -> String {
        let case = self.one_of("핫라인 사건", "热线事件", "Hotline incident");
        let (number, cause) = (incident.case(), self.cause(incident.cause()));
        let level = match (self.language, self.stands(incident)) {
            (_, level) if level.is_empty() => level,
            (_, _) if incident.level().rank == 0 => {
                self.one_of(" 단계 해제", "级别已解除", ", level lifted").to_owned()
            }
            (Language::Ko, level) => format!(" {level} 단계"),
            (Language::Zh, level) => format!("{level}级别"),
            (Language::En, level) => format!(" at {level} level"),
        };
        let title = self.title(entry.what.kind());
        let what = match &entry.who {
            Who::System => title.to_owned(),
            who => format!("{}{}{title}", self.who(who), self.dash()),
        };
        format!(
            "{case} {number}{}{cause}{level}{}{what}",
            self.one_of(", ", "，", ", "),
            self.colon()
        )
    }

    /// The level of an incident; empty if it never had one.
    pub fn stands(&self, incident: &Incident) -> String {
        let level = incident.level();
        if level.rank > 0 || incident.is_lifted() { self.level(level) } else { String::new() }
    }

    /// What the party owes, and by when; empty if nothing is due.
    fn asked_of(&self, incident: &Incident, entry: &Entry, party: &str) -> String {
        let Some(state) = incident.party(party) else { return String::new() };
        let Some(owed) = incident.owes(state) else { return String::new() };
        let by = match owed {
            Owed::Acknowledgement => Some(state.acknowledge_by),
            Owed::Share => self.plan.party(party).and_then(|p| state.share_by(p)),
            Owed::Agreement => None,
        };
        // Whoever has shared and need not again before long is asked for nothing.
        if owed == Owed::Share && by.is_none() {
            return String::new();
        }
        let late = by.is_some_and(|by| by <= entry.at);
        let by = by.map(|by| self.time(by));
        let (party, owed) = (self.party(party), self.deed(owed));
        match (self.language, by, late) {
            (Language::Ko, None, _) => format!("귀측({party}) 요청 사항: {owed}"),
            (Language::Ko, Some(by), false) => format!("귀측({party}) 요청 사항: {by}까지 {owed}"),
            (Language::Ko, Some(by), true) => {
                format!("귀측({party}) 요청 사항: 기한({by})이 지났으므로 즉시 {owed}")
            }
            (Language::Zh, None, _) => format!("请贵方（{party}）{owed}"),
            (Language::Zh, Some(by), false) => format!("请贵方（{party}）于 {by} 前{owed}"),
            (Language::Zh, Some(by), true) => {
                format!("期限（{by}）已过，请贵方（{party}）立即{owed}")
            }
            (Language::En, None, _) => format!("{party} is asked to {owed}"),
            (Language::En, Some(by), false) => format!("{party} is asked to {owed} by {by}"),
            (Language::En, Some(by), true) => {
                format!("The deadline {by} has passed: {party} is asked to {owed} at once")
            }
        }
    }

    /// What a party does when it does what it owes.
    fn deed(&self, owed: Owed) -> &'static str {
        match (owed, self.language) {
            (Owed::Acknowledgement, Language::En) => "acknowledge",
            (Owed::Share, Language::En) => "share a measure or a note",
            (Owed::Agreement, Language::En) => "agree to close the incident",
            (Owed::Agreement, Language::Zh) => "同意结束本事件",
            (Owed::Agreement, Language::Ko) => "사건 종료에 동의",
            _ => self.owed(owed),
        }
    }
}

/// A sentence with a capital where the language has any, without its stop.
fn begun(sentence: &str) -> String {
    let mut rest = sentence.trim_end_matches(['.', '。']).chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.chain(rest).collect()
}

/// The change of the air that an entry tells of.
fn change_of(what: &What) -> Option<&Facts> {
    match what {
        What::Opened { change, .. } => change.as_ref(),
        What::Reopened { change, .. } | What::Joined { change } => Some(change),
        _ => None,
    }
}
