use cutthrough::ir::{Op, SlotDecl, Type};
use cutthrough::processes::*;
use cutthrough::*;

fn sum() -> impl Process + 'static {
    Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, s, x| vec![f.op(Op::Iadd, &[s[0], x[0]])])
}

fn run(options: Options) -> (Vec<i64>, Report, String) {
    let mut net = Network::new(options);
    let src = net.add(Slice::i64((0..100_000i64).collect::<Vec<_>>())).unwrap();
    let a = net.point::<i64>("a").unwrap();
    net.attach_output(src, 0, a).unwrap();
    let b: FlowPoint<i64> = net
        .pipe(a, Filter::new(Type::I64, |f, x| {
            let one = f.iconst(1);
            let bit = f.op(Op::Iand, &[x[0], one]);
            f.op(Op::Ieq, &[bit, one])
        }))
        .unwrap();
    let c: FlowPoint<i64> = net.pipe(b, Map::new(Type::I64, Type::I64, |f, x| vec![f.op(Op::Imul, &[x[0], x[0]])])).unwrap();
    let d: FlowPoint<i64> = net.pipe(c, sum()).unwrap();
    let collect = Collect::<i64>::new();
    let out = collect.collected();
    net.sink(d, collect).unwrap();
    let dump = net.dump(src).unwrap();
    assert_eq!(net.run().unwrap(), Progress::Done);
    net.check_conservation().unwrap();
    (out.take(), net.report(), format!("{}\n{}\n{}\n{}", dump.chain, dump.ir, dump.clif, dump.asm))
}

#[test]
fn filter_map_sum() {
    let expected: i64 = (0..100_000i64).filter(|x| x & 1 == 1).map(|x| x * x).sum();
    let (i, report, _) = run(Options::interpreted());
    println!("{report}");
    assert_eq!(i, [expected]);
    let (n, report, dump) = run(Options::native());
    println!("{report}\n{dump}");
    assert_eq!(n, [expected]);
}
