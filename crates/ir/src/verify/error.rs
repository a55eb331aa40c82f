//! What the verifier found.

use std::fmt;

use crate::function::Block;
use crate::limits::VERIFY_ERRORS_MAX;
use crate::verify::Role;

/// Where in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// The block as a whole, or its parameters.
    Heading,
    /// The instruction at an index.
    Inst(usize),
    /// The terminator.
    Terminator,
}

impl Spot {
    /// Its place in the order of the block.
    pub(super) fn index(self) -> usize {
        match self {
            Spot::Heading => 0,
            Spot::Inst(index) => index + 1,
            Spot::Terminator => usize::MAX,
        }
    }
}

/// One breach of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    owner: Option<String>,
    role: Option<Role>,
    at: Option<(Block, Spot)>,
    rule: u32,
    message: String,
}

impl VerifyError {
    /// The number of the rule in the list of [`crate::verify`].
    pub fn rule(&self) -> u32 {
        self.rule
    }

    /// The function, unless it is about tables or bindings.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// The block, unless it is about more than one.
    pub fn block(&self) -> Option<Block> {
        self.at.map(|(block, _)| block)
    }

    /// The index of the instruction in its block, if it is about one.
    pub fn inst(&self) -> Option<usize> {
        match self.at {
            Some((_, Spot::Inst(index))) => Some(index),
            _ => None,
        }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(owner) = &self.owner {
            write!(f, "{owner}")?;
            separator = ", ";
        }
        if let Some(role) = self.role {
            write!(f, "{separator}{role}")?;
            separator = ", ";
        }
        if let Some((block, spot)) = self.at {
            write!(f, "{separator}b{}", block.0)?;
            match spot {
                Spot::Heading => {}
                Spot::Inst(index) => write!(f, ", instruction {index}")?,
                Spot::Terminator => f.write_str(", terminator")?,
            }
            separator = ", ";
        }
        let colon = if separator.is_empty() { "" } else { ": " };
        write!(f, "{colon}{} (rule {})", self.message, self.rule)
    }
}

impl std::error::Error for VerifyError {}

/// Everything that is wrong with a function, a program or a chain; at least one
/// error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyErrors {
    errors: Vec<VerifyError>,
    cut: bool,
}

impl VerifyErrors {
    /// The errors, in the order found.
    pub fn iter(&self) -> std::slice::Iter<'_, VerifyError> {
        self.errors.iter()
    }

    /// Whether there were more than the limit.
    pub fn is_cut(&self) -> bool {
        self.cut
    }
}

impl<'a> IntoIterator for &'a VerifyErrors {
    type Item = &'a VerifyError;
    type IntoIter = std::slice::Iter<'a, VerifyError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for VerifyErrors {
    /// One line for each error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if k > 0 { "\n" } else { "" })?;
        }
        if self.cut {
            f.write_str("\nand more")
        } else {
            Ok(())
        }
    }
}

impl std::error::Error for VerifyErrors {}

/// Collects errors, with where the verifier is at the moment.
pub(super) struct Report {
    owner: Option<String>,
    pub(super) role: Option<Role>,
    pub(super) at: Option<(Block, Spot)>,
    /// Whether functions may hold what only passes make.
    pub(super) optimized: bool,
    errors: Vec<VerifyError>,
    cut: bool,
}

impl Report {
    pub(super) fn new(owner: Option<String>) -> Report {
        Report {
            owner,
            role: None,
            at: None,
            optimized: false,
            errors: Vec::new(),
            cut: false,
        }
    }

    /// Keeps an error, if there is room; the message is only then put together.
    pub(super) fn add(&mut self, rule: u32, message: fmt::Arguments<'_>) {
        if self.errors.len() == VERIFY_ERRORS_MAX {
            self.cut = true;
            return;
        }
        let message = message.to_string();
        let (owner, role, at) = (self.owner.clone(), self.role, self.at);
        self.errors.push(VerifyError {
            owner,
            role,
            at,
            rule,
            message,
        });
    }

    pub(super) fn finish(self) -> Result<(), VerifyErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(VerifyErrors {
            errors: self.errors,
            cut: self.cut,
        })
    }
}
