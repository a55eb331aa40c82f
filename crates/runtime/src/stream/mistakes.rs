//! Mistakes in types, none of which compiles. (`cargo test --doc` tries.)
//!
//! A text beside a number:
//! ```compile_fail,E0277
//! cutthrough::Network::default().wire(|wire| wire.iter([1_i64]).filter(|x| x.eq("one")).collect());
//! ```
//!
//! Integers of two widths, without a `cast`:
//! ```compile_fail,E0271
//! cutthrough::Network::default().wire(|wire| wire.iter([(1_u8, 1_i64)]).filter(|(a, b)| a.lt(b)).collect());
//! ```
//!
//! A number as a condition:
//! ```compile_fail,E0271
//! cutthrough::Network::default().wire(|wire| wire.iter([1_i64]).filter(|x| x + 1).collect());
//! ```
//!
//! A sum of texts:
//! ```compile_fail,E0277
//! cutthrough::Network::default().wire(|wire| wire.iter(["a".to_owned()]).sum(|x| x).collect());
//! ```
//!
//! A stream that two stages read:
//! ```compile_fail,E0382
//! cutthrough::Network::default().wire(|wire| {
//!     let numbers = wire.iter([1_i64]);
//!     (numbers.collect(), numbers.count().collect())
//! });
//! ```
//!
//! Another computation that gives another type:
//! ```compile_fail,E0271
//! let mut network = cutthrough::Network::default();
//! let double = network.wire(|wire| {
//!     let double = wire.iter([1_i64]).map(|x| x * 2);
//!     let id = double.id();
//!     double.collect();
//!     id
//! })?;
//! network.rewire(|rewire| double.swap(rewire, |x| x.to_f64()))?;
//! # Ok::<(), cutthrough::Error>(())
//! ```
//!
//! A field of a type that is none of elements:
//! ```compile_fail,E0277
//! #[derive(cutthrough::Element)]
//! struct Event {
//!     tags: std::collections::HashMap<String, String>,
//! }
//! ```
//!
//! An operation that the words of a type do not have: a division of `u64`.
//! ```compile_fail,E0277
//! cutthrough::Network::default().wire(|wire| wire.iter([1_u64]).map(|x| x / 2).collect());
//! ```
