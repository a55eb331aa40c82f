use cutthrough_macros::fragment;

#[fragment]
fn text(name: String) -> i64 {
    0
}

#[fragment]
fn looping(x: i64) -> i64 {
    loop {}
}

#[fragment]
fn matching(x: i64) -> i64 {
    match x {
        0 => 1,
        _ => x,
    }
}

#[fragment]
fn without_else(x: i64) -> i64 {
    if x < 0 {
        return 0;
    }
    x
}

#[fragment]
fn mutable(x: i64) -> i64 {
    let mut y = x;
    y += 1;
    y
}

#[fragment]
fn method(x: i64) -> i64 {
    x.pow(2)
}

#[fragment]
fn cast(x: i64) -> f64 {
    x as f64
}

#[fragment]
fn nothing(x: i64) {}

#[fragment]
fn generic<T>(x: i64) -> i64 {
    x
}

#[fragment]
fn printing(x: i64) -> i64 {
    println!("{x}");
    x
}

fn main() {}
