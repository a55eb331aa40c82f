use cutthrough_macros::Element;

#[derive(Element)]
enum Shape {
    Circle(f64),
    Square(f64),
}

fn main() {}
