use cutthrough_ir::{HostFunction, Kind, Rows};

use super::*;
use crate::clf::{self, ClfRecords};
use crate::csv::{Column, CsvRecords, parse_columns};
use crate::json::{self, JsonRecords};
use crate::lines::Lines;
use crate::records::{ALL_NEEDED, LineHost, Verdict, is_needed};
use crate::testing::{Random, Value, call};

/// What there is in some inputs, and what they say.
#[derive(Debug, Default, PartialEq)]
struct Parsed {
    rows: Vec<Vec<Value>>,
    /// The lines that are no rows, their numbers, and how many rows come before.
    bad: Vec<(Vec<u8>, i64, i64)>,
    too_long: i64,
    headers: i64,
}

/// What an input falls into: records, each with the number of its first line; none for one that is too long.
type Pieces = Vec<(Option<Vec<u8>>, i64)>;

/// The definition of records that are lines.
fn lines_of(input: &[u8], line_bytes_max: usize) -> Pieces {
    let mut lines = Lines::new(line_bytes_max);
    lines.accept(Bytes::copy_from_slice(input)).unwrap();
    lines.end();
    let mut pieces = Vec::new();
    while let Some(line) = lines.next() {
        pieces.push(((!line.too_long).then(|| line.bytes.to_vec()), line.number));
    }
    pieces
}

/// The definition of records with quotes: byte by byte.
fn quoted_records_of(mut input: &[u8], sep: u8, record_bytes_max: usize) -> Pieces {
    while let Some(rest) = input.strip_prefix(b"\xef\xbb\xbf") {
        input = rest;
    }
    let (mut pieces, mut number) = (Vec::new(), 1);
    while !input.is_empty() {
        // A record and its line end are within this.
        let (window, beyond) = input.split_at(input.len().min(record_bytes_max + 1));
        let is_all = input.len() <= record_bytes_max;
        let line_end = |from: usize| Some(from + window[from..].iter().position(|&byte| byte == b'\n')?);
        let end = match record_end(window, sep) {
            Ok(end) => Some(end),
            // It ends with the line of the quote.
            Err(Some(quote)) if line_end(quote).is_some() => line_end(quote),
            Err(_) if is_all => Some(input.len()),
            Err(_) => None,
        };
        let length = match end {
            Some(end) => {
                let record = &input[..end];
                let record = match end == input.len() {
                    true => record,
                    false => record.strip_suffix(b"\r").unwrap_or(record),
                };
                pieces.push((Some(record.to_vec()), number));
                end + 1
            }
            None => {
                pieces.push((None, number));
                let rest = beyond.iter().position(|&byte| byte == b'\n');
                rest.map_or(input.len(), |end| window.len() + end + 1)
            }
        };
        let (record, rest) = input.split_at(length.min(input.len()));
        number += record.iter().filter(|&&byte| byte == b'\n').count() as i64;
        input = rest;
    }
    pieces
}

/// Where the record ends that a text begins with; or else where a quote is that is not closed, if there is one.
fn record_end(text: &[u8], sep: u8) -> Result<usize, Option<usize>> {
    let mut at = 0;
    loop {
        if text.get(at) == Some(&b'"') && sep != b'"' {
            let quote = at;
            at += 1;
            loop {
                match &text[at..] {
                    [b'"', b'"', ..] => at += 2,
                    [b'"', ..] => break at += 1,
                    [_, ..] => at += 1,
                    [] => return Err(Some(quote)),
                }
            }
            match &text[at..] {
                [] => return Err(None),
                [b'\n', ..] => return Ok(at),
                [b'\r', b'\n', ..] => return Ok(at + 1),
                [byte, ..] if *byte == sep => {}
                _ => return Err(Some(quote)),
            }
        } else {
            while text.get(at).is_some_and(|&byte| byte != sep && byte != b'\n') {
                at += 1;
            }
            match text.get(at) {
                None => return Err(None),
                Some(b'\n') => return Ok(at),
                Some(_) => {}
            }
        }
        at += 1;
    }
}

