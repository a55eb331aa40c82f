//! What is a terminal, colours, messages to the user.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use crate::end::End;
use crate::files::write_all_waiting;

/// When messages have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

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

/// Whether what is printed has colours.
pub(crate) fn stdout_has_color() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
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

/// Says what was wrong, in full.
pub(crate) fn complain_of(color: Color, error: &anyhow::Error) {
    complain(color, &text_of(error));
}

/// An error and its causes, without those that it tells of itself.
fn text_of(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Writes to the standard output; that its reader has gone away is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<End> {
    print_to_reader(text).map(|_| End::Done)
}

/// The same; false when the reader has gone away.
pub(crate) fn print_to_reader(text: &str) -> anyhow::Result<bool> {
    match write_all_waiting(io::stdout(), text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        outcome => outcome.map(|()| true).context("standard output"),
    }
}

/// Writes to the standard error; that it may be closed is nobody's concern.
pub(crate) fn say(text: &str) {
    // Whole messages of several threads stand one after another.
    let stderr = io::stderr().lock();
    let _ = write_all_waiting(&stderr, text.as_bytes());
}

/// Has what the runtime logs shown, as `CUTTHROUGH_LOG` says: `debug`, or
/// `cutthrough=trace`.
pub(crate) fn log_to_stderr(color: Color) {
    let Ok(filter) = std::env::var("CUTTHROUGH_LOG") else {
        return;
    };
    match filter.parse::<tracing_subscriber::EnvFilter>() {
        Ok(filter) => {
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_ansi(has_color(color))
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

/// How many columns and rows the standard output has, if it is a terminal.
pub(crate) fn stdout_size() -> Option<(usize, usize)> {
    let size = termios::tcgetwinsize(io::stdout()).ok()?;
    // A terminal may not know its size.
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col.into(), size.ws_row.into()))
}

/// How many columns the standard error has, if it is a terminal.
pub(crate) fn stderr_columns() -> Option<usize> {
    let size = termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// How many columns the standard output has, if it is a terminal.
pub(crate) fn stdout_columns() -> Option<usize> {
    stdout_size().map(|(columns, _)| columns)
}

/// The terminal as a page to draw on. Dropping it gives the terminal back as it was.
#[derive(Debug)]
pub(crate) struct Screen {
    before: Termios,
}

impl Screen {
    /// Takes the terminal: another page, no cursor, keys as they come.
    pub(crate) fn enter() -> io::Result<Screen> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut keys = before.clone();
        keys.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &keys)?;
        let screen = Screen { before };
        screen.write("\x1b[?1049h\x1b[?25l")?;
        Ok(screen)
    }

    /// Draws the lines, over what was there.
    pub(crate) fn draw(&self, lines: &[String]) -> io::Result<()> {
        let mut page = String::from("\x1b[H");
        for line in lines {
            page.push_str(line);
            page.push_str("\x1b[K\r\n");
        }
        page.push_str("\x1b[J");
        self.write(&page)
    }

    /// The next key, if one is pressed in that time; nothing when this becomes readable before.
    pub(crate) fn key(&self, wait: Duration, woken: &impl AsFd) -> Option<u8> {
        let stdin = io::stdin();
        let mut fds = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(woken, PollFlags::IN),
        ];
        let timeout = wait.try_into().ok();
        poll(&mut fds, timeout.as_ref()).ok()?;
        if fds[0].revents().is_empty() {
            return None;
        }
        let mut key = [0];
        let length = rustix::io::read(&stdin, &mut key).ok()?;
        // A terminal that is gone has no more keys: that is an end too.
        Some(if length == 0 { b'q' } else { key[0] })
    }

    fn write(&self, text: &str) -> io::Result<()> {
        write_all_waiting(io::stdout(), text.as_bytes())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.write("\x1b[?25h\x1b[?1049l");
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
