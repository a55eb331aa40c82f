//! The jobs, as each tool is told them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use super::data;
use super::hand::Job;
use crate::contest::Contender;

pub(super) struct Case {
    pub(super) name: String,
    pub(super) rows: u64,
    file: PathBuf,
    job: What,
}

#[derive(Clone, Copy)]
enum What {
    /// Least, mean and greatest by station.
    Stations,
    /// Of responses that are errors of the server, how many and how many bytes by path.
    ServerErrors,
    /// Rows with a word.
    Word,
    /// The thousand responses with most bytes, in order.
    Largest,
    /// How many paths there are.
    Distinct,
}

/// All jobs; on a tenth of the rows if it is to be quick.
pub(super) fn all(quick: bool) -> Result<Vec<Case>> {
    let part = if quick { 10 } else { 1 };
    let (rows, lines) = (10_000_000 / part, 2_000_000 / part);
    let mut cases = Vec::new();
    for stations in [413, 10_000] {
        cases.push(Case {
            name: format!("stations-{stations}"),
            rows,
            file: data::stations(rows, stations)?,
            job: What::Stations,
        });
    }
    let log = data::access_log(lines)?;
    let small = data::access_log(1_000)?;
    for (name, rows, file, job) in [
        ("server-errors", lines, &log, What::ServerErrors),
        ("word", lines, &log, What::Word),
        ("largest", lines, &log, What::Largest),
        ("distinct", lines, &log, What::Distinct),
        ("small-log", 1_000, &small, What::ServerErrors),
    ] {
        cases.push(Case {
            name: name.to_owned(),
            rows,
            file: file.clone(),
            job,
        });
    }
    Ok(cases)
}

impl Case {
    /// Ours first, then those of the others that are there.
    pub(super) fn contenders(&self, cutthrough: &Path) -> Result<Vec<Contender>> {
        let file = self.file.display().to_string();
        let ours = [
            cutthrough.display().to_string(),
            "-q".into(),
            self.ours().into(),
            file.clone(),
        ];
        let mut contenders = vec![Contender::new("ours", ours)];
        if let Some(job) = self.by_hand() {
            let this = std::env::current_exe()?.display().to_string();
            let job = format!("{job:?}").to_lowercase();
            contenders.push(Contender::new("hand", [this, "hand".into(), job, file.clone()]));
        }
        if is_there("mawk") {
            contenders.push(Contender::new("mawk", ["mawk", self.awk(), &file]));
        }
        if python_has_duckdb() {
            let script = format!(
                "import duckdb\nc = duckdb.connect()\nc.execute('set threads = 1; set enable_progress_bar = false')\n\
                 for row in c.execute('''{}''').fetchall(): print(*row, sep='\\t')",
                self.sql().replace("FILE", &file)
            );
            contenders.push(Contender::new("duckdb", ["python3", "-c", &script]));
        }
        Ok(contenders)
    }

    fn ours(&self) -> &'static str {
        match self.job {
            What::Stations => {
                "parse csv(sep=\";\", columns=\"station:text,temp:float\", header=false) | summarize min(temp), avg(temp), max(temp) by station"
            }
            What::ServerErrors => {
                "parse clf | where status >= 500 | summarize n = count(), b = sum(bytes) by path"
            }
            What::Word => "where line contains \"/items/42 \" | summarize count()",
            What::Largest => "parse clf | select bytes | top 1000 by bytes",
            What::Distinct => "parse clf | distinct path | summarize count()",
        }
    }

    fn by_hand(&self) -> Option<Job> {
        match self.job {
            What::Stations => Some(Job::Stations),
            What::ServerErrors => Some(Job::Errors),
            What::Word | What::Largest | What::Distinct => None,
        }
    }

    fn awk(&self) -> &'static str {
        match self.job {
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
            What::Distinct => "!($7 in seen) { seen[$7]; n++ } END { print n }",
        }
    }

    fn sql(&self) -> String {
        let log = "(select regexp_extract(line, '^(\\\\S+) \\\\S+ \\\\S+ \\\\[[^\\\\]]*\\\\] \"(\\\\S+) (\\\\S+) [^\"]*\" (\\\\d+) (\\\\d+)', \
                   ['ip', 'method', 'path', 'status', 'bytes']) r from read_csv('FILE', columns = {'line': 'VARCHAR'}, \
                   header = false, delim = '\\x01', quote = '', escape = ''))";
        match self.job {
            What::Stations => "select s, min(t), avg(t), max(t) from read_csv('FILE', columns = {'s': 'VARCHAR', 't': 'DOUBLE'}, \
                               header = false, delim = ';', quote = '') group by s".to_owned(),
            What::ServerErrors => format!(
                "select r.path, count(*), sum(r.bytes::BIGINT) from {log} where r.status::INT >= 500 group by 1"
            ),
            What::Word => "select count(*) from read_csv('FILE', columns = {'line': 'VARCHAR'}, header = false, delim = '\\x01', \
                           quote = '', escape = '') where contains(line, '/items/42 ')".to_owned(),
            What::Largest => format!("select r.bytes::BIGINT from {log} order by 1 desc limit 1000"),
            What::Distinct => format!("select count(distinct r.path) from {log}"),
        }
    }
}

fn is_there(program: &str) -> bool {
    let version = Command::new(program)
        .args(["-W", "version"])
        .stdin(Stdio::null())
        .output();
    version.is_ok()
}

fn python_has_duckdb() -> bool {
    let import = Command::new("python3").args(["-c", "import duckdb"]).output();
    import.is_ok_and(|output| output.status.success())
}
