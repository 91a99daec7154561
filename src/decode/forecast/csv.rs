//! CSV with the fields as columns, in any order, named by the first line.

use super::super::{ENTRIES_MAX, Refused, number};
use super::{Draft, FIELDS, ForecastFault, Take, too_many};
use std::borrow::Cow;

/// Columns without which no row says anything.
const NEEDED: [&str; 5] = ["issuer", "issued_at", "zone", "quantity", "value"];

/// Hands every row to `take`; gives the faults of those that are no drafts.
pub(super) fn read(text: &str, take: &mut Take<'_>) -> Result<Vec<ForecastFault>, Refused> {
    let mut reader = ::csv::ReaderBuilder::new()
        .trim(::csv::Trim::All)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut rows = reader.records();
    let columns = match rows.next() {
        Some(Ok(head)) => columns(&head)?,
        _ => return Err(no_forecasts("the document is empty")),
    };
    let mut faults = Vec::new();
    for (count, row) in rows.enumerate() {
        if count >= ENTRIES_MAX {
            return Err(too_many(count + 1));
        }
        let row = match row {
            Ok(row) => row,
            Err(e) => {
                let line = e.position().map_or(0, ::csv::Position::line);
                faults.push(ForecastFault { place: format!("line {line}"), detail: e.to_string() });
                continue;
            }
        };
        let line = row.position().map_or(0, ::csv::Position::line);
        if row.len() > columns.len() {
            let detail = format!("{} cells under {} columns", row.len(), columns.len());
            faults.push(ForecastFault { place: format!("line {line}"), detail });
            continue;
        }
        let mut draft = Draft::default();
        for (name, cell) in columns.iter().zip(&row).filter(|(_, cell)| !cell.is_empty()) {
            draft.set(name, Cow::Borrowed(cell));
        }
        take(&draft, &|field| format!("line {line}, {field}"));
    }
    Ok(faults)
}

/// The names of the columns.
fn columns(head: &::csv::StringRecord) -> Result<Vec<String>, Refused> {
    if let Some(unknown) = head.iter().find(|name| !FIELDS.contains(name)) {
        return Err(no_forecasts(&format!("{:?} is no column of it", number::shown(unknown))));
    }
    if let Some(missing) = NEEDED.iter().find(|name| !head.iter().any(|h| h == **name)) {
        return Err(no_forecasts(&format!("the column {missing} is missing")));
    }
    Ok(head.iter().map(str::to_owned).collect())
}

fn no_forecasts(what: &str) -> Refused {
    let detail = format!(
        "{what}; expected a JSON object or array, or CSV whose first line names columns of {}",
        FIELDS.join(",")
    );
    Refused::malformed("not_forecasts", detail)
}
