//! One-time links that go out with notices of the hotline: the reader is offered
//! to do, by opening an address, what the party owes.
//!
//! Made anew for every attempt, and always the same: nothing of it is kept, so
//! that the outbox, its lists and logs know of no link.

use super::string;
use crate::air::Stamp;
use crate::air::place::Language;
use crate::config::settings::Links;
use crate::link::{self, Deed, Key, Link};
use crate::store::EventRow;

/// What makes offers.
#[derive(Debug, Clone)]
pub struct Offers {
    /// What links are signed with.
    pub key: Key,
    /// Where they lead, how long they live, who may have them.
    pub links: Links,
}

/// What a reader can do at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What.
    pub deed: Deed,
    /// By opening this: a secret.
    pub url: String,
    /// Until when.
    pub expires: Stamp,
}

impl Offers {
    /// What a receiver can be offered with an event, at an instant of the world
    /// that is judged: what its party owes, if a link can do that, if the
    /// receiver is on the party's ladder, and if there is time left.
    pub fn of(&self, event: &EventRow, receiver: &str, now: Stamp) -> Option<Offer> {
        if event.kind != "dustline.incident.v1" {
            return None;
        }
        let deed = match string(&event.data, "owes")? {
            "acknowledgement" => Deed::Acknowledge,
            "agreement" => Deed::Close,
            _ => return None,
        };
        let party = string(&event.data, "party")?;
        let link = Link {
            deed,
            incident: string(&event.data, "incident")?.to_owned(),
            party: party.to_owned(),
            receiver: receiver.to_owned(),
            at: event.time,
            expires: event.time.plus(self.links.valid),
        };
        let offered = self.links.may_hold(receiver, party) && !link.is_over(now);
        let url = || format!("{}{}{}", self.links.public_url, link::PATH, self.key.ticket(&link));
        offered.then(|| Offer { deed, url: url(), expires: link.expires })
    }
}

impl Offer {
    /// What the address is for, in words.
    pub(super) fn label(&self, language: Language) -> String {
        let zone = language.time_zone();
        let until = self.expires.local(&zone);
        let name = zone.iana_name().unwrap_or("UTC");
        let (ko, zh, en) = match self.deed {
            Deed::Acknowledge => ("확인하기", "确认", "Acknowledge"),
            Deed::Close => ("종료 동의하기", "同意结束", "Agree to close"),
        };
        match language {
            Language::Ko => format!("{ko} (1회용, {until} {name}까지)"),
            Language::Zh => format!("{zh}（仅限一次，{until} {name}前有效）"),
            Language::En => format!("{en} (once, until {until} {name})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::format::fixture;
    use serde_json::json;
    use std::time::Duration;

    fn offered(receiver: &str, data: &[(&str, &str)], now: Stamp) -> Option<(Offer, Link)> {
        let offers = fixture::offers();
        let mut event = fixture::incident(1, "acknowledgement");
        data.iter().for_each(|(key, value)| event.data[*key] = json!(value));
        let offer = offers.of(&event, receiver, now)?;
        let (base, ticket) = offer.url.split_once(link::PATH).unwrap();
        assert_eq!(base, "https://hotline.example");
        let link = offers.key.link(ticket).unwrap();
        Some((offer, link))
    }

    #[test]
    fn a_receiver_is_offered_what_its_party_owes() {
        let (offer, link) = offered("kr-desk", &[], fixture::NOW).unwrap();
        assert_eq!(offer.deed, Deed::Acknowledge);
        assert_eq!((link.party.as_str(), link.receiver.as_str()), ("KR", "kr-desk"));
        assert_eq!(link.incident, "01FRVFR800E1TGVBETPXF4TPS9");
        let (offer, _) = offered("kr-desk", &[("owes", "agreement")], fixture::NOW).unwrap();
        assert_eq!(offer.deed, Deed::Close);
        assert_eq!(offered("kr-desk", &[("owes", "share")], fixture::NOW), None);
    }

    #[test]
    fn a_receiver_that_is_not_on_the_ladder_of_the_party_is_offered_nothing() {
        assert_eq!(offered("cn-desk", &[], fixture::NOW), None, "a fallback, say");
        assert_eq!(offered("kr-desk", &[("party", "CN")], fixture::NOW), None);
        assert!(offered("cn-desk", &[("party", "CN")], fixture::NOW).is_some());
    }

    #[test]
    fn a_notice_that_comes_after_its_link_has_expired_has_none() {
        let (offer, _) = offered("kr-desk", &[], fixture::NOW).unwrap();
        assert_eq!(offered("kr-desk", &[], offer.expires), None);
        let before = offer.expires.minus(Duration::from_millis(1));
        assert!(offered("kr-desk", &[], before).is_some());
    }

    #[test]
    fn its_label_says_for_what_how_often_and_until_when() {
        let (offer, _) = offered("kr-desk", &[], fixture::NOW).unwrap();
        for (language, label) in [
            (Language::Ko, "확인하기 (1회용, 2022-01-09 22:01 Asia/Seoul까지)"),
            (Language::Zh, "确认（仅限一次，2022-01-09 21:01 Asia/Shanghai前有效）"),
            (Language::En, "Acknowledge (once, until 2022-01-09 13:01 UTC)"),
        ] {
            assert_eq!(offer.label(language), label);
        }
    }
}
