//! Panics of what this project calls and did not write.

use std::any::Any;

/// What a panic says, as [`catch_unwind`](std::panic::catch_unwind) gives it.
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("with a payload that is not text")
}
