//! What is kept of deliveries.

use super::*;

fn delivered(incident: &str) -> Happening {
    let proof = Proof {
        answer: Some("ab".to_owned()),
        at: at(1),
        notice: "01FRXY0000ABCDEFGHJKMNPQRS".to_owned(),
        of: 1,
        party: "KR".to_owned(),
        receiver: "kr-desk".to_owned(),
        status: 204,
    };
    Happening::Delivered { incident: incident.to_owned(), proof }
}

#[test]
fn a_delivery_is_proven_in_the_transcript_and_nobody_is_told_of_it() {
    let mut story = warned(at(0));
    let before = story.incident().clone();
    let recorded = story.does(&delivered(before.id()), at(1));
    assert_eq!(kinds(&recorded), ["delivered"]);
    assert!(recorded[0].tellings.is_empty() && recorded[0].entry.who == Who::System);
    let owes = |i: &Incident| i.parties().iter().map(|p| i.owes(p)).collect::<Vec<_>>();
    assert_eq!(owes(&before), owes(story.incident()), "it is no acknowledgement");
    verify(&story.entries(), None).unwrap();
    story.restart();
    assert_eq!(story.incident().head().0, before.head().0 + 1);
}

#[test]
fn what_is_of_no_incident_or_not_wanted_is_not_kept() {
    let mut story = warned(at(0));
    assert!(story.does(&delivered("another"), at(1)).is_empty());
    let id = story.incident().id().to_owned();
    let plan = Plan { prove_delivery: false, ..plan() };
    story.hotline = Hotline::restored(plan, story.hotline.save());
    assert!(story.does(&delivered(&id), at(1)).is_empty());
}
