//! Where an element comes from: the input, and the line there.

use std::fmt;
use std::sync::Arc;

/// Gives what the input is called that is read at present, if it has a name.
#[derive(Clone)]
pub struct InputName(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl InputName {
    /// What this function gives.
    pub fn new(name: impl Fn() -> Option<String> + Send + Sync + 'static) -> InputName {
        InputName(Arc::new(name))
    }

    /// The name.
    pub fn get(&self) -> Option<String> {
        (self.0)()
    }
}

impl fmt::Debug for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InputName")
    }
}

/// What rows have behind their columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    /// The number of the first line of each.
    pub(crate) has_number: bool,
    /// The name of the input.
    pub(crate) input: Option<InputName>,
}
