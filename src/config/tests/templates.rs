//! The operator's own texts: what is refused, and with which words.

use super::{Shelf, shown};
use crate::air::Stamp;
use crate::air::place::Language;
use crate::config::settings::EventKind;
use crate::config::templates::{INCIDENT, Part};
use crate::hotline::{Act, Does, Happening, Hotline, Party, Plan, Who, Words};
use std::collections::{BTreeMap, BTreeSet};

fn faults(file: &str, text: &str) -> String {
    let shelf = Shelf::default().with_file(&format!("/etc/dustline/texts/{file}"), text);
    let found = shelf.parse("templates_dir = \"texts\"").map(drop).unwrap_err();
    shown(&found).join("\n")
}

#[test]
fn a_template_takes_the_place_of_the_text_of_its_kind_and_language() {
    let text = "{{ place }}: {{ to }}{% if exercise %} {{ exercise }}{% endif %}\n";
    let shelf = Shelf::default().with_file("/etc/dustline/texts/change.ko.txt", text);
    let templates = shelf.parse("templates_dir = \"texts\"").unwrap().settings.templates;
    let all = crate::config::templates::variables(EventKind::Change);
    let mut all: BTreeMap<&str, String> = all.into_iter().map(|v| (v, String::new())).collect();
    all.insert("place", "서울 & 경기".to_owned());
    all.insert("to", "주의보".to_owned());
    let text = |kind, language| templates.text((kind, Part::Text), language, &all);
    assert_eq!(text(EventKind::Change, Language::Ko).as_deref(), Some("서울 & 경기: 주의보"));
    assert_eq!(text(EventKind::Change, Language::Zh), None);
    assert_eq!(text(EventKind::Incident, Language::Ko), None);
    assert!(templates.has((EventKind::Change, Part::Text), Language::Ko));
    assert!(!templates.has((EventKind::Change, Part::Headline), Language::Ko));
}

#[test]
fn every_fault_of_a_template_has_its_file_and_line() {
    for (text, place, said) in [
        ("a\n{{ plcae }}", "change.ko.txt:2: ", "no variable \"plcae\"; did you mean `place`?"),
        (
            "{% if late %}{{ case }}{% endif %}",
            "change.ko.txt:1: ",
            "no variable \"case\"; known: text",
        ),
        ("a\n\n{% if late %}", "change.ko.txt:3: ", "unexpected end"),
        ("\n{{ value|upcase }}", "change.ko.txt:2: ", "upcase"),
        ("\n\n{{ value.unit }}", "change.ko.txt:3: ", "undefined"),
    ] {
        let found = faults("change.ko.txt", text);
        assert!(found.contains(place) && found.contains(said), "{found}");
    }
    assert!(faults("chnage.ko.txt", "a").contains("not one of change.ko.txt, change.zh.txt"));
    let absent = Shelf::default().parse("templates_dir = \"nowhere\"").map(drop).unwrap_err();
    assert!(shown(&absent)[0].contains("cannot read"), "{absent:?}");
}

#[test]
fn headlines_and_instructions_are_checked_as_texts_are() {
    let found = faults("incident.instruction.zh.txt", "{{ askd }}");
    assert!(found.contains("incident.instruction.zh.txt:1: no variable \"askd\""), "{found}");
    assert!(faults("incident.subject.zh.txt", "a").contains("incident.headline.zh.txt"));
}

#[test]
fn what_the_hotline_says_in_words_is_what_templates_of_incidents_may_name() {
    let mut hotline = Hotline::new(Plan { parties: vec![Party::new("KR")], ..Plan::default() });
    let (cause, text) = ("drill".to_owned(), "spring".to_owned());
    let does = Does::Open { cause, exercise: true, group: None, text };
    let who = Who::Operator { from: "cli".to_owned(), name: None };
    let opened = hotline.happened(&Happening::Act(Act { who, does }), Stamp(0));
    let words =
        Words { language: Language::En, time_zone: Language::En.time_zone(), plan: hotline.plan() };
    let said = words.variables(&hotline.incidents()[0], &opened.recorded[0].entry, "KR");
    // These are names for programs, and stand in the event itself.
    let named = INCIDENT.into_iter().filter(|name| !["case", "kind", "owes"].contains(name));
    assert_eq!(said.into_keys().collect::<BTreeSet<_>>(), named.collect());
}
