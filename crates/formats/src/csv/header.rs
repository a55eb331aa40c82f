//! The header: which field of a record is which column.

use std::collections::HashMap;

use super::{Column, Fields};

/// The names in a header: without quotes and blanks around them; what is not UTF-8 is replaced. They may have escapes,
/// as those of tsv do.
///
/// # Errors
/// When a quote is not closed.
pub fn parse_header(line: &[u8], sep: u8, has_escapes: bool) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut fields = Fields::new(line, sep);
    for field in fields.by_ref() {
        let mut name = vec![0; field.text.len()];
        let length = match has_escapes {
            true => field.unescape_all(&mut name),
            false => field.unescape(&mut name),
        };
        names.push(String::from_utf8_lossy(name[..length].trim_ascii()).into_owned());
    }
    if fields.is_bad() {
        return Err("a quote is not closed".to_owned());
    }
    Ok(names)
}

/// For each field of the records under a header, the index of the column of its name;
/// none for a field that is no column's.
///
/// # Errors
/// When the header lacks a column, or has one twice; the message goes after "the header".
pub fn match_header(names: &[String], columns: &[Column]) -> Result<Vec<Option<usize>>, String> {
    let known: HashMap<&str, usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| (column.name.as_str(), index))
        .collect();
    let mut is_there = vec![false; columns.len()];
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let column = known.get(name.as_str()).copied();
        if let Some(index) = column
            && std::mem::replace(&mut is_there[index], true)
        {
            return Err(format!("has the column `{name}` twice"));
        }
        fields.push(column);
    }
    match is_there.iter().position(|is_there| !is_there) {
        Some(missing) => Err(format!("has no column `{}`", columns[missing].name)),
        None => Ok(fields),
    }
}