/// The definition: record by record.
fn by_definition<R: Records>(
    records: R,
    inputs: &[&[u8]],
    pieces_of: impl Fn(&[u8]) -> Pieces,
) -> Result<Parsed, String> {
    let host = LineHost::new(records);
    let mut host = HostFunction::new(host.sig(), host);
    let mut parsed = Parsed::default();
    let has_header = host.sig().params.len() > 2;
    let mut header = Vec::new();
    for input in inputs {
        for (record, number) in pieces_of(input) {
            let Some(record) = record else {
                parsed.too_long += 1;
                continue;
            };
            if has_header && number == 1 {
                parsed.headers += 1;
                header = record;
                continue;
            }
            let mut args = vec![Value::Bytes(record.clone()), Value::I64(ALL_NEEDED)];
            if has_header {
                args.extend([Value::I64(parsed.headers), Value::Bytes(header.clone())]);
            }
            let results = call(&mut host, &args, &HostContext::default());
            let mut results = results.map_err(|why| format!("line {number}: {why}"))?;
            match results.remove(0) {
                Value::I64(0) => parsed.rows.push(results),
                Value::I64(1) => parsed.bad.push((record, number, parsed.rows.len() as i64)),
                verdict => assert_eq!(verdict, Value::I64(Verdict::Nothing as i64)),
            }
        }
    }
    Ok(parsed)
}

/// The kernel: block by block. Where slabs are known, rows share them.
fn by_blocks<R: Records>(
    records: R,
    blocks: &[&[u8]],
    line_bytes_max: usize,
    has_slabs: bool,
    mut needed: impl FnMut() -> i64,
) -> Result<Parsed, String> {
    let mut kernel = BlockKernel::new(records, line_bytes_max, None, Marks::default());
    let mut buffers: Vec<Rows> = kernel.rows().into_iter().map(Rows::new).collect();
    let mut parsed = Parsed::default();
    let (mut carried, mut number, mut headers, mut header) = (Carried::default(), 0, 0, Vec::new());
    for block in blocks.iter().chain(&[&b""[..]]) {
        let needs = needed();
        let slab = Bytes::copy_from_slice(block);
        let state = State {
            carried,
            number,
            headers,
            header: &header,
        };
        let call = Call {
            is_again: false,
            block: &slab,
            state,
            needs,
        };
        let state = kernel.run(call, has_slabs.then(|| slab.clone()), &mut args(&mut buffers))?;
        let header_then = state.header.to_vec();
        (carried, number, headers, header) = (state.carried, state.number, state.headers, header_then);
        let (rows, bad, too_long) = (
            kernel.parsing.rows,
            kernel.parsing.bad.len(),
            kernel.parsing.too_long,
        );
        assert_eq!((rows, bad), (buffers[0].len(), buffers[3].len()));
        let first: Vec<Vec<Value>> = (0..buffers[0].len())
            .map(|row| row_of(&buffers[0], row))
            .collect();
        // Once more, for all columns.
        let state = State {
            carried,
            number,
            headers,
            header: &header,
        };
        let call = Call {
            is_again: true,
            block: b"",
            state,
            needs: ALL_NEEDED,
        };
        kernel.run(call, None, &mut args(&mut buffers))?;
        let before = parsed.rows.len() as i64;
        parsed
            .rows
            .extend((0..buffers[0].len()).map(|row| row_of(&buffers[0], row)));
        let again = &parsed.rows[before as usize..];
        for (first, again) in first.iter().zip(again) {
            for (k, (first, again)) in first.iter().zip(again).enumerate() {
                assert!(first == again || !is_needed(needs, k), "{first:?} {again:?}");
            }
        }
        for row in 0..buffers[3].len() {
            let bad = row_of(&buffers[3], row);
            let [Value::Bytes(line), Value::I64(number), Value::I64(rows_before)] = &bad[..] else {
                panic!("{bad:?}")
            };
            parsed.bad.push((line.clone(), *number, before + rows_before));
        }
        parsed.too_long += too_long;
        parsed.headers = headers;
    }
    Ok(parsed)
}

fn args(buffers: &mut [Rows]) -> Vec<RowsArg<'_>> {
    buffers.iter_mut().map(|rows| RowsArg::new(rows, true)).collect()
}

fn row_of(rows: &Rows, row: usize) -> Vec<Value> {
    let types: Vec<Type> = rows.decl().types().collect();
    let value = |(column, ty): (usize, &Type)| match rows.value(column, row) {
        None => {
            assert!(ty.nullable);
            Value::Null
        }
        Some(Scalar::I64(value)) => Value::I64(value),
        Some(Scalar::F64(value)) => Value::F64(value),
        Some(Scalar::Bool(value)) => Value::Bool(value),
        Some(Scalar::Bytes(value)) => Value::Bytes(value.to_vec()),
    };
    types.iter().enumerate().map(value).collect()
}

/// Cuts a text at random into blocks.
fn cut<'t>(text: &'t [u8], random: &mut Random) -> Vec<&'t [u8]> {
    let longest = *random.pick(&[1, 3, 20, 200]);
    let (mut blocks, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let length = (random.below(longest) + 1).min(rest.len());
        let (block, after) = rest.split_at(length);
        blocks.push(block);
        rest = after;
    }
    blocks
}

