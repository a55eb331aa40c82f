//! The other tools: which are installed, and the jobs as each is told them, on one thread.

use std::process::{Command, Stdio};

use super::cases::What;
use crate::programs::Program;

/// Which tools there are.
pub(super) struct Tools {
    mawk: bool,
    ripgrep: bool,
    miller: bool,
    duckdb: bool,
    polars: bool,
    chdb: bool,
}

impl Tools {
    /// Looks for them; `absent` is told of those that are not there.
    pub(super) fn find(absent: impl Fn(&str)) -> Tools {
        let look = |name: &str, command: &[&str]| {
            let is_there = starts(command);
            if !is_there {
                absent(name);
            }
            is_there
        };
        Tools {
            mawk: look("mawk", &["mawk", "-W", "version"]),
            ripgrep: look("ripgrep", &["rg", "--version"]),
            miller: look("miller", &["mlr", "--version"]),
            duckdb: look("duckdb", &["python3", "-c", "import duckdb"]),
            polars: look("polars", &["python3", "-c", "import polars"]),
            chdb: look("clickhouse", &["python3", "-c", "import chdb"]),
        }
    }

    pub(super) fn programs(&self, job: What, file: &str) -> Vec<Program> {
        let python =
            |name, script: String| Program::new(name, ["python3", "-c", &script.replace("FILE", file)]);
        let found = [
            awk(job)
                .filter(|_| self.mawk)
                .map(|script| Program::new("mawk", ["mawk", script, file])),
            matches!(job, What::Word)
                .then(|| Program::new("ripgrep", ["rg", "-j1", "-c", "-F", "/items/42 ", file]))
                .filter(|_| self.ripgrep),
            matches!(job, What::CsvToJson)
                .then(|| Program::new("miller", ["mlr", "--icsv", "--ojsonl", "cat", file]))
                .filter(|_| self.miller),
            Some(python("duckdb", duckdb(job))).filter(|_| self.duckdb),
            polars(job)
                .filter(|_| self.polars)
                .map(|script| python("polars", format!("{POLARS}{script}"))),
            clickhouse(job).filter(|_| self.chdb).map(|query| {
                python(
                    "clickhouse",
                    format!("{CHDB}'''{query} {CHDB_SETTINGS}''', 'TSVRaw'), end='')"),
                )
            }),
        ];
        found.into_iter().flatten().collect()
    }
}

fn starts(command: &[&str]) -> bool {
    let output = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| output.status.success())
}

fn awk(job: What) -> Option<&'static str> {
    Some(match job {
        What::Stations => {
            "BEGIN { FS = \";\"; OFS = \"\\t\"; OFMT = \"%.17g\" } \
             { t = $2 + 0; if (!($1 in n)) { least[$1] = most[$1] = t } \
               else { if (t < least[$1]) least[$1] = t; if (t > most[$1]) most[$1] = t } n[$1]++; sum[$1] += t } \
             END { for (s in n) print s, least[s], sum[s] / n[s], most[s] }"
        }
        What::ServerErrors => {
            "BEGIN { OFS = \"\\t\"; OFMT = \"%.17g\" } $9 >= 500 { n[$7]++; b[$7] += $10 } END { for (p in n) print p, n[p], b[p] }"
        }
        What::Word => "/\\/items\\/42 / { n++ } END { print n }",
        What::Largest => "{ print $10 | \"sort -rn | head -1000\" }",
        What::DistinctPaths => "!($7 in seen) { seen[$7]; n++ } END { print n }",
        What::DistinctTexts => "!($0 in seen) { seen[$0]; n++ } END { print n }",
        // It knows no JSON, nor quotes; and has no sort.
        What::JsonErrors | What::Sort | What::CsvToJson => return None,
    })
}

/// Lines as they are.
const LINES: &str = "read_csv('FILE', columns = {'line': 'VARCHAR'}, header = false, delim = '\\x01', quote = '', escape = '')";

