use std::io;
use std::sync::Arc;

use cutthrough::processes::{Collect, Collected, Map, MapFn, Read};
use cutthrough::{FlowPoint, Network, Options, Progress};
use parking_lot::Mutex;

use super::*;
use crate::clf::{Column, Columns};
use crate::render::{Field, Format};

const ENGINES: [fn() -> Options; 2] = [Options::interpreted, Options::native];

/// Gives its bytes in pieces of this size.
struct Pieces(io::Cursor<Vec<u8>>, usize);

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

fn read(net: &mut Network, text: &[u8], piece_bytes: usize) -> FlowPoint<Vec<u8>> {
    net.source(Read::new(
        "test",
        Pieces(io::Cursor::new(text.to_vec()), piece_bytes),
    ))
    .unwrap()
}

type Line = (Vec<u8>, i64);

fn collect<T: cutthrough::Element>(net: &mut Network, from: FlowPoint<T>) -> Collected<T> {
    let collect = Collect::<T>::new();
    let collected = collect.collected();
    net.sink(from, collect).unwrap();
    collected
}

fn dropped(net: &mut Network, policy: &str) -> u64 {
    let report = net.report();
    let dropped = report.processes.iter().flat_map(|process| &process.dropped);
    dropped
        .filter(|(name, _)| name == policy)
        .map(|(_, count)| count)
        .sum()
}

fn run(net: &mut Network) {
    assert_eq!(net.run().unwrap(), Progress::Done);
    net.check_conservation().unwrap();
}

/// The lines of a text, and how many were too long.
fn lines_of(text: &[u8], piece_bytes: usize, options: Options) -> (Vec<Line>, u64) {
    let mut net = Network::new(options);
    let blocks = read(&mut net, text, piece_bytes);
    let lines: FlowPoint<Line> = net.pipe(blocks, Lines::with_bytes_max(10)).unwrap();
    let collected = collect(&mut net, lines);
    run(&mut net);
    (collected.take(), dropped(&mut net, "too long"))
}

#[test]
fn lines_are_numbered_whatever_the_blocks() {
    let text = b"a\nbc\r\n\n0123456789ab\n0123456789\nlast";
    let line = |text: &str, number| (text.as_bytes().to_vec(), number);
    let expected = vec![
        line("a", 1),
        line("bc", 2),
        line("", 3),
        line("0123456789", 5),
        line("last", 6),
    ];
    for options in ENGINES {
        for piece_bytes in 1..=text.len() {
            assert_eq!(
                lines_of(text, piece_bytes, options()),
                (expected.clone(), 1),
                "pieces of {piece_bytes}"
            );
        }
        assert_eq!(lines_of(b"", 1, options()), (vec![], 0));
        assert_eq!(lines_of(b"\n", 1, options()), (vec![line("", 1)], 0));
    }
}

const LOG: &[u8] = b"1.2.3.4 - - [21/Nov/2026:01:18:20 +0000] \"GET /a?x=1 HTTP/1.1\" 200 12\n\
    nonsense\n\
    1.2.3.4 - - [21/Nov/2026:01:18:21 +0000] \"\\x16\\x03\" 400 -\n\
    1.2.3.4 - -";

#[test]
fn requests_are_parsed_and_bad_rows_counted() {
    for options in ENGINES {
        for is_of_lines in [false, true] {
            let mut net = Network::new(options());
            let blocks = read(&mut net, LOG, 50);
            let parse = Parse::clf(Columns::NONE.with(Column::Status).with(Column::Path));
            let bad_rows = parse.bad_rows();
            let rows: FlowPoint<(Option<String>, i64)> = match is_of_lines {
                true => {
                    let lines: FlowPoint<Line> = net.pipe(blocks, Lines::new()).unwrap();
                    net.pipe(lines, parse.of_lines()).unwrap()
                }
                false => net.pipe(blocks, parse).unwrap(),
            };
            let collected = collect(&mut net, rows);
            run(&mut net);
            assert_eq!(collected.take(), [(Some("/a".to_owned()), 200), (None, 400)]);
            assert_eq!(
                (
                    dropped(&mut net, BadRows::POLICY),
                    bad_rows.first().iter().map(|row| row.number).collect()
                ),
                (2, vec![2, 4])
            );
        }
    }
}

