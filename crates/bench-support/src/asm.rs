//! Loops in machine code, as a dump shows it: an offset, a mnemonic and operands on
//! each line.

/// The mnemonics of the innermost loop: of all jumps back, the one over the fewest
/// instructions, with what it jumps over.
///
/// # Panics
/// When the code has no loop.
pub fn innermost_loop(asm: &str) -> Vec<&str> {
    let code: Vec<Line<'_>> = asm.lines().filter_map(Line::parse).collect();
    let back = code.iter().enumerate().filter_map(|(at, line)| {
        let first = code[..=at]
            .iter()
            .position(|earlier| Some(earlier.offset) == line.target)?;
        Some(first..at + 1)
    });
    let innermost = back
        .min_by_key(ExactSizeIterator::len)
        .expect("the code has a loop");
    code[innermost].iter().map(|line| line.mnemonic).collect()
}

struct Line<'a> {
    offset: u64,
    mnemonic: &'a str,
    /// Where it jumps, if it does.
    target: Option<u64>,
}

impl Line<'_> {
    fn parse(line: &str) -> Option<Line<'_>> {
        let mut words = line.split_whitespace();
        let offset = u64::from_str_radix(words.next()?, 16).ok()?;
        let mnemonic = words.next()?;
        let jumps = ["j", "b", "cb", "tb"]
            .iter()
            .any(|prefix| mnemonic.starts_with(prefix));
        let operand = words
            .last()
            .map(|last| last.trim_start_matches('#').trim_start_matches("0x"));
        let target = operand
            .filter(|_| jumps)
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        Some(Line {
            offset,
            mnemonic,
            target,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::innermost_loop;

    #[test]
    fn of_two_loops_the_inner_one() {
        let asm = "; slice\n  0 xorq %rax, %rax\n  3  addq $1, %rax\n  7 cmpq $3, %rax\n  b  jb 0x3\n  d  jmp 0x0\n  f retq";
        assert_eq!(innermost_loop(asm), ["addq", "cmpq", "jb"]);
    }
}
