//! What a derive says of what it cannot be made for.

#[test]
fn what_cannot_be_derived_is_said_at_the_place() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