#[test]
fn bad_rows_may_have_an_output() {
    for (options, piece_bytes) in ENGINES
        .into_iter()
        .flat_map(|options| (1..16).map(move |n| (options, n)))
    {
        let mut net = Network::new(options());
        let text = b"z\na;1\nb;x\nc;3;4\n0123456789;1\nd;2\ny\ny\n";
        let blocks = read(&mut net, text, piece_bytes);
        let columns = crate::csv::parse_columns("name:str,n:i64").unwrap();
        let parse = Parse::csv(b';', &columns, &[1, 0]).with_line_bytes_max(10);
        let parse = net.add(parse.with_bad_output()).unwrap();
        net.attach_input(parse, 0, blocks).unwrap();
        let rows = net.point::<(i64, String)>("rows").unwrap();
        net.attach_output(parse, 0, rows).unwrap();
        let bad = net.point::<(String, i64)>("bad").unwrap();
        net.attach_output(parse, 1, bad).unwrap();
        // Both in one flow, in the order of the lines.
        let all = net.point::<(String, i64)>("all").unwrap();
        let name = net.add(MapFn::new(|(n, name): (i64, String)| (name, n))).unwrap();
        net.attach_input(name, 0, rows).unwrap();
        net.attach_output(name, 0, all).unwrap();
        let copy = net.add(MapFn::new(|line: (String, i64)| line)).unwrap();
        net.attach_input(copy, 0, bad).unwrap();
        net.attach_output(copy, 0, all).unwrap();
        let collected = collect(&mut net, all);
        run(&mut net);
        let expected = [
            ("z", 1),
            ("a", 1),
            ("b;x", 3),
            ("c;3;4", 4),
            ("d", 2),
            ("y", 7),
            ("y", 8),
        ];
        assert_eq!(
            collected.take(),
            expected.map(|(text, number)| (text.to_owned(), number)),
            "pieces of {piece_bytes}"
        );
        assert_eq!(dropped(&mut net, Lines::POLICY), 1);
    }
}

#[test]
fn columns_that_come_to_be_needed_are_there_for_the_rows_that_are_held() {
    for options in ENGINES {
        let text: Vec<u8> = (0..20_000)
            .flat_map(|k| format!("{k};n{k}\n").into_bytes())
            .collect();
        let mut net = Network::new(options());
        let blocks = read(&mut net, &text, 1000);
        let columns = crate::csv::parse_columns("k:i64,name:str").unwrap();
        let rows: FlowPoint<(i64, String)> = net.pipe(blocks, Parse::csv(b';', &columns, &[0, 1])).unwrap();
        let first = collect_mapped(&mut net, rows, |f, row| vec![row[0], f.iconst(0)]);
        let mut steps = 0;
        let mut second = None;
        while net.run_steps(1777).unwrap() != Progress::Done {
            steps += 1;
            if steps == 3 {
                // The second reader needs the names too, from the middle of a block on.
                second = Some(collect(&mut net, rows));
            }
        }
        let (first, second) = (first.take(), second.unwrap().take());
        assert_eq!(first.len() + second.len(), 20_000);
        assert!(!second.is_empty());
        for (k, name) in second {
            assert_eq!(name, format!("n{k}"));
        }
        net.check_conservation().unwrap();
    }
}