/// Checks that some inputs say the same by blocks and by the definition, wherever blocks end.
fn check<R: Records>(
    records: impl Fn() -> R,
    inputs: &[Vec<u8>],
    pieces_of: impl Fn(&[u8], usize) -> Pieces,
    record_bytes_max: usize,
    random: &mut Random,
    name: &str,
) {
    let mut whole: Vec<&[u8]> = inputs.iter().flat_map(|input| [&input[..], b""]).collect();
    whole.retain(|block| !block.is_empty() || random.below(20) > 0);
    let joined: Vec<Vec<u8>> = whole
        .split(|block| block.is_empty())
        .map(<[&[u8]]>::concat)
        .collect();
    let joined: Vec<&[u8]> = joined.iter().map(Vec::as_slice).collect();
    let pieces_of = |input: &[u8]| pieces_of(input, record_bytes_max);
    let expected = by_definition(records(), &joined, pieces_of);
    let found = by_blocks(records(), &whole, record_bytes_max, true, || ALL_NEEDED);
    assert_eq!(found, expected, "{name}: {whole:?}");
    let cut: Vec<&[u8]> = whole
        .iter()
        .flat_map(|block| match block {
            [] => vec![*block],
            _ => cut(block, random),
        })
        .collect();
    let has_slabs = random.below(2) == 0;
    let found = by_blocks(records(), &cut, record_bytes_max, has_slabs, || {
        random.next().cast_signed()
    });
    assert_eq!(found, expected, "{name}: {cut:?}");
}

#[test]
fn separated_values_are_the_same_by_blocks_and_by_lines() {
    let declarations = [
        "a:str,b:f64",
        "a:i64",
        "a:str?,b:i64?,c:f64?,d:bool?,e:str",
        "a:bool,b:i64,c:str",
    ];
    for seed in 0..6000 {
        let mut random = Random::new(seed);
        let declared = *random.pick(&declarations);
        let columns = parse_columns(declared).unwrap();
        let sep = *random.pick(b";;;;;,-\"\r");
        let mut want: Vec<usize> = (0..columns.len()).filter(|_| random.below(3) > 0).collect();
        want.reverse();
        let mut inputs = vec![Vec::new(); 1 + random.below(2)];
        let has_header = random.below(3) == 0;
        for text in &mut inputs {
            let mut order: Vec<Option<usize>> = (0..columns.len()).map(Some).collect();
            if has_header {
                order.resize(columns.len() + random.below(2), None);
                order.rotate_left(random.below(columns.len()));
                let names = order
                    .iter()
                    .map(|field| field.map_or("other", |k| &columns[k].name));
                text.extend(
                    names
                        .collect::<Vec<_>>()
                        .join(&(sep as char).to_string())
                        .into_bytes(),
                );
                text.push(b'\n');
            }
            for _ in 0..random.below(12) {
                record(&columns, &order, sep, &mut random, text);
            }
            text.truncate(text.len().saturating_sub(random.below(3)));
        }
        let records = || match has_header {
            true => CsvRecords::with_header(sep, &columns, &want, Some(b"a;b;c;d;e")),
            false => CsvRecords::new(sep, &columns, &want),
        };
        let pieces_of = |input: &[u8], max| quoted_records_of(input, sep, max);
        let record_bytes_max = *random.pick(&[1000, 1000, 10, 30]);
        check(
            records,
            &inputs,
            pieces_of,
            record_bytes_max,
            &mut random,
            &format!("seed {seed}, {}", sep as char),
        );
    }
}

/// Adds a line that may be a record of these columns, in this order, or something like it.
fn record(columns: &[Column], order: &[Option<usize>], sep: u8, random: &mut Random, text: &mut Vec<u8>) {
    let odd = [
        "",
        "a",
        "Some name",
        "1",
        "-7",
        "12.5",
        "-0.0",
        "123456789",
        "12345678901234567",
        " 3 ",
        "1e5",
        ".",
        "-",
        "5.",
        "true",
        "0",
        "\"x\"",
        "\"a;b\"",
        "\"a\"\"b\"",
        "\"\"",
        "\"",
        "\"a\nb\"",
        "\"\r\n\"\"\n\"",
        "\"\n",
        "\n\"",
        "\"a\n\"b",
        "\"x\"\r",
        "\u{feff}",
        "a\"b",
        "\r",
        "\u{fc}",
    ];
    let is_usual = random.below(4) > 0;
    let count = if is_usual {
        order.len()
    } else {
        random.below(order.len() + 2)
    };
    for k in 0..count {
        if k > 0 {
            text.push(sep);
        }
        let column = order.get(k).copied().flatten().filter(|_| is_usual);
        let usual = match column.map(|column| columns[column].ty.kind.words()) {
            Some(Kind::I64) => "-1203",
            Some(Kind::F64) => "-12.3",
            Some(Kind::Bool) => "True",
            Some(Kind::Bytes) | None => "Station",
        };
        let field = if !is_usual || random.below(3) == 0 {
            *random.pick(&odd)
        } else {
            usual
        };
        text.extend_from_slice(field.as_bytes());
    }
    text.extend_from_slice(random.pick(&["\n", "\n", "\r\n", "\n\n", "\r\r\n"]).as_bytes());
}

