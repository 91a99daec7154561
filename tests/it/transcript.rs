//! The program that `docs/transcript.md` offers for checking a transcript, run
//! as printed there on the vectors printed there.

use std::path::Path;
use std::process::Command;

/// The content of the first block of a kind.
fn block<'a>(document: &'a str, kind: &str) -> &'a str {
    let (_, after) = document.split_once(&format!("```{kind}\n")).expect("a block");
    after.split("```").next().unwrap_or_default()
}

fn check(dir: &Path, vectors: &str) -> (bool, String) {
    std::fs::write(dir.join("transcript.jsonl"), vectors).unwrap();
    let mut python = Command::new("python3");
    let output = python.current_dir(dir).args(["check.py", "transcript.jsonl"]).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn the_program_of_the_document_takes_its_vectors_and_finds_every_altered_line() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!(
            "skipped: the_program_of_the_document_takes_its_vectors_and_finds_every_altered_line: \
             python3 is absent"
        );
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/transcript.md");
    let document = std::fs::read_to_string(path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("check.py"), block(&document, "python")).unwrap();
    let vectors = block(&document, "jsonl");
    let (good, head) = check(dir.path(), vectors);
    assert!(good && document.contains(&format!("the head is `{head}`")), "{head}");
    for line in vectors.lines() {
        let altered = vectors.replace(line, &line.replacen(":00Z", ":01Z", 1));
        assert!(!check(dir.path(), &altered).0, "{line}");
        let dropped = vectors.replace(&format!("{line}\n"), "");
        let last = vectors.trim_end().ends_with(line);
        assert_eq!(check(dir.path(), &dropped).0, last, "{line}");
    }
}
