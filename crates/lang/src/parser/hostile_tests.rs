//! Hostile programs: neither panic, nor delay, nor a long message.

use super::*;
use expect_test::expect;
use std::time::{Duration, Instant};

#[test]
fn bounds() {
    let with = |part: &str, times: usize| part.repeat(times);
    let parens = format!("where {}a{}", with("(", 200), with(")", 200));
    assert!(parse_program(&parens).is_ok());
    let sum = format!("where 1{}", with("+1", 999));
    assert!(parse_program(&sum).is_ok());
    let hostile = [
        format!("where {}a{}", with("(", 10_000), with(")", 10_000)),
        format!("where {}a", with("-", 10_000)),
        format!("where {}a", with("not ", 10_000)),
        format!("where {}", with("f(", 10_000)),
        format!("where {}", with("a in (", 10_000)),
        format!("where 1{}", with("+1", 500_000)),
        format!("where a in (1{})", with(",1", 500_000)),
        format!("select a{}", with(",a", 500_000)),
        format!("lines{}", with("|lines", 150_000)),
        with("lines\n", 150_000),
        with("x", 1 << 20),
        with("x", (1 << 20) + 1),
        format!("where {}", with("9", 1_000_000)),
        format!("where {}ms", with("9", 1_000_000)),
    ];
    let shown: Vec<&str> = hostile.iter().map(String::as_str).collect();
    let mut messages = String::new();
    for source in shown {
        match parse_program(source) {
            Ok(_) => messages.push_str("fine\n"),
            Err(diagnostic) => messages.push_str(&format!("{}\n", diagnostic.message)),
        }
    }
    expect![[r#"
        an expression may nest at most 200 deep
        an expression may nest at most 200 deep
        an expression may nest at most 200 deep
        an expression may nest at most 200 deep
        an expression may nest at most 200 deep
        an expression may have at most 1000 operands
        an expression may have at most 1000 operands
        a list may have at most 1024 items
        a pipeline may have at most 256 stages
        a program may have at most 4096 statements
        a name may be at most 255 bytes long
        a program may be at most 1048576 bytes long
        the number `9999999999999999999999999999999999999999…` is too large
        the number `9999999999999999999999999999999999999999…` is too large
    "#]]
    .assert_eq(&messages);
}

/// The tallest tree can be walked and dropped, on a stack smaller than any thread's.
#[test]
fn tall_trees_need_little_stack() {
    let tall = format!(
        "where {}{}a{}",
        "f(".repeat(200),
        "1+".repeat(799),
        ")".repeat(200)
    );
    let run = move || {
        let program = parse_program(&tall).expect("within bounds");
        assert!(program.to_string().len() > 1000 && program == program.clone());
    };
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

/// Prints the program when a panic passes by.
struct Reproduce<'s>(&'s str);

impl Drop for Reproduce<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let start: String = self.0.chars().take(1000).collect();
            eprintln!(
                "reproduce with: survive({start:?}) // the first 1000 of {} bytes",
                self.0.len()
            );
        }
    }
}

struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

/// Parses, and renders what goes wrong: neither may panic, and the output is bounded.
fn survive(source: &str) {
    let _reproduce = Reproduce(source);
    if let Err(diagnostic) = parse_program(source) {
        assert!(
            source.get(diagnostic.span.range()).is_some(),
            "span {:?} of {source:?}",
            diagnostic.span
        );
        let rendered = diagnostic.render("test", source, false);
        assert!(rendered.lines().count() <= 20, "{rendered}");
        assert!(
            rendered.lines().all(|line| line.chars().count() <= 200),
            "{rendered}"
        );
    }
}

#[test]
fn random_bytes_and_tokens() {
    const WORDS: &str = "a b read lines parse where set select head skip top sort summarize write stdout json by \
        as asc desc else and or not in contains true null count json regex [0] [ ] . .x [\"k\"] /x/ else( ( ) ( ) , ; | | | = == != < > + - \
        * / // % ?? 1 2.5 10s 64KiB 0xff 'x' \"y\\n\" `q` && ! ' \" \\ ` é 9999999999999999999 1e";
    let mut soup_words: Vec<&str> = WORDS.split(' ').collect();
    soup_words.extend(["\n", "\t", "\r", "#c\n", "\u{2028}"]);
    for seed in 1..=4000u64 {
        let mut random = Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let length = random.below(60);
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        survive(&String::from_utf8_lossy(&bytes));
        let ascii: String = (0..length).map(|_| random.below(128) as u8 as char).collect();
        survive(&ascii);
        // Soup that begins well gets further.
        let mut soup = ["", "where ", "a | select ", "summarize "][random.below(4)].to_string();
        for _ in 0..length {
            soup.push_str(soup_words[random.below(soup_words.len())]);
            soup.push_str([" ", ""][random.below(2)]);
        }
        survive(&soup);
        // A good program with one word changed gets furthest.
        let good = "r = read 'x' | parse csv ( sep = ';' ) else bad \n r | where a not in ( 1 , 2s ) and b == -c \
                    | set d = a ?? f ( b ) | top 3 by d asc | write stdout as json";
        let mut words: Vec<&str> = good.split(' ').collect();
        let at = random.below(words.len());
        words[at] = soup_words[random.below(soup_words.len())];
        survive(&words.join(" "));
        words.truncate(at);
        survive(&words.join(" "));
    }
}

#[test]
fn a_megabyte_of_anything_is_quick() {
    let started = Instant::now();
    #[rustfmt::skip]
    let parts = [
        "(", ")", "-", "not ", "a ", "a=", "a|", "|", "\n", ";", "'", "'a'", "`", "#", "# c\n", "1", "1 ", "1+",
        "é", "\u{0}", "where a\n", "lines;", "\\", "\"\\x41", "f(", "a,", ",", "!", " ", "\t", "ms", ".", "1.", "1_", "set", "a.", "a[0]", ".a", "[", "[0]", "parse json else (", "parse regex(",
    ];
    for head in ["", "where ", "select ", "where '"] {
        for part in parts {
            let source = format!("{head}{}", part.repeat(((1 << 20) - head.len()) / part.len()));
            survive(&source);
        }
    }
    survive(&("\n".repeat((1 << 20) - 1) + "!"));
    let taken = started.elapsed();
    assert!(
        taken < Duration::from_secs(60),
        "{} programs of 1 MiB took {taken:?}",
        parts.len() * 4
    );
}
