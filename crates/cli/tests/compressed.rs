//! Inputs that are compressed, whatever they are called.

mod common;

use std::io::Write;

use common::{TempDir, run, run_with};
use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

const TEXT: &str = "name,n\na,1\nb,2\n";
const COUNT: &[&str] = &["-o", "text", "summarize count()"];

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    compress_to_vec(text, CompressionLevel::Fastest)
}

/// What `xz` makes of "name,n\na,1\n".
const XZ: &str = "fd377a585a0000016922de360200210116000000742fe5a301000a6e616d652c6e0a612c310a0000\
    9d4f318600011f0b3d620e7a9042990d010000000001595a";

fn xz() -> Vec<u8> {
    let digits = XZ.as_bytes().as_chunks::<2>().0;
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.iter().map(byte).collect()
}

#[test]
fn what_is_compressed_is_read_by_its_content() {
    let dir = TempDir::new("compressed");
    let program = &["-o", "json", "parse csv | select name, n"][..];
    let expected = "{\"name\":\"a\",\"n\":1}\n{\"name\":\"b\",\"n\":2}\n";
    for (name, bytes) in [("a.csv", gzip(TEXT.as_bytes())), ("b", zstd(TEXT.as_bytes()))] {
        let file = dir.file(name, &bytes);
        assert_eq!(run(&[program, &[&file]].concat()).ok(), expected);
        assert_eq!(run_with(program, &bytes).ok(), expected);
        // Beside what is not compressed, with a header that is looked into first.
        let plain = dir.file("plain.csv", "n,name\n1,a\n");
        let both = run(&[program, &[&plain, &file]].concat()).ok();
        assert_eq!(both, format!("{}\n{expected}", expected.lines().next().unwrap()));
    }
    let expected = "{\"name\":\"a\",\"n\":1}\n";
    assert_eq!(run_with(program, &xz()).ok(), expected);
    assert_eq!(run(&[program, &[&dir.file("c", xz())]].concat()).ok(), expected);
}

#[test]
fn what_is_written_is_compressed_by_its_name() {
    let dir = TempDir::new("compress");
    let text = format!("name,n\n{}", "some,12\n".repeat(100_000));
    let input = dir.file("in.csv", &text);
    for (name, magic) in [
        ("out.csv.gz", &b"\x1f\x8b"[..]),
        ("out.csv.zst", b"\x28\xb5\x2f\xfd"),
    ] {
        let out = dir.path(name);
        run(&[&format!("parse csv | write \"{out}\""), &input]).ok();
        let written = std::fs::read(&out).unwrap();
        assert!(
            written.starts_with(magic) && written.len() < text.len() / 10,
            "{}",
            written.len()
        );
        assert_eq!(run(&["lines | select line", &out]).ok(), text);
        // What is appended is a part of its own; there is one header.
        run(&[&format!("parse csv | head 1 | write \"{out}\" append"), &input]).ok();
        assert_eq!(
            run(&["lines | select line", &out]).ok(),
            format!("{text}some,12\n")
        );
        // Nothing is compressed as well.
        run(&[&format!("where line == \"\" | write \"{out}\" as text"), &input]).ok();
        assert!(std::fs::read(&out).unwrap().starts_with(magic));
        assert_eq!(run(&[COUNT, &[&out]].concat()).ok(), "0\n");
    }
}

#[test]
fn data_may_have_several_parts_and_any_size() {
    let text = "0123456789\n".repeat(200_000);
    let halves = text.as_bytes().split_at(1_000_003);
    for bytes in [
        [gzip(halves.0), gzip(halves.1)].concat(),
        [zstd(halves.0), zstd(halves.1)].concat(),
    ] {
        assert_eq!(run_with(COUNT, &bytes).ok(), "200000\n");
        // Who has had enough does not wait for the rest.
        assert_eq!(run_with(&["head 1"], &bytes).ok(), "0123456789\n");
    }
    assert_eq!(run_with(COUNT, &gzip(b"")).ok(), "0\n");
    assert_eq!(run_with(COUNT, &[xz(), xz()].concat()).ok(), "4\n");
}

