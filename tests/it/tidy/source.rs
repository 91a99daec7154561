//! The source as the rules look at it: without comments, texts and tests.

use std::path::{Path, PathBuf};

/// The project's directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project by its path below [`root`].
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every file below a directory with one of these endings, as paths below
/// [`root`], sorted.
pub fn files(dir: &str, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(dir)];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => waiting.push(path),
                false if endings.iter().any(|e| path.to_string_lossy().ends_with(e)) => {
                    found.push(below_root(path));
                }
                false => {}
            }
        }
    }
    found.sort();
    found
}

fn below_root(path: PathBuf) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// A file of `src/` that is not a test.
pub struct Source {
    /// Its path below [`root`].
    pub path: String,
    /// Lines as they are, with tests and comments.
    pub lines: usize,
    /// The code: comments, the content of texts, and tests are blank; every line
    /// is where it was.
    pub code: String,
}

impl Source {
    /// The top-level module it belongs to.
    pub fn module(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap();
        path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// The line number of a place in `code`.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

/// All files of `src/` that are not tests.
pub fn sources() -> Vec<Source> {
    let all: Vec<(String, String)> =
        files("src", &[".rs"]).into_iter().map(|p| (p.clone(), blank(&read(&p)))).collect();
    let tests: Vec<String> = all.iter().flat_map(|(path, code)| test_modules(path, code)).collect();
    let is_test = |path: &str| {
        tests.iter().any(|t| path == format!("{t}.rs") || path.starts_with(&format!("{t}/")))
    };
    all.into_iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, code)| Source {
            lines: read(&path).lines().count(),
            code: without_tests(code),
            path,
        })
        .collect()
}

const TEST: &str = "#[cfg(test)]";

/// The modules in files of their own that a file declares as tests, as paths
/// without their ending.
fn test_modules(path: &str, code: &str) -> Vec<String> {
    let dir = match path.strip_suffix("/mod.rs").or(path.strip_suffix("/lib.rs")) {
        Some(dir) => dir,
        None => path.trim_end_matches(".rs"),
    };
    let declared = code.match_indices(TEST).filter_map(|(at, _)| {
        let (head, _) = code[at + TEST.len()..].split_once([';', '{'])?;
        let end = at + TEST.len() + head.len();
        let (visibility, name) = head.split_once("mod ")?;
        let name = Some(name.trim()).filter(|_| !visibility.contains("fn "))?;
        (code.as_bytes()[end] == b';').then(|| format!("{dir}/{name}"))
    });
    declared.collect()
}

/// Blanks every item that is compiled for tests only.
fn without_tests(mut code: String) -> String {
    while let Some(at) = code.find(TEST) {
        let item = at + TEST.len();
        let end = match head_end(&code, item) {
            Some(open) if code.as_bytes()[open] == b'{' => closing(&code, open),
            Some(end) => end,
            None => code.len() - 1,
        };
        let empty: String =
            code[at..=end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(at..=end, &empty);
    }
    code
}

/// Where the head of an item ends: at the brace of its body, or its semicolon.
fn head_end(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0;
    let ends = |(_, c): &(usize, char)| {
        depth += match c {
            '(' | '[' => 1,
            ')' | ']' => -1,
            _ => 0,
        };
        depth == 0 && matches!(c, '{' | ';')
    };
    code[from..].char_indices().find(ends).map(|(i, _)| from + i)
}

/// Where the brace that opens at `open` is closed.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (i, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return open + i,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len() - 1
}

/// The functions of some code: name, place of `fn`, lines from there to the end.
pub fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(open) = head_end(code, at) else { continue };
        if name.is_empty() || code.as_bytes()[open] == b';' {
            continue;
        }
        found.push((name, at, code[at..closing(code, open)].matches('\n').count() + 1));
    }
    found
}

/// The code with comments and the content of texts and characters made blank.
pub fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |i| i + 2),
            '"' => quoted(rest, 1),
            'r' if raw(rest).is_some() && !out.ends_with(|c: char| c.is_alphanumeric()) => {
                raw(rest).unwrap()
            }
            '\'' => character(rest),
            _ => 0,
        };
        if taken == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        out.extend(rest[..taken].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[taken..];
    }
    out
}

/// The length of a text that begins here.
fn quoted(text: &str, from: usize) -> usize {
    let mut escaped = false;
    for (i, c) in text[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return from + i + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw text, if one begins here.
fn raw(text: &str) -> Option<usize> {
    let hashes = text[1..].bytes().take_while(|b| *b == b'#').count();
    let inside = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end)? + end.len();
    Some(2 + hashes + length)
}

/// The length of a character, 0 if this is a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((i, c))) => {
            let from = i + c.len_utf8();
            text[from..].find('\'').map_or(0, |end| from + end + 1)
        }
        (Some(_), Some((i, '\''))) => i + 1,
        _ => 0,
    }
}

#[test]
fn what_is_said_in_comments_texts_and_tests_is_not_code() {
    let code = without_tests(blank(
        "use a; // use b;\nlet x = \"use \\\" c\"; let y = '\"'; let z = r#\"use \"d\"#; fn f<'a>() {}\n\
         #[cfg(test)]\nmod tests { fn g() { } }\n#[cfg(test)]\nmod more;\nuse e;",
    ));
    for gone in ["use b", "use c", "use d", "fn g", "more"] {
        assert!(!code.contains(gone), "{gone} in {code}");
    }
    assert!(code.contains("fn f<'a>() {}") && code.contains("use e;"), "{code}");
    assert_eq!(code.matches('\n').count(), 6);
}

#[test]
fn the_length_of_a_function_is_counted_from_its_head_to_its_end() {
    let code = "trait T { fn none(); }\nfn f(\n  a: [u8; 2],\n) {\n  if a { }\n}\nfn g() {}\n";
    let lengths: Vec<_> = functions(code).into_iter().map(|(n, _, l)| (n, l)).collect();
    assert_eq!(lengths, [("f".to_owned(), 5), ("g".to_owned(), 1)]);
}
