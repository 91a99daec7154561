//! What an entry says beyond its kind, in the reader's language.

use super::entry::{Owed, What};
use super::facts::{Asked, Facts, Measure, Proof, Standing};
use super::plan::Grade;
use super::words::Words;
use crate::air::Stamp;
use crate::air::place::Language;
use crate::air::words::{Moved, number};
use crate::rules::NONE;

impl Words<'_> {
    /// What an entry says beyond its kind; empty if that is all.
    pub(super) fn detail(&self, what: &What) -> String {
        match what {
            // Case, cause and the mark of an exercise stand above every entry.
            What::Opened { change, parties, standing, text, .. } => {
                self.opened(text.as_deref(), change.as_ref(), standing, parties)
            }
            What::Reopened { change, parties, standing, .. } => {
                self.opened(None, Some(change), standing, parties)
            }
            What::Joined { change } => self.change(change),
            What::Level { from, lifted, to, .. } => self.moved(from, to, *lifted),
            What::Escalated { party, receivers, step, .. } => {
                self.escalated(party, *step, receivers)
            }
            What::Overdue { due, owed, party } => self.overdue(party, *owed, *due),
            What::Reminder { owed, party, .. } => {
                format!("{}{}{}", self.party(party), self.colon(), self.owed(*owed))
            }
            What::Measure { measure } => self.measure_in_words(measure),
            What::Ended { at, measure } => self.ended(*measure, *at),
            What::Note { text } => text.clone(),
            What::Delivered(proof) => self.delivered(proof),
            What::Rejected { of, text } => {
                let entry = self.one_of("기록", "记录", "entry");
                format!("{entry} {of}{}{text}", self.colon())
            }
            What::Acknowledged | What::Agreed | What::Closed => String::new(),
        }
    }

    /// Why an incident was opened, and what is asked of the parties.
    fn opened(
        &self,
        text: Option<&str>,
        change: Option<&Facts>,
        standing: &[Standing],
        parties: &[Asked],
    ) -> String {
        let mut parts: Vec<String> = text.map(str::to_owned).into_iter().collect();
        parts.extend(change.map(|c| self.change(c)));
        let stands =
            |s: &Standing| format!("{} {}", self.place(&s.place.scope), self.level(&s.level));
        let already: Vec<String> = standing.iter().map(stands).collect();
        if !already.is_empty() {
            let title = self.one_of("이미 기준 충족", "此前已达标", "standing already");
            parts.push(format!("{title}{}{}", self.colon(), self.list(&already)));
        }
        let by = |a: &Asked| format!("{} {}", self.party(&a.party), self.time(a.acknowledge_by));
        let asked: Vec<String> = parties.iter().map(by).collect();
        let title = self.one_of("수신 확인 기한", "确认收悉期限", "to be acknowledged by");
        parts.push(format!("{title}{}{}", self.colon(), self.list(&asked)));
        parts.join(self.one_of("; ", "；", "; "))
    }

    /// What was measured where and when, and by which criterion.
    fn change(&self, change: &Facts) -> String {
        let what = change.quantity.title(self.language);
        let criterion = self.criterion(change);
        let (place, met) = (self.place(&change.scope), self.met(change, what));
        let value = self.value(change);
        let at = self.time(change.at);
        let value = Some(value).filter(|v| !v.is_empty());
        match self.language {
            Language::Ko => {
                let value = value.map_or(String::new(), |v| format!(", 측정값 {v}"));
                format!("{place}: {met}{value}, 충족 시각 {at} (기준: {criterion})")
            }
            Language::Zh => {
                let value = value.map_or(String::new(), |v| format!("，测量值 {v}"));
                format!("{place}：{met}{value}，达标时间 {at}（标准：{criterion}）")
            }
            Language::En => {
                let value = value.map_or(String::new(), |v| format!(", value {v}"));
                format!("{place}: {met}{value}, at {at} ({criterion})")
            }
        }
    }

    /// The value that met a criterion, with its unit; empty if there is none.
    fn value(&self, change: &Facts) -> String {
        let value = two_decimals(&change.value);
        if value.is_empty() { value } else { format!("{value} {}", change.quantity.unit_text()) }
    }

    /// Which rule it was, and what it says.
    pub(super) fn criterion(&self, change: &Facts) -> String {
        let rule = self.plan.opener(&change.ladder).map(|o| o.title.text(self.language));
        let rule = rule.filter(|title| !title.is_empty()).unwrap_or(&change.ladder);
        let said = change.criterion.as_ref().map_or("", |c| c.text(self.language));
        match said {
            "" => rule.to_owned(),
            said => format!("{rule}{}{said}", self.one_of(", ", "，", ": ")),
        }
    }

    fn met(&self, change: &Facts, what: &str) -> String {
        let opener = self.plan.opener(&change.ladder);
        let from = opener.map_or_else(Grade::none, |o| o.grade(&change.from));
        let (old, new) = (
            self.level(&Grade { name: change.from.clone(), ..from.clone() }),
            self.level(&change.to),
        );
        let moved = match change.to.name.as_str() {
            NONE => Moved::Lifted(&old),
            _ if change.to.rank < from.rank => Moved::Lowered(&old, &new),
            _ => Moved::Raised(&new),
        };
        moved.criterion_met(what, self.language)
    }

    fn moved(&self, from: &Grade, to: &Grade, lifted: bool) -> String {
        let moved = format!("{} → {}", self.level(from), self.level(to));
        let open = self.one_of(
            ", 모든 당사자가 동의하면 종료 가능",
            "，各方同意后可以结束",
            ", can be closed when all parties agree",
        );
        if lifted { format!("{moved}{open}") } else { moved }
    }

    fn escalated(&self, party: &str, step: u32, receivers: &[String]) -> String {
        let called: Vec<String> = receivers.iter().map(|id| self.receiver(id)).collect();
        let (party, called) = (self.party(party), self.list(&called));
        match self.language {
            Language::Ko => format!("{party} 미확인, {step}단계 수신처 통보: {called}"),
            Language::Zh => format!("{party}尚未确认，通知第 {step} 级接收方：{called}"),
            Language::En => {
                format!("{party} has not acknowledged, step {step} is called: {called}")
            }
        }
    }

    fn overdue(&self, party: &str, owed: Owed, due: Stamp) -> String {
        let (party, owed, due) = (self.party(party), self.owed(owed), self.time(due));
        match self.language {
            Language::Ko => format!("{party}, {owed} 기한 {due} 경과"),
            Language::Zh => format!("{party}{owed}的期限 {due} 已过"),
            Language::En => format!("{party}: {owed} was due by {due}"),
        }
    }

    fn ended(&self, measure: u32, at: Stamp) -> String {
        let at = self.time(at);
        match self.language {
            Language::Ko => format!("조치 {measure}, {at} 종료"),
            Language::Zh => format!("措施 {measure}，{at} 结束"),
            Language::En => format!("measure {measure}, at {at}"),
        }
    }

    fn delivered(&self, proof: &Proof) -> String {
        let Proof { party, receiver, of, status, .. } = proof;
        let receiver =
            format!("{}{}", self.receiver(receiver), self.in_brackets(&self.party(party)));
        match self.language {
            Language::Ko => format!("{receiver}, 기록 {of}, 응답 {status}"),
            Language::Zh => format!("{receiver}，记录 {of}，应答 {status}"),
            Language::En => format!("{receiver}, entry {of}, answer {status}"),
        }
    }

    fn measure_in_words(&self, measure: &Measure) -> String {
        let (kind, place, text) = (self.measure(measure.kind), &measure.place, &measure.text);
        let from = self.time(measure.from);
        let until = measure.until.map(|t| self.time(t));
        match self.language {
            Language::Ko => {
                let until = until.map_or(String::new(), |t| format!(" {t}까지"));
                format!("{kind}, {place}, {from}부터{until}: {text}")
            }
            Language::Zh => {
                let until = until.map_or(String::new(), |t| format!("至 {t}"));
                format!("{kind}，{place}，自 {from} 起{until}：{text}")
            }
            Language::En => {
                let until = until.map_or(String::new(), |t| format!(" until {t}"));
                format!("{kind}, {place}, from {from}{until}: {text}")
            }
        }
    }
}

/// A number for reading; the transcript has all of its digits.
pub(super) fn two_decimals(value: &str) -> String {
    value.parse().map(number).unwrap_or_else(|_| value.to_owned())
}
