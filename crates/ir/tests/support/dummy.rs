//! Surroundings in which every verified function can run: outputs swallow, inputs
//! and host functions give anything of the right type.

use cutthrough_ir::{
    Code, ElementBlock, ElementType, Flow, Host, HostContext, HostFunction, HostSig, Kernel, Kind, Lend,
    Outcome, Results, Role, Rows, RowsArg, Scalar, Tables, Taken, Type, Word, Words,
};

use super::{Random, Unit};

pub(crate) struct Dummy<'t> {
    tables: &'t Tables,
    random: Random,
    slots: Vec<Vec<Word>>,
    rows: Vec<Rows>,
    /// Keeps all bytes that were ever handed out.
    bytes: ElementBlock,
    hosts: Vec<HostFunction>,
    context: HostContext,
    budget: usize,
    pub(crate) events: usize,
}

/// A host function that gives anything of its types, and fails now and then.
struct AnyHost {
    results: Vec<Type>,
    random: Random,
}

impl Host for AnyHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        look(args);
        for (k, &ty) in self.results.iter().enumerate() {
            results.set(k, scalar(&mut self.random, ty));
        }
        if self.random.chance(25) {
            return Err("now and then".to_owned());
        }
        Ok(())
    }
}

impl Kernel for AnyHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        _rows: &mut [RowsArg<'_>],
        results: &mut Results<'a>,
        context: &'a HostContext,
    ) -> Result<(), String> {
        Host::call(self, args, results, context)
    }
}

/// Reads every byte of the values and checks their words; how many there were.
fn look(words: Words<'_>) -> usize {
    for value in words.iter() {
        match value {
            Some(Scalar::Bytes(bytes)) => {
                std::hint::black_box(bytes.contains(&1));
            }
            Some(Scalar::F64(value)) => {
                assert!(!value.is_nan() || value.to_bits() == cutthrough_ir::types::CANONICAL_NAN);
            }
            Some(Scalar::I64(_) | Scalar::Bool(_)) | None => {}
        }
    }
    words.len()
}

/// A value of a type, often an odd one.
fn scalar(random: &mut Random, ty: Type) -> Option<Scalar<'static>> {
    if ty.nullable && random.chance(50) {
        return None;
    }
    let small = random.below(7) as i64 - 2;
    Some(match ty.kind {
        Kind::I64 => Scalar::I64(*random.pick(&[small, small, i64::MIN, i64::MAX, 1 << 40])),
        Kind::F64 => Scalar::F64(*random.pick(&[small as f64, 0.1, -0.0, f64::INFINITY, f64::NAN, 1e300])),
        Kind::Bool => Scalar::Bool(random.below(2) == 1),
        Kind::Bytes => {
            let odd: [&[u8]; 5] = [b"", b"42", b"-1.5e3", b"a,b,c", &[0xff; 40]];
            Scalar::Bytes(odd[random.below(odd.len())])
        }
    })
}

impl<'t> Dummy<'t> {
    pub(crate) fn new(tables: &'t Tables, seed: u64) -> Dummy<'t> {
        let slots = tables.slots.iter().map(|slot| slot.init.clone()).collect();
        let bytes = ElementBlock::new(Type::BYTES.into());
        let host = |sig: &HostSig| {
            let any = AnyHost {
                results: sig.results.clone(),
                random: Random::new(seed),
            };
            match sig.rows.is_empty() {
                true => HostFunction::new(sig.clone(), any),
                false => HostFunction::kernel(sig.clone(), any),
            }
        };
        Dummy {
            rows: tables.rows.iter().cloned().map(Rows::new).collect(),
            tables,
            random: Random::new(seed),
            slots,
            bytes,
            hosts: tables.hosts.iter().map(host).collect(),
            context: HostContext::default(),
            budget: 40,
            events: 0,
        }
    }

    pub(crate) fn value(&mut self, ty: Type, into: &mut [Word]) {
        into.fill(0);
        let Some(value) = scalar(&mut self.random, ty) else {
            return;
        };
        if ty.nullable {
            into[ty.payload_words()] = 1;
        }
        match value {
            Scalar::I64(value) => into[0] = value.cast_unsigned(),
            Scalar::F64(value) => into[0] = cutthrough_ir::types::f64_word(value),
            Scalar::Bool(value) => into[0] = value.into(),
            Scalar::Bytes(bytes) => (into[0], into[1]) = self.bytes.intern(bytes),
        }
    }

    pub(crate) fn values(&mut self, types: &[Type], into: &mut [Word]) {
        let mut at = 0;
        for &ty in types {
            self.value(ty, &mut into[at..at + ty.words()]);
            at += ty.words();
        }
        assert_eq!(at, into.len(), "room for other values");
    }

    /// Reads every byte of the values and checks their words.
    fn look(&mut self, types: &[Type], words: Words<'_>) {
        assert!(words.types().eq(types.iter().copied()), "values of other types");
        self.events += look(words);
    }
}

impl Flow for Dummy<'_> {
    fn slot_get(&mut self, slot: usize, into: &mut [Word]) {
        into.copy_from_slice(&self.slots[slot]);
    }

