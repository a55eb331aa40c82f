//! Compiles the loops by hand a second time, with `target-cpu=native`: a library of its own, as one
//! build has one processor.

use std::env;
use std::process::Command;

fn main() {
    let out = env::var("OUT_DIR").expect("Cargo says where");
    let rustc = env::var("RUSTC").expect("Cargo says which");
    let status = Command::new(rustc)
        .args(["native/loops.rs", "--crate-name=cutthrough_native_loops"])
        .args(["--crate-type=cdylib", "--edition=2024", "--out-dir", &out])
        .args(["-Copt-level=3", "-Ctarget-cpu=native"])
        .status()
        .expect("there is a rustc");
    assert!(status.success(), "the loops cannot be compiled");
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=dylib=cutthrough_native_loops");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{out}");
    println!("cargo::rerun-if-changed=native");
    println!("cargo::rerun-if-changed=../../crates/bench-support/src/hand.rs");
}
