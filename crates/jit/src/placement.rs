//! Where in a cache line code is put.
//!
//! Many x86-64 processors do not keep a jump in their cache of decoded instructions when
//! it, with the comparison in front of it, crosses or touches the end of 32 bytes (Intel,
//! "Mitigations for Jump Conditional Code Erratum", 2019); a loop of five instructions
//! then takes twice as long. Cranelift does not align loops. But the code of a chain may
//! begin anywhere: this finds the place where the fewest jumps of inner loops lie badly.

use cranelift_codegen::CompiledCode;

/// The unit that jumps should not cross.
pub(crate) const LINE: usize = 32;

/// A conditional jump of Cranelift's: two bytes and the distance.
const CONDITIONAL_BYTES: usize = 6;

/// An unconditional one.
const JUMP_BYTES: usize = 5;

/// How much more a jump in a loop counts than one around it.
const PER_LOOP: u64 = 8;

/// Loops in one another that are told apart.
const LOOPS_MAX: u32 = 6;

/// How many bytes to leave free in front of the code, for memory that begins at a multiple
/// of [`LINE`].
pub(crate) fn bytes_before(code: &CompiledCode) -> usize {
    if !cfg!(target_arch = "x86_64") {
        return 0;
    }
    let jumps = jumps(code);
    let cost = |before: &usize| -> u64 {
        let bad = jumps
            .iter()
            .filter(|jump| (jump.start + before) / LINE != (jump.end + before) / LINE);
        bad.map(|jump| jump.weight).sum()
    };
    let alignment = code.buffer.alignment.max(1) as usize;
    // The first of the best.
    let places = (0..LINE).step_by(alignment);
    places.min_by_key(cost).unwrap_or_default()
}

/// A jump, with the comparison in front of it.
struct Jump {
    start: usize,
    end: usize,
    weight: u64,
}

/// The jumps at the ends of basic blocks that lie in loops.
fn jumps(code: &CompiledCode) -> Vec<Jump> {
    let bytes = code.code_buffer();
    let (starts, edges) = code.get_code_bb_layout();
    // A jump back makes a loop of what lies between.
    let loops: Vec<(usize, usize)> = edges
        .into_iter()
        .filter(|(from, to)| to <= from)
        .map(|(from, to)| (to, from))
        .collect();
    let ends = starts.iter().copied().skip(1).chain([bytes.len()]);
    let mut jumps = Vec::new();
    for (&start, end) in starts.iter().zip(ends) {
        let around = loops
            .iter()
            .filter(|(first, last)| (first..=last).contains(&&start));
        let around = u32::try_from(around.count()).unwrap_or(LOOPS_MAX).min(LOOPS_MAX);
        if around == 0 {
            continue;
        }
        let weight = PER_LOOP.pow(around);
        let block = &bytes[start..end];
        let mut end = end;
        if let [.., 0xe9, _, _, _, _] = block {
            jumps.push(Jump {
                start: end - JUMP_BYTES,
                end,
                weight,
            });
            end -= JUMP_BYTES;
        }
        if let [.., 0x0f, 0x80..=0x8f, _, _, _, _] = &bytes[start..end] {
            let jump = end - CONDITIONAL_BYTES;
            jumps.push(Jump {
                start: jump - comparison_bytes(&bytes[start..jump]),
                end,
                weight,
            });
        }
    }
    jumps
}

/// How long the comparison is that ends here and is one with the jump behind it, if it is
/// of 64-bit registers or of one and a constant; else nothing.
fn comparison_bytes(code: &[u8]) -> usize {
    match code {
        [.., 0x48..=0x4f, 0x81 | 0xf7, _, _, _, _, _] => 7,
        [.., 0x48..=0x4f, 0x83, _, _] => 4,
        [.., 0x48..=0x4f, 0x39 | 0x3b | 0x85, _] => 3,
        _ => 0,
    }
}