    fn slot_set(&mut self, slot: usize, value: Words<'_>) {
        let ty = self.tables.slots[slot].ty;
        let before = self.events;
        self.look(&[ty], value);
        if self.slots[slot] == value.words() {
            // To set a slot to what it is is nothing: passes leave it out.
            self.events = before;
        }
        self.slots[slot].copy_from_slice(value.words());
        if let Some(Scalar::Bytes(bytes)) = value.get(0) {
            (self.slots[slot][0], self.slots[slot][1]) = self.bytes.intern(bytes);
        }
    }

    fn rows(&self, rows: usize) -> &Rows {
        &self.rows[rows]
    }

    fn rows_mut(&mut self, rows: usize) -> &mut Rows {
        &mut self.rows[rows]
    }

    fn rows_failed(&mut self, rows: usize, message: String) {
        assert!(rows < self.rows.len() && message.contains("_max = "), "{message}");
    }

    fn lend(&mut self, host: usize, rows: &[u32], to: &mut Lend<'_>) -> bool {
        self.events += 1;
        let mut given: Vec<(usize, Rows)> = Vec::new();
        for rows in rows.iter().map(|&rows| rows as usize) {
            let none = Rows::new(self.rows[rows].decl().clone());
            given.push((rows, std::mem::replace(&mut self.rows[rows], none)));
        }
        let mut lent: Vec<&mut Rows> = given.iter_mut().map(|(_, rows)| rows).collect();
        let succeeded = to(&mut self.hosts[host], &mut lent, &self.context);
        for (number, rows) in given {
            self.rows[number] = rows;
        }
        succeeded
    }

    fn drop_element(&mut self, policy: usize) {
        assert!(policy < self.tables.drops.len());
    }

    fn emit(&mut self, output: usize, element: Words<'_>) {
        self.look(self.tables.outputs[output].fields(), element);
    }

    fn ready(&mut self, output: usize) -> bool {
        assert!(output < self.tables.outputs.len());
        self.random.chance(50)
    }

    fn needs(&mut self, output: usize) -> i64 {
        assert!(output < self.tables.outputs.len());
        self.random.chance(50).into()
    }

    fn take(&mut self, input: usize, into: &mut [Word]) -> Taken {
        let fields = self.tables.inputs[input].fields();
        self.values(fields, into);
        *self
            .random
            .pick(&[Taken::Some, Taken::Some, Taken::Ended, Taken::Pending])
    }

    fn step(&mut self) -> bool {
        let go = self.budget > 0;
        self.budget = self.budget.saturating_sub(1);
        go
    }

    fn batch(&mut self, min: i64, max: i64) -> Option<i64> {
        let steps = max.min(self.budget as i64);
        self.budget -= if steps < min { 0 } else { steps as usize };
        (steps >= min).then_some(steps)
    }

    fn refund(&mut self, steps: i64) {
        self.budget += steps as usize;
    }

    fn halt(&mut self) {
        self.budget = 0;
    }

    fn count(&mut self, edge: usize) {
        assert!(edge < self.tables.edges);
    }

    fn inbox(&mut self, into: &mut [Word]) -> bool {
        self.values(self.tables.inputs[0].fields(), into);
        !self.random.chance(11)
    }

    fn outbox_put(&mut self, outbox: usize, element: Words<'_>) {
        self.look(self.tables.outputs[outbox].fields(), element);
    }

    fn outbox_room(&mut self, outbox: usize) -> i64 {
        assert!(outbox < self.tables.outputs.len());
        self.random.below(3) as i64
    }
}

/// Runs each function of a verified unit; how many surrounding values were seen.
pub(crate) fn run_all(unit: &Unit, seed: u64) -> usize {
    let tables = unit.tables();
    let mut dummy = Dummy::new(tables, seed);
    for (role, function) in unit.functions() {
        dummy.budget = 40;
        let params: Vec<Type> = function
            .params()
            .iter()
            .map(|&param| function.ty(param))
            .collect();
        let values: Vec<_> = params.iter().map(|&ty| scalar(&mut dummy.random, ty)).collect();
        let mut args = ElementBlock::new(ElementType::new(params));
        args.push_values(&values);
        let mut registers = cutthrough_ir::Registers::default();
        match Code::new(function.clone()).run(tables, args.get(0), &mut registers, &mut dummy) {
            Outcome::Return => {
                assert!(matches!(role, Role::Ask(_) | Role::Run));
                assert_eq!(registers.returned().len(), 1);
            }
            Outcome::End(_) => assert!(!matches!(role, Role::Ask(_) | Role::Run)),
        }
        dummy.events += 1;
    }
    // What rows have come to is part of what happened.
    for rows in &dummy.rows {
        for row in 0..rows.len() {
            for column in 0..rows.decl().columns.len() {
                let is_one = |value| matches!(value, Scalar::I64(1) | Scalar::Bool(true));
                dummy.events += 1 + usize::from(rows.value(column, row).is_some_and(is_one));
            }
        }
    }
    dummy.events
}