#[test]
fn records_end_outside_of_quotes() {
    // Many quotes, and little else.
    let columns = parse_columns("a,b:str?").unwrap();
    for seed in 0..30_000 {
        let mut random = Random::new(seed);
        let sep = *random.pick(b",,,,,,\r\"");
        let alphabet = *random.pick(&[
            &b"\"\"\n,x"[..],
            b"\"\"\n\n,,xyz\r",
            b"\"\n,,aaaaaaaa\r\xef\xbb\xbf",
        ]);
        let mut inputs = vec![Vec::new(); 1 + random.below(2)];
        for input in &mut inputs {
            if random.below(8) == 0 {
                input.extend_from_slice("\u{feff}".as_bytes());
            }
            input.extend(random.bytes(alphabet, 60));
        }
        let has_header = random.below(6) == 0;
        let records = || match has_header {
            true => CsvRecords::with_header(sep, &columns[..1], &[0], Some(b"a")),
            false => CsvRecords::new(sep, &columns, &[0, 1]),
        };
        if has_header {
            inputs
                .iter_mut()
                .for_each(|input| input.splice(..0, *b"b,a\n").for_each(drop));
        }
        let pieces_of = |input: &[u8], max| quoted_records_of(input, sep, max);
        let record_bytes_max = *random.pick(&[1000, 20, 7]);
        check(
            records,
            &inputs,
            pieces_of,
            record_bytes_max,
            &mut random,
            &format!("seed {seed}"),
        );
    }
}

#[test]
fn a_stray_quote_costs_one_row() {
    let columns = parse_columns("a,b").unwrap();
    let records = || CsvRecords::new(b',', &columns, &[0, 1]);
    let stray = b"a,\"1\n\nb,\"2\"\nc,3\n";
    let closed = b"a,\"1\n\nb,2\"\nc,3\n";
    for (text, expected) in [
        (&stray[..], (2, vec![1, 2])),
        (closed, (2, vec![])),
        (b"\"\na,b", (1, vec![1])),
    ] {
        let parsed = by_blocks(records(), &[text], 1000, true, || ALL_NEEDED).unwrap();
        let numbers: Vec<i64> = parsed.bad.iter().map(|bad| bad.1).collect();
        assert_eq!((parsed.rows.len(), numbers), expected, "{}", text.escape_ascii());
    }
    // Also where the rest is longer than a record may be.
    let text = [&b"a,\"\n"[..], &b"b,2\n".repeat(10_000)].concat();
    let parsed = by_blocks(records(), &[&text], 1000, true, || ALL_NEEDED).unwrap();
    assert_eq!((parsed.rows.len(), parsed.bad.len()), (10_000, 1));
    assert_eq!(parsed.bad[0], (b"a,\"".to_vec(), 1, 0));
}

#[test]
fn requests_are_the_same_by_blocks_and_by_lines() {
    const LOG: &[u8] = include_bytes!("../../../../examples/data/access.log");
    let lines: Vec<&[u8]> = LOG.split_inclusive(|&byte| byte == b'\n').collect();
    let odd: &[u8] = b"\"\" \\-[]? \n\r019aG:/+";
    for seed in 0..4000 {
        let mut random = Random::new(seed);
        let mut text = Vec::new();
        for _ in 0..random.below(6) {
            let mut line = random.pick(&lines).to_vec();
            if random.below(3) == 0 {
                let at = random.below(line.len());
                line[at] = *random.pick(odd);
            }
            if random.below(6) == 0 {
                line.insert(random.below(line.len()), *random.pick(odd));
            }
            if random.below(6) == 0 {
                line.remove(random.below(line.len()));
            }
            if random.below(6) == 0 {
                line.insert(line.len() - 1, b'\r');
            }
            text.extend(line);
        }
        let want: clf::Columns = match random.below(3) {
            0 => clf::Columns::ALL,
            _ => clf::Column::ALL
                .into_iter()
                .filter(|_| random.below(2) == 0)
                .collect(),
        };
        let line_bytes_max = *random.pick(&[1000, 150]);
        check(
            || ClfRecords::new(want),
            &[text],
            lines_of,
            line_bytes_max,
            &mut random,
            &format!("seed {seed}"),
        );
    }
}

