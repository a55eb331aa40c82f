use cutthrough_macros::Element;

#[derive(Element)]
struct Pair<T> {
    left: T,
    right: T,
}

fn main() {}
