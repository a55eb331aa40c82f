//! What is a terminal, colours, messages to the user.

use std::io::{IsTerminal, Write};

use crate::args::Color;

/// Whether messages have colours.
pub(crate) fn has_color(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// Says what went wrong.
pub(crate) fn complain(color: Color, message: &str) {
    let (on, off) = if has_color(color) {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    say(&format!("{on}error:{off} {message}\n"));
}

/// Writes to the standard error; that it may be closed is nobody's concern.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Has what the runtime logs shown, as `CUTTHROUGH_LOG` says: `debug`, or
/// `cutthrough=trace`.
pub(crate) fn log_to_stderr() {
    let Ok(filter) = std::env::var("CUTTHROUGH_LOG") else {
        return;
    };
    match filter.parse::<tracing_subscriber::EnvFilter>() {
        Ok(filter) => {
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_writer(std::io::stderr)
                .init();
        }
        Err(error) => say(&format!("warning: CUTTHROUGH_LOG: {error}\n")),
    }
}

/// Whether the standard error is a terminal.
pub(crate) fn is_there() -> bool {
    std::io::stderr().is_terminal()
}
