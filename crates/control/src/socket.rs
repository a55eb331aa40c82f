//! What the standard library lacks of unix sockets: connecting without waiting, who the
//! peer is, and writing without a signal.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

/// Connects, or fails at once: a server that has been stopped accepts nobody, and its
/// queue fills up. The stream does not block.
pub(crate) fn connect(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(UnixStream::from(socket))
}

/// Whether the peer is an OS process of the user who runs this one.
#[cfg(target_os = "linux")]
pub(crate) fn is_of_user(stream: &UnixStream) -> bool {
    let peer = rustix::net::sockopt::socket_peercred(stream);
    peer.is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

/// Elsewhere the modes of directory and socket are what there is.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_of_user(_: &UnixStream) -> bool {
    true
}

/// Writes what the socket takes at once. A peer that is gone is an error, and no signal
/// whatever the program has set.
pub(crate) fn send(stream: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(
        stream,
        bytes,
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    )?)
}
