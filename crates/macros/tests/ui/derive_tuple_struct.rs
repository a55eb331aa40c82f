use cutthrough_macros::Element;

#[derive(Element)]
struct Meters(f64);

#[derive(Element)]
struct Nothing;

fn main() {}