/// Python that has DuckDB do the job.
fn duckdb(job: What) -> String {
    let log = format!(
        "(select regexp_extract(line, '^(\\\\S+) \\\\S+ \\\\S+ \\\\[[^\\\\]]*\\\\] \"(\\\\S+) (\\\\S+) [^\"]*\" (\\\\d+) (\\\\d+)', \
         ['ip', 'method', 'path', 'status', 'bytes']) r from {LINES})"
    );
    let query = match job {
        What::Stations => {
            "select s, min(t), avg(t), max(t) from read_csv('FILE', columns = {'s': 'VARCHAR', 't': 'DOUBLE'}, \
             header = false, delim = ';', quote = '') group by s"
                .to_owned()
        }
        What::ServerErrors => format!(
            "select r.path, count(*), sum(r.bytes::BIGINT) from {log} where r.status::INT >= 500 group by 1"
        ),
        What::JsonErrors => "select service, count(*), avg(ms) from read_ndjson('FILE', \
             columns = {'service': 'VARCHAR', 'status': 'INTEGER', 'ms': 'DOUBLE'}) where status >= 500 group by 1"
            .to_owned(),
        What::Word => format!("select count(*) from {LINES} where contains(line, '/items/42 ')"),
        What::Largest => format!("select r.bytes::BIGINT from {log} order by 1 desc limit 1000"),
        What::Sort => "copy (select * from read_csv('FILE') order by amount) to '/dev/stdout' \
             (format csv, delimiter '\\t', header false, quote '')"
            .to_owned(),
        What::DistinctPaths => format!("select count(distinct r.path) from {log}"),
        What::DistinctTexts => format!("select count(distinct line) from {LINES}"),
        What::CsvToJson => "copy (select * from read_csv('FILE')) to '/dev/stdout' (format json)".to_owned(),
    };
    let run = if query.starts_with("copy") {
        format!("c.execute('''{query}''')")
    } else {
        format!("for row in c.execute('''{query}''').fetchall(): print(*row, sep='\\t')")
    };
    format!(
        "import duckdb\nc = duckdb.connect()\n\
         c.execute('set threads = 1; set enable_progress_bar = false')\n{run}"
    )
}

const POLARS: &str = "import os, sys\nos.environ['POLARS_MAX_THREADS'] = '1'\nimport polars as pl\n\
                      show = lambda rows: [print(*row, sep='\\t') for row in rows.collect().rows()]\n";

/// Python that has Polars do the job.
fn polars(job: What) -> Option<&'static str> {
    Some(match job {
        What::Stations => {
            "show(pl.scan_csv('FILE', separator=';', has_header=False, quote_char=None, schema={'s': pl.String, 't': pl.Float64})\
             .group_by('s').agg(pl.min('t').alias('a'), pl.mean('t').alias('b'), pl.max('t').alias('c')))"
        }
        What::JsonErrors => {
            "show(pl.scan_ndjson('FILE', schema={'service': pl.String, 'status': pl.Int64, 'ms': pl.Float64})\
             .filter(pl.col('status') >= 500).group_by('service').agg(pl.len(), pl.mean('ms').alias('m')))"
        }
        What::Sort => {
            "pl.scan_csv('FILE').sort('amount', maintain_order=True).collect().write_csv(sys.stdout.buffer, separator='\\t', include_header=False, quote_style='never')"
        }
        What::DistinctTexts => {
            "show(pl.scan_csv('FILE', separator='\\x01', has_header=False, quote_char=None, schema={'line': pl.String})\
             .select(pl.col('line').n_unique()))"
        }
        What::CsvToJson => "pl.read_csv('FILE').write_ndjson(sys.stdout.buffer)",
        What::Word => {
            "show(pl.scan_csv('FILE', separator='\\x01', has_header=False, quote_char=None, schema={'line': pl.String})\
             .select(pl.col('line').str.contains('/items/42 ', literal=True).sum()))"
        }
        // It would take the log apart by a regular expression, as DuckDB does.
        What::ServerErrors | What::Largest | What::DistinctPaths => return None,
    })
}

const CHDB: &str = "import chdb\nprint(chdb.query(";
const CHDB_SETTINGS: &str = "settings format_csv_delimiter = ';', max_threads = 1, max_parsing_threads = 1, input_format_parallel_parsing = 0";

/// A query of ClickHouse.
fn clickhouse(job: What) -> Option<&'static str> {
    Some(match job {
        What::Stations => {
            "select s, min(t), avg(t), max(t) from file('FILE', 'CSV', 's String, t Float64') group by s"
        }
        What::JsonErrors => {
            "select service, count(), avg(ms) from file('FILE', 'JSONEachRow', 'service String, status Int32, ms Float64') where status >= 500 group by service"
        }
        What::Word => {
            "select countIf(position(line, '/items/42 ') > 0) from file('FILE', 'LineAsString', 'line String')"
        }
        What::DistinctTexts => "select uniqExact(line) from file('FILE', 'LineAsString', 'line String')",
        What::ServerErrors | What::Largest | What::Sort | What::DistinctPaths | What::CsvToJson => {
            return None;
        }
    })
}
