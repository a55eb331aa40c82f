use cutthrough_macros::Element;

#[derive(Element)]
struct Nothing;

#[derive(Element)]
union Word {
    integer: i64,
    double: f64,
}

fn main() {}
