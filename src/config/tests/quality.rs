//! What `[quality]`, `quality`, `model` and `corrections` mean.

use super::super::settings::Settings;
use super::{Shelf, shown};
use crate::quality::correction::Form;
use crate::quality::{Correction, Model, Policy};
use crate::rules::neighbours;
use std::time::Duration;

fn settings_of(text: &str) -> Settings {
    Shelf::default().parse(text).map_err(|f| shown(&f)).unwrap().settings
}

const SOURCE: &str = "[[source]]\nname = \"a\"\nurl = \"mqtt://127.0.0.1\"\nclient_id = \"c\"\n\
    subscribe = [{ topic = \"{device}\", format = \"airrohr\" }]\n";

#[test]
fn a_test_is_switched_off_on_or_given_some_of_its_bounds() {
    let text = "[quality]\nstuck = false\nspike = { rise = 250 }\norder = false\nagreement = true";
    let policy = settings_of(text).quality;
    let defaults = Policy::default();
    assert_eq!(policy.stuck, None);
    assert!(!policy.order);
    assert_eq!(policy.agreement, defaults.agreement);
    let spike = policy.spike.unwrap();
    assert_eq!((spike.rise, spike.factor), (250.0, 3.0));
    assert_eq!(policy.humidity, defaults.humidity);
}

#[test]
fn a_station_far_from_its_neighbours_counts_unless_it_is_said_that_it_does_not() {
    let bounds = |text: &str| settings_of(text).neighbours;
    assert_eq!(bounds(""), Some(neighbours::Bounds::default()));
    assert!(bounds("").unwrap().counts);
    assert_eq!(bounds("[quality]\nneighbours = false"), None);
    let text = "[quality]\nneighbours = { difference = 80, counts = false }";
    let set = neighbours::Bounds { difference: 80.0, counts: false, ..Default::default() };
    assert_eq!(bounds(text), Some(set));
}

#[test]
fn a_source_says_only_what_differs() {
    let own = "model = \"pms5003\"\nquality = { max_past = \"3d\", humidity = { counts = false } }\n\
        corrections = [\"us-epa-2021\", { form = \"kappa-koehler\", kappa = 0.3 }]\n";
    let settings = settings_of(&format!("[quality]\nstuck = false\n{SOURCE}{own}"));
    let source = settings.sources.first().unwrap();
    assert_eq!(source.quality.stuck, None);
    assert_eq!(source.quality.max_past, Duration::from_secs(3 * 86_400));
    let humidity = source.quality.humidity.unwrap();
    assert_eq!((humidity.above, humidity.counts), (95.0, false));
    assert!(settings.quality.humidity.unwrap().counts);
    assert_eq!(source.model, Some(Model::Pms));
    let kappa = Form::KappaKoehler { kappa: 0.3, max_humidity: 95.0 };
    assert_eq!(source.corrections, [Correction(Form::UsEpa2021), Correction(kappa)]);
}

#[test]
fn what_no_test_and_no_correction_has_is_a_fault() {
    for own in [
        "quality = { spike = 3 }",
        "quality = { spike = { rize = 3 } }",
        "quality = { neighbours = false }",
        "model = \"sds12\"",
        "corrections = [\"us-epa-2022\"]",
        "corrections = [\"us-epa-2021\", \"us-epa-2021\"]",
        "corrections = [{ form = \"us-epa-2021\", kappa = 0.3 }]",
        "corrections = [{ form = \"kappa-koehler\", max_humidity = 100 }]",
    ] {
        let faults = Shelf::default().parse(&format!("{SOURCE}{own}")).unwrap_err();
        assert_eq!(faults.len(), 1, "{own}: {:?}", shown(&faults));
    }
}