#[test]
fn documents_are_the_same_by_blocks_and_by_lines() {
    for seed in 0..6000 {
        let mut random = Random::new(seed);
        let columns = json::tests::declared(random.pick::<&str>(&json::tests::DECLARATIONS));
        let mut text = Vec::new();
        let usual = json::tests::record(&mut random);
        for _ in 0..random.below(12) {
            match random.below(3) {
                0 => text.extend_from_slice(&usual),
                1 => text.extend(json::tests::record(&mut random)),
                _ => {
                    let mut almost = usual.clone();
                    json::tests::damage(&mut almost, &mut random);
                    text.extend(almost);
                }
            }
            text.extend_from_slice(random.pick(&["\n", "\n", "\r\n", "\n\n", " \n"]).as_bytes());
        }
        text.truncate(text.len().saturating_sub(random.below(3)));
        check(
            || JsonRecords::new(&columns),
            &[text],
            lines_of,
            *random.pick(&[1000, 1000, 40]),
            &mut random,
            &format!("seed {seed}"),
        );
    }
}

#[test]
fn a_block_may_end_anywhere() {
    let text = b"a;1\n\"b\"\"c\";2.5\r\n\nlong long line;3\nd;x\r\n;-4\nlast;5";
    let columns = parse_columns("name:str,n:f64").unwrap();
    let records = || CsvRecords::new(b';', &columns, &[1, 0]);
    let expected = by_definition(records(), &[text], |input| quoted_records_of(input, b';', 12)).unwrap();
    assert_eq!(
        (expected.rows.len(), expected.bad.len(), expected.too_long),
        (4, 2, 1)
    );
    for at in 0..=text.len() {
        for to in at..=text.len() {
            let mut blocks = vec![&text[..at], &text[at..to], &text[to..]];
            blocks.retain(|block| !block.is_empty());
            let found = by_blocks(records(), &blocks, 12, true, || 2).unwrap();
            assert_eq!(found, expected, "{at} {to}");
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_not_kept() {
    let mut kernel = BlockKernel::new(
        CsvRecords::new(b';', &parse_columns("a").unwrap(), &[0]),
        100_000,
        None,
        Marks::default(),
    );
    let mut buffers: Vec<Rows> = kernel.rows().into_iter().map(Rows::new).collect();
    let block = vec![b'x'; 10_000];
    let mut carried = Carried::default();
    for _ in 0..1000 {
        carried = kernel
            .parse(&block, carried, None, &mut args(&mut buffers))
            .unwrap();
        assert!(buffers[1].bytes() <= 100_200);
    }
    assert_eq!(carried.length, SKIPPING);
}

/// A format that cannot take a certain line.
#[derive(Debug)]
struct Refusing;

impl Records for Refusing {
    const NAME: &'static str = "refuse";

    fn columns(&self) -> &[Type] {
        &[]
    }

    fn need(&mut self, _: i64) {}

    fn line<'a>(&'a mut self, line: &'a [u8], _: &mut impl crate::records::Cells<'a>) -> Verdict {
        assert_ne!(line, b"bad", "not this");
        Verdict::Row
    }

    fn structure(&self) -> crate::scan::Structure {
        crate::scan::Structure::OneOf(*b"\n\n\n")
    }

    fn plain<'a>(
        &mut self,
        _: &'a [u8],
        _: usize,
        _: &[u32],
        _: &mut impl crate::records::Cells<'a>,
    ) -> Option<usize> {
        None
    }

    fn row_bytes_min(&self) -> usize {
        1
    }
}

#[test]
fn a_panic_names_the_line() {
    let mut kernel = BlockKernel::new(Refusing, 100, None, Marks::default());
    let mut buffers: Vec<Rows> = kernel.rows().into_iter().map(Rows::new).collect();
    let state = State {
        number: 40,
        ..State::default()
    };
    let call = Call {
        is_again: false,
        block: b"good\nbad\n",
        state,
        needs: ALL_NEEDED,
    };
    let outcome = kernel.run(call, None, &mut args(&mut buffers));
    let error = outcome.unwrap_err();
    assert!(error.starts_with("line 42: panicked: "), "{error}");
}
