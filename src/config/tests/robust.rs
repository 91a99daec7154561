//! Any text at all: many faults at once, no panic, no secret in what is said.

use super::{Shelf, faults_of};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../config/dustline.toml");

#[test]
fn every_fault_is_reported_in_the_order_of_the_file() {
    let faults = faults_of(
        &Shelf::default(),
        "data_dri = \"x\"\n[http]\nlisten = \"x\"\n[[zone]]\nid = \"z\"\nrulesets = [\"none\"]\n\
         [[source]]\nname = \"s\"\n[log]\nformat = 1\n",
    );
    let places: Vec<&str> = faults.iter().filter_map(|f| f.split(": ").nth(1)).collect();
    assert_eq!(
        places,
        [
            "data_dri",
            "http.listen",
            "zone[0].rulesets[0]",
            "source[0].url",
            "source[0].subscribe",
            "log.format",
        ]
    );
}

#[test]
fn secrets_are_in_no_finding_and_in_no_debug_form() {
    let secrets = "[[source]]\nname = \"s\"\nurl = \"mqtt://u:hunter2@a\"\nusername = \"u\"\n\
                   password = \"hunter2\"\npasword = \"hunter2\"\n\
                   subscribe = [{ topic = \"{device}\", format = \"airrohr\" }]\n\
                   [http]\noperator_token = { file = \"t\" }\ntoken = \"hunter2\"\n\
                   [[receiver]]\nid = \"r\"\nurl = \"https://hunter2@a\"\nsecret = \"hunter2\"\n\
                   [[influxdb]]\ntoken = { pasword = \"hunter2\", env = 5 }\n";
    let shelf = Shelf::default().with_file("/etc/dustline/t", "hunter2\n");
    let faults = shelf.parse(secrets).unwrap_err();
    assert!(faults.len() > 8, "{faults:?}");
    assert!(!format!("{faults:?}").contains("hunter2"), "{faults:#?}");

    let broken = format!("{secrets}\n[[receiver]]\nsecret = \"hunter2\ntoken = 'hunter2'y\n");
    let faults = shelf.parse(&broken).unwrap_err();
    assert!(!format!("{faults:?}").contains("hunter2"), "{faults:#?}");

    let good = "[http]\noperator_token = { file = \"t\" }\n[[influxdb]]\nname = \"m\"\n\
                url = \"http://a\"\norg = \"o\"\nbucket = \"b\"\ntoken = \"hunter2\"";
    let loaded = shelf.parse(good).unwrap();
    assert_eq!(loaded.settings.http.operator_token.as_ref().unwrap().reveal(), "hunter2");
    assert!(!format!("{loaded:?}").contains("hunter2"), "{loaded:#?}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = Shelf::default().parse(&text);
    }

    #[test]
    fn no_toml_like_text_makes_it_panic(
        text in "(\\[\\[(source|zone|station|receiver)\\]\\]\n|[a-z_]{2,9} = |[\\[\\]{},\"'\n.=한]|-?[0-9.e]{1,5}|true)*"
    ) {
        let _ = Shelf::default().parse(&text);
    }

    #[test]
    fn no_cut_or_pasted_example_makes_it_panic(
        cut in 0usize..12_000, length in 0usize..200, paste in "[\\[\\]{}\"'=\n0-9a-z🌫]{0,6}"
    ) {
        let mut text: Vec<char> = EXAMPLE.replace("\n# ", "\n").chars().collect();
        let start = cut.min(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, paste.chars());
        let _ = Shelf::default().parse(&text.into_iter().collect::<String>());
    }
}
