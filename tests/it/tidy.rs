//! The rules of the house that a machine can read: who may import whom, who
//! alone may name what, how long things may be. The table is that of
//! `ARCHITECTURE.md`, so that the map and the land cannot part.

mod documents;
mod source;

use source::{Source, files, functions, read, sources};
use std::collections::{BTreeMap, BTreeSet};

/// Lines of a file at most.
const FILE_MAX: usize = 400;
/// Lines of a function at most.
const FUNCTION_MAX: usize = 60;

/// Files of `src/` that are longer, with their lines. They may shrink; a new one
/// is split instead of being put here.
const LONG_FILES: &[(&str, usize)] = &[];

/// Functions of `src/` that are longer, as file and name, with their lines.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// A row of the import table.
struct Row {
    /// Modules it may import; `None`: all.
    imports: Option<BTreeSet<String>>,
    /// What it may name and others may not, unless their rows say so too.
    names: BTreeSet<String>,
}

/// The import table of `ARCHITECTURE.md` by module.
fn table() -> BTreeMap<String, Row> {
    let text = read("ARCHITECTURE.md");
    let rows = text.lines().skip_while(|l| !l.starts_with("| module |")).skip(2);
    let mut table = BTreeMap::new();
    for row in rows.take_while(|l| l.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [modules, _, imports, names] = cells[..] else { panic!("not four cells: {row}") };
        for module in marked(modules) {
            let imports = (imports != "everything").then(|| marked(imports));
            table.insert(
                module.trim_end_matches('/').to_owned(),
                Row { imports, names: marked(names) },
            );
        }
    }
    assert!(table.len() > 10, "ARCHITECTURE.md has no import table");
    table
}

/// What stands between backticks.
fn marked(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The modules of ours that some code names, with a place for each.
fn imports(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, path) in code.match_indices("crate::").chain(code.match_indices("dustline::")) {
        let after = at + path.len();
        if !code[after..].starts_with('{') {
            found.push((word(&code[after..]), at));
            continue;
        }
        let group = &code[after + 1..source::closing(code, after)];
        let mut depth = 0;
        let mut start = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' => start |= depth == 0,
                _ if start && depth == 0 && c.is_alphabetic() => {
                    found.push((word(&group[i..]), at));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Where a crate or path is named as a whole.
fn named(code: &str, name: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let places = code.match_indices(name).map(|(at, _)| at);
    let mut whole = places
        .filter(|at| !code[..*at].ends_with(part) && !code[at + name.len()..].starts_with(part));
    // A crate counts where it begins a path; as a field or variable it does not.
    let is_path = |at: &usize| {
        let (before, after) = (&code[..*at], &code[at + name.len()..]);
        name.contains("::")
            || name.starts_with(char::is_uppercase)
            || (after.starts_with("::") && !before.ends_with(':'))
            || before.ends_with("use ")
    };
    whole.find(is_path)
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_module_has_a_row_in_the_import_table_and_every_row_a_module() {
    let there: BTreeSet<String> = sources().iter().map(|s| s.module().to_owned()).collect();
    let rows: BTreeSet<String> = table().into_keys().collect();
    assert_eq!(rows, there.into_iter().filter(|m| m != "lib").collect());
}

#[test]
fn a_module_imports_only_what_its_row_allows() {
    let table = table();
    let mut faults = Vec::new();
    for source in sources() {
        let Some(Row { imports: Some(allowed), .. }) = table.get(source.module()) else { continue };
        for (module, at) in imports(&source.code) {
            if module != source.module()
                && table.contains_key(&module)
                && !allowed.contains(&module)
            {
                let (path, line) = (&source.path, source.line(at));
                faults
                    .push(format!("{path}:{line}: names crate::{module}, which its row does not"));
            }
        }
    }
    none(faults);
}

#[test]
fn what_one_module_alone_may_name_no_other_names() {
    let table = table();
    let mut homes: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for (module, row) in &table {
        row.names.iter().for_each(|name| homes.entry(name).or_default().push(module));
    }
    let mut faults = Vec::new();
    for source in sources() {
        for (name, homes) in &homes {
            let at_home = homes.iter().any(|m| *m == source.module());
            if let Some(at) = named(&source.code, name).filter(|_| !at_home) {
                let (path, line) = (&source.path, source.line(at));
                faults.push(format!("{path}:{line}: names {name}, which only {homes:?} may"));
            }
        }
    }
    none(faults);
}

#[test]
fn what_a_module_alone_may_name_is_really_named_there() {
    let sources = sources();
    let mut faults = Vec::new();
    for (module, row) in table() {
        for name in &row.names {
            let of = |s: &&Source| s.module() == module;
            if !sources.iter().filter(of).any(|s| named(&s.code, name).is_some()) {
                faults.push(format!("ARCHITECTURE.md: {module} does not name {name}"));
            }
        }
    }
    none(faults);
}

#[test]
fn files_stay_short() {
    let mut faults = Vec::new();
    let tests = files("tests", &[".rs"]).into_iter().map(|p| (read(&p).lines().count(), p));
    for (lines, path) in sources().into_iter().map(|s| (s.lines, s.path)).chain(tests) {
        let max = LONG_FILES.iter().find(|(p, _)| *p == path).map_or(FILE_MAX, |(_, n)| *n);
        if lines > max {
            faults.push(format!("{path}: {lines} lines, at most {max}; split it"));
        } else if max > FILE_MAX && lines <= FILE_MAX {
            faults.push(format!("{path}: short by now; take it off LONG_FILES"));
        }
    }
    none(faults);
}

#[test]
fn functions_stay_short() {
    let mut faults = Vec::new();
    for source in sources() {
        for (name, at, lines) in functions(&source.code) {
            let long = LONG_FUNCTIONS.iter().find(|(p, f, _)| *p == source.path && *f == name);
            let max = long.map_or(FUNCTION_MAX, |(_, _, n)| *n);
            if lines > max {
                let (path, line) = (&source.path, source.line(at));
                faults.push(format!("{path}:{line}: {name} has {lines} lines, at most {max}"));
            } else if max > FUNCTION_MAX && lines <= FUNCTION_MAX {
                faults.push(format!("{name} is short by now; take it off LONG_FUNCTIONS"));
            }
        }
    }
    none(faults);
}

#[test]
fn nothing_outside_of_tests_may_panic_on_purpose_or_is_left_to_do() {
    let banned = [".unwrap()", ".expect(", "todo!", "unimplemented!", "dbg!", "process::exit"];
    let mut faults = Vec::new();
    for source in sources() {
        for word in banned {
            if let Some((at, _)) = source.code.match_indices(word).next() {
                faults.push(format!("{}:{}: {word}", source.path, source.line(at)));
            }
        }
    }
    none(faults);
}

#[test]
fn no_task_runs_that_nobody_waits_for() {
    let mut faults = Vec::new();
    for source in sources() {
        if let Some(at) = named(&source.code, "tokio::spawn") {
            let (path, line) = (&source.path, source.line(at));
            faults.push(format!("{path}:{line}: spawn it on a JoinSet that is joined at the end"));
        }
    }
    none(faults);
}

#[test]
fn lints_are_never_simply_allowed() {
    let mut faults = Vec::new();
    for path in files("src", &[".rs"]).into_iter().chain(files("tests", &[".rs"])) {
        let code = source::blank(&read(&path));
        if code.contains("[allow(") {
            faults.push(format!("{path}: say #[expect(…, reason = …)] instead of allow"));
        }
    }
    none(faults);
}
