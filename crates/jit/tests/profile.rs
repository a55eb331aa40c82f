//! Observers are told of all code, with the processes that it came from, and for as long
//! as it is there.

mod common;

use std::sync::{Arc, Mutex};

use common::build;
use cutthrough_ir::{ChainCode, Op, Tables, Terminator};
use cutthrough_jit::profile::{CodeObserver, PublishedCode};
use cutthrough_jit::{Jit, JitOptions, Tier};

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Published {
        address: usize,
        chain: String,
        processes: Vec<Option<String>>,
    },
    Retired {
        address: usize,
    },
}

#[derive(Default)]
struct Notes(Mutex<Vec<Event>>);

impl CodeObserver for Notes {
    fn published(&self, code: &PublishedCode<'_>) {
        let mut at = 0;
        for part in &code.parts {
            assert!(part.offset == at && part.bytes > 0, "{:?}", code.parts);
            at += part.bytes;
        }
        assert_eq!(at, code.bytes.len());
        let processes = code.parts.iter().map(|part| part.process.map(str::to_owned));
        self.0.lock().unwrap().push(Event::Published {
            address: code.address,
            chain: code.chain.to_owned(),
            processes: processes.collect(),
        });
    }

    fn retired(&self, address: usize) {
        self.0.lock().unwrap().push(Event::Retired { address });
    }
}

/// A loop of two processes.
fn looped() -> ChainCode {
    let mut chain = build(
        Tables {
            edges: 1,
            slots: vec![cutthrough_ir::SlotDecl::i64("sum", 0)],
            ..Tables::default()
        },
        |b| {
            let (head, body, out) = (b.block(&[]), b.block(&[]), b.block(&[]));
            b.jump(head, &[]);
            b.switch_to(head);
            b.terminate(Terminator::Step {
                go: body.into(),
                stop: out.into(),
            });
            b.switch_to(body);
            let (sum, seven) = (b.slot_get(0), b.iconst(7));
            let product = b.op(Op::Imul, &[sum, seven]);
            let more = b.op(Op::Ixor, &[product, sum]);
            b.slot_set(0, more);
            b.inst(Op::Count, cutthrough_ir::Imm::Index(0), &[]);
            b.jump(head, &[]);
            b.switch_to(out);
            let code = b.iconst(7);
            b.ret(&[code]);
        },
    );
    chain.name = "a chain".to_owned();
    chain
}

#[test]
fn code_is_told_of_while_it_is_there() {
    let notes = Arc::new(Notes::default());
    let jit = Jit::new(JitOptions::default())
        .unwrap()
        .with_observer(notes.clone());
    let take = || std::mem::take(&mut *notes.0.lock().unwrap());
    let first = jit.compile(&looped(), Tier::Full).unwrap();
    let second = jit.compile(&looped(), Tier::Full).unwrap();
    let published = take();
    let [
        Event::Published {
            address: a,
            chain,
            processes,
        },
        Event::Published { address: b, .. },
    ] = &published[..]
    else {
        panic!("{published:?}");
    };
    assert!(a != b && chain == "a chain");
    assert!(processes.contains(&Some("test".to_owned())), "{processes:?}");
    assert!(
        processes.contains(&None),
        "the entry is the chain's own: {processes:?}"
    );
    drop(second);
    drop(first);
    assert_eq!(
        take(),
        [Event::Retired { address: *b }, Event::Retired { address: *a }]
    );
}