#[test]
fn data_that_is_cut_off_or_damaged_is_a_failure() {
    let dir = TempDir::new("damaged");
    let text: String = (0..50_000).map(|k| format!("{k}\n")).collect();
    for (name, bytes) in [
        ("gzip", gzip(text.as_bytes())),
        ("zstd", zstd(text.as_bytes())),
        ("xz", xz()),
    ] {
        let cut = dir.file("cut", &bytes[..bytes.len() - 10]);
        let error = run(&[COUNT, &[&cut]].concat()).error(1);
        assert!(error.contains(&format!("cut: the {name} data ")), "{error}");
        let mut damaged = bytes.clone();
        let middle = bytes.len() / 2;
        damaged[middle..middle + 4].fill(0xa5);
        let error = run_with(COUNT, &damaged).error(1);
        assert!(
            error.contains(&format!("standard input: the {name} data ")),
            "{error}"
        );
    }
    let error = run_with(COUNT, b"BZh91AY&SY and so on").error(1);
    assert!(error.contains("is bzip2 data, which is not read here"), "{error}");
}

#[test]
fn bad_rows_are_bounded_on_demand() {
    let input = b"n\n1\nx\n2\ny\n3\n";
    let program = "parse csv(columns=\"n:i64\", header=true)";
    let with = |options: &[&str]| run_with(&[options, &["-o", "text", program]].concat(), input);
    assert_eq!(with(&["--max-bad", "2"]).ok(), "1\n2\n3\n");
    let error = with(&["--max-bad", "1"]).error(1);
    assert!(
        error.contains("line 5 does not parse, nor did 1 before it"),
        "{error}"
    );
    let error = with(&["--strict"]).error(1);
    assert!(error.contains("line 3 does not parse"), "{error}");
    let program = format!("{program} else bad | write \"/dev/null\"; bad | select number");
    assert_eq!(run_with(&["--strict", &program], input).ok(), "3\n5\n");
}

#[test]
fn what_comes_behind_gzip_data_is_a_failure_that_says_so() {
    let dir = TempDir::new("behind");
    let text = b"n\n1\n2\n";
    let two = [gzip(text), gzip(b"3\n")].concat();
    let junk = dir.file("junk.gz", [&two[..], b"junk"].concat());
    let program = "parse csv | summarize sum(n)";
    let error = run(&["-o", "text", program, &junk]).error(1);
    assert!(
        error.contains("junk.gz: behind the gzip data comes something else"),
        "{error}"
    );
    // A tape's block is filled up with zeros.
    let filled = dir.file("filled.gz", [&two[..], &[0; 512]].concat());
    assert_eq!(run(&["-o", "text", program, &filled]).ok(), "6\n");
    let junk = dir.file("zeros.gz", [&two[..], b"\0\0", &gzip(text)].concat());
    assert!(
        run(&["-o", "text", program, &junk])
            .error(1)
            .contains("something else")
    );
}

#[test]
fn bad_rows_are_told_by_file_and_line() {
    let dir = TempDir::new("bad-rows");
    let [a, b] =
        [("a.csv", "n\n1\nx\n"), ("b.csv", "n\n2\ny")].map(|(name, text)| dir.file(name, text.as_bytes()));
    let program = "parse csv(columns=\"n:int\", header=true)";
    let outcome = run(&[program, &a, &b]);
    let told = format!("2 bad ({a}: line 3; {b}: line 3)");
    assert!(outcome.stderr.contains(&told), "{}", outcome.stderr);
    let error = run(&["--max-bad", "1", program, &a, &b]).error(1);
    assert!(
        error.contains(&format!("{b}: line 3 does not parse, nor did 1 before it")),
        "{error}"
    );
    let error = run(&["--strict", &format!("lines | {program}"), &a, &b]).error(1);
    assert!(error.contains(&format!("{a}: line 3 does not parse")), "{error}");
}
