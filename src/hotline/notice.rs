//! What a party's receivers read of an entry: what happened, what is asked of
//! them and by when.

use super::entry::{Entry, Owed, What};
use super::incident::Incident;
use super::words::Words;

impl Words<'_> {
    /// An entry as the receivers of a party read it, in one paragraph. Times are
    /// those of the reader's zone, which is named.
    pub fn notice(&self, incident: &Incident, entry: &Entry, party: &str) -> String {
        let case = self.one_of("사건", "事件", "Incident");
        let (number, cause) = (incident.case(), incident.cause());
        let mut sentences =
            vec![format!("{case} {number} ({cause}, {})", self.level(incident.level()))];
        sentences.push(self.told(entry));
        sentences.extend(self.asked_of(incident, party));
        let zone = self.time_zone.iana_name().unwrap_or("UTC");
        sentences.push(format!("{} {zone}", self.one_of("시각 기준", "时间以此为准", "Times in")));
        if of_the_air(&entry.what) {
            sentences.push(self.caution().to_owned());
        }
        let stop = self.one_of(". ", "。", ". ");
        format!("{}{}", sentences.join(stop), stop.trim_end())
    }

    /// Who did what.
    fn told(&self, entry: &Entry) -> String {
        let head = format!("{} — {}", self.who(&entry.who), self.title(entry.what.kind()));
        match self.detail(&entry.what) {
            detail if detail.is_empty() => head,
            detail => format!("{head}: {detail}"),
        }
    }

    /// What the party owes, and by when if there is a deadline.
    fn asked_of(&self, incident: &Incident, party: &str) -> Option<String> {
        let state = incident.party(party)?;
        let owed = incident.owes(state)?;
        let by = match owed {
            Owed::Acknowledgement => Some(state.acknowledge_by),
            Owed::Share => self.plan.party(party).and_then(|p| state.share_by(p)),
            Owed::Agreement => None,
        };
        let (party, owed) = (self.party(party), self.owed(owed));
        let asked = format!("{party}: {} {owed}", self.one_of("요청 사항 —", "请", "asked for —"));
        let deadline = self.one_of("기한", "期限", "by");
        Some(by.map_or(asked.clone(), |by| format!("{asked}, {deadline} {}", self.time(by))))
    }

    fn caution(&self) -> &'static str {
        self.one_of(
            "이 관측망의 자료가 기준을 충족했다는 뜻이며, 관계 기관의 공식 발령이나 해제가 아님",
            "仅表示本网络的数据符合该标准，并非主管部门的正式发布或解除",
            "This says that this network's data meet a criterion; it is no official proclamation by an authority",
        )
    }
}

/// Whether an entry says something of the air.
fn of_the_air(what: &What) -> bool {
    match what {
        What::Opened { change, .. } => change.is_some(),
        What::Reopened { .. } | What::Joined { .. } | What::Level { .. } => true,
        _ => false,
    }
}
