//! Where sockets are: who may be there, and what becomes of what is left behind.

mod common;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use cutthrough_control::directory::check_name;
use cutthrough_control::{Directory, ErrorKind};

use common::Home;

fn mode(path: &std::path::Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[track_caller]
fn check_refused(path: &std::path::Path, says: &str) {
    let error = Directory::at(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Directory);
    assert!(error.to_string().contains(says), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn only_a_directory_of_ones_own_is_used() {
    let home = Home::new("modes");
    std::fs::create_dir(&home.path).unwrap();
    let path = home.path.join("sockets");
    Directory::at(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    for wrong in [0o701, 0o770, 0o777] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(wrong)).unwrap();
        check_refused(&path, "chmod 700");
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    let link = home.path.join("link");
    symlink(&path, &link).unwrap();
    check_refused(&link, "no directory");
    let file = home.path.join("file");
    std::fs::write(&file, "").unwrap();
    check_refused(&file, "no directory");
    let dangling = home.path.join("dangling");
    symlink(home.path.join("nowhere"), &dangling).unwrap();
    check_refused(&dangling, "no directory");
    assert!(Directory::at(&home.path.join("a/b")).is_err());
    assert!(Directory::at(std::path::Path::new("/")).is_err());
    // In a directory where others may rename, without the sticky bit, nothing is safe.
    std::fs::set_permissions(&home.path, PermissionsExt::from_mode(0o777)).unwrap();
    let error = Directory::at(&path).unwrap_err();
    assert!(error.to_string().contains("others could replace"), "{error}");
    std::fs::set_permissions(&home.path, PermissionsExt::from_mode(0o1777)).unwrap();
    Directory::at(&path).unwrap();
}

#[test]
fn a_directory_of_another_user_is_not_used() {
    if rustix::process::geteuid().is_root() {
        let home = Home::new("other");
        std::fs::create_dir(&home.path).unwrap();
        std::fs::set_permissions(&home.path, PermissionsExt::from_mode(0o700)).unwrap();
        std::os::unix::fs::chown(&home.path, Some(12_345), None).unwrap();
        check_refused(&home.path, "another user");
    } else {
        // What there is of another user's everywhere.
        check_refused(std::path::Path::new("/usr"), "another user");
    }
}

#[test]
fn a_name_is_one_networks_while_it_lives() {
    let home = Home::new("names");
    let directory = home.directory();
    let a = directory.bind("a").unwrap();
    assert_eq!(mode(&directory.socket("a")), 0o600);
    assert_eq!(directory.bind("a").unwrap_err().kind(), ErrorKind::NameInUse);
    let b = directory.bind("b").unwrap();
    assert_eq!(directory.names().unwrap(), ["a", "b"]);
    drop(a);
    assert_eq!(directory.names().unwrap(), ["b"]);
    drop(directory.bind("a").unwrap());
    // Whose socket was taken away does not take away another's.
    std::fs::remove_file(directory.socket("b")).unwrap();
    let second = directory.bind("b").unwrap();
    drop(b);
    assert_eq!(directory.names().unwrap(), ["b"]);
    drop(second);
    assert_eq!(directory.names().unwrap(), [""; 0]);
}

#[test]
fn what_the_dead_have_left_is_removed() {
    let home = Home::new("stale");
    let directory = home.directory();
    // The standard library leaves the file, as an OS process that was killed does.
    drop(UnixListener::bind(directory.socket("a")).unwrap());
    drop(UnixListener::bind(directory.socket("b")).unwrap());
    assert!(directory.socket("a").exists());
    let a = directory.bind("a").unwrap();
    assert_eq!(directory.names().unwrap(), ["a"]);
    assert!(!directory.socket("b").exists());
    drop(a);
    // What is no socket of ours is left alone.
    std::fs::write(home.path.join("notes.txt"), "").unwrap();
    std::fs::write(directory.socket("file"), "").unwrap();
    assert_eq!(directory.names().unwrap(), [""; 0]);
    assert_eq!(directory.bind("file").unwrap_err().kind(), ErrorKind::System);
    assert!(home.path.join("notes.txt").exists() && directory.socket("file").exists());
}

#[test]
fn a_lock_that_is_held_does_not_hold_up_a_run() {
    let home = Home::new("lock");
    let directory = home.directory();
    let lock = std::fs::File::create(home.path.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let begin = std::time::Instant::now();
    let error = directory.bind("a").unwrap_err();
    assert!(error.to_string().contains("holds the lock"), "{error}");
    assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    drop(lock);
    directory.bind("a").unwrap();
}

#[test]
fn names_are_plain() {
    for name in ["a", "access.log-17", "_x", "A-b_c.9"] {
        check_name(name).unwrap();
    }
    let long = "x".repeat(65);
    for name in [
        "",
        ".",
        "..",
        "-x",
        ".x",
        "a/b",
        "a b",
        "ä",
        "a\0",
        "../x",
        "42",
        long.as_str(),
    ] {
        assert_eq!(check_name(name).unwrap_err().kind(), ErrorKind::Name, "{name:?}");
    }
}

#[test]
fn a_path_too_long_for_a_socket_is_an_error() {
    let home = Home::new(&"long".repeat(20));
    let error = home.directory().bind(&"x".repeat(60)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::System);
}
