//! What `lookup` looks up in: a file of separated values, by one of its columns.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::fmt;
use std::hash::{Hash, Hasher};

use cutthrough_formats::csv::{Fields, parse_header, split};

/// Rows of texts, by their keys.
pub(crate) struct Table {
    path: String,
    /// The columns but the key, and where each is in a row of the file.
    pub(crate) columns: Vec<String>,
    rows: HashMap<Vec<u8>, Vec<Vec<u8>>>,
    /// Of what is in the file: whether two are the same.
    fingerprint: u64,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:016x} {:?}", self.path, self.fingerprint, self.columns)
    }
}

impl Table {
    /// The rows of a file with a header, by the column of this name.
    ///
    /// # Errors
    /// When it has no such column, a key twice, or a row with more or fewer fields than its header.
    pub(crate) fn of(path: &[u8], bytes: &[u8], key: &str) -> Result<Table, String> {
        let is_tsv = path.ends_with(b".tsv");
        let sep = if is_tsv { b'\t' } else { b',' };
        let path = String::from_utf8_lossy(path).into_owned();
        let mut records = split(bytes, sep);
        let (_, header) = records.next().unwrap_or_default();
        let mut columns =
            parse_header(header, sep, is_tsv).map_err(|why| format!("{path}: its header {why}"))?;
        let Some(place) = columns.iter().position(|name| name == key) else {
            let shown = columns.join("`, `");
            return Err(format!("{path}: has no column `{key}`; it has `{shown}`"));
        };
        let count = columns.len();
        columns.remove(place);
        let mut rows = HashMap::new();
        for (number, record) in records {
            if record.is_empty() {
                continue;
            }
            let mut fields = Fields::new(record, sep);
            let mut row: Vec<Vec<u8>> = fields
                .by_ref()
                .map(|field| {
                    let mut text = vec![0; field.text.len()];
                    let length = match is_tsv {
                        true => field.unescape_all(&mut text),
                        false => field.unescape(&mut text),
                    };
                    text.truncate(length);
                    text
                })
                .collect();
            if fields.is_bad() || row.len() != count {
                let found = row.len();
                return Err(format!(
                    "{path}: line {number} has {found} fields, its header {count}"
                ));
            }
            match rows.entry(row.remove(place)) {
                Entry::Vacant(vacant) => vacant.insert(row),
                Entry::Occupied(known) => {
                    let shown = String::from_utf8_lossy(known.key()).into_owned();
                    return Err(format!("{path}: line {number} has the key `{shown}` again"));
                }
            };
        }
        let mut hasher = DefaultHasher::new();
        (bytes, key).hash(&mut hasher);
        Ok(Table {
            path,
            columns,
            rows,
            fingerprint: hasher.finish(),
        })
    }

    /// The row of a key, if there is one: the columns in order.
    pub(crate) fn row(&self, key: &[u8]) -> Option<&[Vec<u8>]> {
        self.rows.get(key).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn tables_of_files() {
        let table = Table::of(b"x.csv", b"a,host,\"b\"\r\n1,h,\"x \"\"y\"\"\"\r\n,i,2\n", "host").unwrap();
        assert_eq!(table.columns, ["a", "b"]);
        assert_eq!(table.row(b"h").unwrap(), [b"1".to_vec(), b"x \"y\"".to_vec()]);
        assert_eq!(table.row(b"i").unwrap(), [b"".to_vec(), b"2".to_vec()]);
        assert!(table.row(b"").is_none());
        let error = |text: &str| Table::of(b"x.csv", text.as_bytes(), "host").unwrap_err();
        assert_eq!(error("a,b\n"), "x.csv: has no column `host`; it has `a`, `b`");
        assert_eq!(error("host,b\nh,1\nh,2\n"), "x.csv: line 3 has the key `h` again");
        assert_eq!(error("host,b\nh\n"), "x.csv: line 2 has 1 fields, its header 2");
        let tabs = Table::of(b"x.tsv", b"host\tb\nh\t1\n", "host").unwrap();
        assert_eq!(tabs.row(b"h").unwrap(), [b"1".to_vec()]);
    }
}
