use super::*;
use std::path::PathBuf;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/formats")
}

#[test]
fn every_built_in_preset_says_what_its_cases_say() {
    let shown = |faults: &[Fault]| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    let presets = builtin().map_err(shown).unwrap_or_else(|f| panic!("\n{}\n", f.join("\n")));
    let files = Machine.list(&folder()).unwrap();
    let names: Vec<String> =
        files.iter().map(|f| f.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(presets.keys().cloned().collect::<Vec<_>>(), names, "every file is built in");
    assert!(names.iter().all(|n| !Format::names().contains(&n.as_str())));
}