/// Collects what a fragment makes of rows.
fn collect_mapped(
    net: &mut Network,
    rows: FlowPoint<(i64, String)>,
    map: impl Fn(&mut cutthrough::Fragment<'_>, &[cutthrough_ir::Value]) -> Vec<cutthrough_ir::Value>
    + Send
    + 'static,
) -> Collected<(i64, i64)> {
    let row = ElementType::new([Type::I64, Type::BYTES]);
    let pair = ElementType::new([Type::I64, Type::I64]);
    let mapped: FlowPoint<(i64, i64)> = net.pipe(rows, Map::new(row, pair, map)).unwrap();
    collect(net, mapped)
}

#[test]
fn headers_say_which_field_is_which_column() {
    for (options, piece_bytes) in ENGINES
        .into_iter()
        .flat_map(|options| (1..12).map(move |n| (options, n)))
    {
        let mut net = Network::new(options());
        let blocks = read(&mut net, b"b,other,a\r\n1,x,2\n3,y,4", piece_bytes);
        let columns = crate::csv::parse_columns("a:i64,b:i64").unwrap();
        let parse = Parse::csv_with_header(b',', &columns, &[0, 1], None);
        let rows: FlowPoint<(i64, i64)> = net.pipe(blocks, parse).unwrap();
        let collected = collect(&mut net, rows);
        run(&mut net);
        assert_eq!(collected.take(), [(2, 1), (4, 3)]);
        assert_eq!(dropped(&mut net, HEADERS_POLICY), 1);
    }
}

#[test]
fn many_fields_with_quotes_take_little_memory() {
    let row = format!("\"{}\"\"\",1\n", "x".repeat(20_000));
    let mut net = Network::new(Options::native());
    let blocks = read(&mut net, row.repeat(15_000).as_bytes(), 1 << 20);
    let columns = crate::csv::parse_columns("a:str,n:i64").unwrap();
    let rows: FlowPoint<(Vec<u8>, i64)> = net.pipe(blocks, Parse::csv(b',', &columns, &[0, 1])).unwrap();
    let lengths: FlowPoint<i64> = net
        .pipe(rows, MapFn::new(|(a, n): (Vec<u8>, i64)| a.len() as i64 + n))
        .unwrap();
    let collected = collect(&mut net, lengths);
    run(&mut net);
    assert_eq!(collected.take(), vec![20_002; 15_000]);
}

/// What was written, and the error of further writes.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<(Vec<u8>, Option<io::ErrorKind>)>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.0.lock();
        match inner.1 {
            Some(kind) => Err(kind.into()),
            None => inner.0.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn writing(options: Options, text: &[u8], format: Format) -> (Network, Shared, Output) {
    let mut net = Network::new(options);
    let blocks = read(&mut net, text, 100);
    let lines: FlowPoint<Line> = net.pipe(blocks, Lines::new()).unwrap();
    let fields = vec![Field::new("line", Type::BYTES), Field::new("number", Type::I64)];
    let written = Shared::default();
    let write = Write::new("here", format, fields, written.clone());
    let output = write.output();
    net.sink(lines, write).unwrap();
    (net, written, output)
}

#[test]
fn elements_are_written_until_the_end() {
    let cases = [
        (Format::Csv, "line,number\na,1\nb,2\n"),
        (Format::Table, "line  number\na          1\nb          2\n"),
        (
            Format::Json,
            "{\"line\":\"a\",\"number\":1}\n{\"line\":\"b\",\"number\":2}\n",
        ),
    ];
    for options in ENGINES {
        for (format, expected) in cases {
            let (mut net, written, output) = writing(options(), b"a\nb\n", format);
            run(&mut net);
            output.end().unwrap();
            assert_eq!(String::from_utf8(written.0.lock().0.clone()).unwrap(), expected);
        }
    }
}

#[test]
fn a_writer_without_a_reader_ends_the_flow() {
    let text = b"some line\n".repeat(100_000);
    for options in ENGINES {
        let (mut net, written, output) = writing(options(), &text, Format::Text);
        written.0.lock().1 = Some(io::ErrorKind::BrokenPipe);
        run(&mut net);
        assert!(output.is_closed());
        output.end().unwrap();
        let report = net.report();
        let lines = report
            .processes
            .iter()
            .find(|process| process.name == "lines")
            .unwrap();
        assert!(lines.outputs[0].moved < 100_000, "{report}");
    }
}

#[test]
fn a_writer_that_fails_fails_the_network() {
    for options in ENGINES {
        let (mut net, written, _) = writing(options(), b"a\n", Format::Text);
        written.0.lock().1 = Some(io::ErrorKind::StorageFull);
        let error = net.run().unwrap_err();
        assert!(error.message().starts_with("here: "), "{error}");
    }
}

#[test]
fn what_is_held_can_be_written_early() {
    let (mut net, written, output) = writing(Options::interpreted(), b"a\nb\nccc\n", Format::Table);
    output.settle().unwrap();
    assert_eq!(written.0.lock().0, b"");
    net.run_steps(1).unwrap();
    run(&mut net);
    output.settle().unwrap();
    assert_eq!(
        written.0.lock().0,
        b"line  number\na          1\nb          2\nccc        3\n"
    );
}

#[test]
fn values_of_any_form_are_records() {
    let inputs: [(&[u8], &[i64], u64); 5] = [
        (b"{\"a\":1}\n\n{\"a\":2}\n{\"a\":\"x\"}\n{\"a\":3}", &[1, 2, 3], 1),
        (b"[{\"a\":1},\n{\"a\":\n2} , {\"a\":3}]\n", &[1, 2, 3], 0),
        (b"[{\"a\":1},{\"a\":2}", &[1, 2], 1),
        (b"{\n  \"a\": 1\n}\n{\n  \"a\": 2}{\"a\":3}", &[1, 2, 3], 0),
        (b"\xef\xbb\xbf{\"a\":1}", &[1], 0),
    ];
    for (options, piece_bytes) in ENGINES
        .into_iter()
        .flat_map(|options| (3..40).map(move |n| (options, n)))
    {
        for (text, expected, bad) in inputs {
            let mut net = Network::new(options());
            let blocks = read(&mut net, text, piece_bytes);
            let blocks: FlowPoint<Vec<u8>> = net.pipe(blocks, JsonLines::new()).unwrap();
            let columns = [crate::json::Column {
                path: crate::json::Path::key("a"),
                ty: cutthrough_expr::LogicalType::INT,
            }];
            let rows: FlowPoint<i64> = net.pipe(blocks, Parse::json(&columns)).unwrap();
            let collected = collect(&mut net, rows);
            run(&mut net);
            let shown = text.escape_ascii();
            assert_eq!(collected.take(), expected, "{shown} by {piece_bytes}");
            assert_eq!(
                dropped(&mut net, BadRows::POLICY),
                bad,
                "{shown} by {piece_bytes}"
            );
        }
    }
}

#[test]
fn lines_of_json_may_be_blank() {
    for options in ENGINES {
        let mut net = Network::new(options());
        let blocks = read(&mut net, b"{\"a\":1}\n\n{}\n{\"a\":2}\n \n", 7);
        let lines: FlowPoint<Line> = net.pipe(blocks, Lines::new()).unwrap();
        let columns = [crate::json::Column {
            path: crate::json::Path::key("a"),
            ty: cutthrough_expr::LogicalType::INT,
        }];
        let rows: FlowPoint<i64> = net.pipe(lines, Parse::json(&columns).of_lines()).unwrap();
        let collected = collect(&mut net, rows);
        run(&mut net);
        assert_eq!(collected.take(), [1, 2]);
        assert_eq!(
            (
                dropped(&mut net, BadRows::POLICY),
                dropped(&mut net, BLANKS_POLICY)
            ),
            (1, 2)
        );
    }
}
