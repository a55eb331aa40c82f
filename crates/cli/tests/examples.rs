//! The programs that show what the language is for, as they are written, on small inputs.

mod common;

use common::{TempDir, run, run_with};

const LOG: &str = "\
10.0.0.1 - - [29/Jan/2025:09:59:59 +0000] \"GET /a.php HTTP/1.1\" 200 100 \"-\" \"-\"
10.0.0.1 - - [29/Jan/2025:10:01:00 +0000] \"GET /b.php?x=1 HTTP/1.1\" 500 300 \"-\" \"-\"
10.0.0.2 - - [29/Jan/2025:10:02:00 +0000] \"GET /c HTTP/1.1\" 200 600 \"-\" \"-\"
10.0.0.1 - - [29/Jan/2025:10:03:00 +0000] \"GET /d.php HTTP/1.1\" 503 0 \"-\" \"-\"
";

#[test]
fn records_of_json() {
    let log = "{\"status\":500,\"latency_ms\":12,\"service\":\"a\"}\n\
               {\"status\":503,\"latency_ms\":30.5,\"service\":\"b\"}\n\
               {\"status\":200,\"latency_ms\":3,\"service\":\"a\"}\n\
               {\"status\":502,\"latency_ms\":90,\"service\":\"a\"}\n";
    let program = "parse json | where status >= 500 | summarize n = count(), p95 = percentile(latency_ms, 95) by service | sort n desc";
    assert_eq!(
        run_with(&[program], log.as_bytes()).ok(),
        "a\t2\t86.1\nb\t1\t30.5\n"
    );
    let events = "{\"user\":{\"id\":1,\"plan\":\"pro\"},\"tags\":[\"beta\"],\"items\":[{\"sku\":\"k1\"}]}\n\
                  {\"user\":{\"id\":2,\"plan\":\"free\"},\"tags\":[],\"items\":[]}\n";
    let program =
        r#"parse json | where user.plan == "pro" and tags contains "beta" | select user.id, items[0].sku"#;
    assert_eq!(run_with(&[program], events.as_bytes()).ok(), "1\tk1\n");
}

#[test]
fn access_logs() {
    let dir = TempDir::new("examples");
    let log = dir.file("access.log", LOG);
    let program = "parse clf | summarize n = count(), ips = dcount(remote) by at = bin(time, 5m) | sort at | write stdout as tsv";
    assert_eq!(
        run(&[program, &log]).ok(),
        "at\tn\tips\n2025-01-29T09:55:00Z\t1\t1\n2025-01-29T10:00:00Z\t3\t2\n"
    );
    let program =
        r"parse clf | where path matches /\.php$/ and time >= @2025-01-29T10:00 | distinct remote | count";
    assert_eq!(run(&[program, &log]).ok(), "1\n");
    let hosts = dir.file("hosts.csv", "remote,team\n10.0.0.1,web\n");
    let program = format!(
        "parse clf | lookup \"{hosts}\" on remote | summarize bytes = sum(bytes) by team | set pct = round(100 * share(bytes), 1)"
    );
    assert_eq!(run(&[&program, &log]).ok(), "web\t400\t40.0\n\t600\t60.0\n");
}

#[test]
fn lines_by_a_pattern_and_tables() {
    let errors =
        "2026-11-21 02:00 [warn] slow\n2026-11-21 02:01 [error] gone\nno\n2026-11-21 02:02 [error] x y\n";
    let program = r"parse regex(/^(?<day>\S+) (?<at>\S+) \[(?<level>\w+)\] (?<msg>.*)$/) else bad | summarize n = count() by level | sort level";
    let outcome = run_with(&[program], errors.as_bytes());
    assert!(outcome.stderr.contains('1'), "the bad row is told: {outcome:?}");
    assert_eq!(outcome.ok(), "error\t2\nwarn\t1\n");
    let people = "name,age,email\nAnn,30,a@x\nBob,2,b@x\n";
    let program =
        "parse csv | drop email | rename full_name = name | where age > 3 | tail 5 | write stdout as tsv";
    assert_eq!(
        run_with(&[program], people.as_bytes()).ok(),
        "full_name\tage\nAnn\t30\n"
    );
}
