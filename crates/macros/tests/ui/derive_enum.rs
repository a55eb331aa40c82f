use cutthrough_macros::Element;

#[derive(Element)]
enum Never {}

fn main() {}
