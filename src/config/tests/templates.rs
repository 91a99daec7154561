//! The operator's own texts: what is refused, and with which words.

use super::{Shelf, shown};
use crate::air::place::Language;
use crate::config::settings::EventKind;
use std::collections::BTreeMap;

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
    let text = |kind, language| templates.text(kind, language, &all);
    assert_eq!(text(EventKind::Change, Language::Ko).as_deref(), Some("서울 & 경기: 주의보"));
    assert_eq!(text(EventKind::Change, Language::Zh), None);
    assert_eq!(text(EventKind::Incident, Language::Ko), None);
    assert!(templates.has(EventKind::Change, Language::Ko));
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
