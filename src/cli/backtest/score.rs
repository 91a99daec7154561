//! How good our own forecast would have been, for people and for machines.

use super::super::data::table;
use super::super::{Code, Failure};
use super::Format;
use super::report::broken;
use crate::backtest::QuantityScore;
use serde_json::json;
use std::io::Write;

const COLUMNS: [&str; 9] = [
    "quantity",
    "zones",
    "lead",
    "days",
    "mae",
    "rmse",
    "persistence_mae",
    "persistence_rmse",
    "skill",
];

/// Writes the scores in a form.
///
/// # Errors
/// 65 if no day could be compared.
pub(super) fn show(
    scores: &[QuantityScore],
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = scores.iter().flat_map(rows).collect();
    if rows.is_empty() {
        let words = "no day can be compared: hours of at least two days in a row are needed";
        return Err(Failure::new(Code::Data, words));
    }
    match format {
        Format::Table => {
            let titles = COLUMNS.map(|name| match name {
                "quantity" | "lead" => name.to_owned(),
                number => format!(">{number}"),
            });
            table(out, &titles.each_ref().map(String::as_str), &rows)?;
        }
        Format::Json => writeln!(out, "{}", json!({ "scores": scores }))?,
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut *out);
            csv.write_record(COLUMNS).map_err(broken)?;
            for row in rows {
                csv.write_record(row).map_err(broken)?;
            }
            csv.flush()?;
        }
    }
    Ok(out.flush()?)
}

/// A line for every lead; errors in the quantity's unit.
fn rows(score: &QuantityScore) -> impl Iterator<Item = Vec<String>> + '_ {
    score.leads.iter().map(|lead| {
        let mut row = vec![
            score.quantity.name().to_owned(),
            score.zones.to_string(),
            format!("+{}d", lead.lead),
            lead.days.to_string(),
        ];
        let errors = [lead.own.mae, lead.own.rmse, lead.persistence.mae, lead.persistence.rmse];
        row.extend(errors.map(|e| format!("{e:.2}")));
        row.push(format!("{:+.3}", lead.skill));
        row
    })
}
