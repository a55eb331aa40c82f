//! Demand and supply at a flow point: who waits for whom, and for how many elements.

use std::fmt;

/// The demand and supply at a flow point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Demand {
    /// Who waits for whom.
    pub waits: Waits,
    /// What its readers ask for together.
    pub asked: Standing,
    /// What its writers have on offer together.
    pub offered: Standing,
}

/// A standing ask or offer: how many elements the flow may draw on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Standing {
    /// None at present.
    Nothing,
    /// Up to this many.
    UpTo(u64),
    /// Any number, or nobody knows how many.
    Any,
}

/// Who waits for whom at a flow point: the polarity of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Waits {
    /// Nobody: neither is an element on offer nor is one asked for.
    Nobody,
    /// Readers ask, and no writer has anything on offer.
    Readers,
    /// Writers have elements on offer, and no reader asks.
    Writers,
    /// Both are ready; elements move when it is their turn.
    Neither,
}

impl Demand {
    /// Where an edge is attached to nothing.
    pub(crate) const NONE: Demand = Demand {
        waits: Waits::Nobody,
        asked: Standing::Nothing,
        offered: Standing::Nothing,
    };

    /// Whether polarity or order of magnitude is another than before.
    pub(crate) fn is_news_after(&self, before: &Demand) -> bool {
        let scale = |demand: &Demand| (demand.waits, demand.asked.magnitude(), demand.offered.magnitude());
        scale(self) != scale(before)
    }
}

impl Standing {
    pub(crate) fn of(n: u64) -> Standing {
        match n {
            0 => Standing::Nothing,
            u64::MAX => Standing::Any,
            n => Standing::UpTo(n),
        }
    }

    /// The number of digits; none for nothing, and more than any for any number.
    pub(crate) fn magnitude(self) -> u32 {
        match self {
            Standing::Nothing => 0,
            Standing::UpTo(n) => n.checked_ilog10().map_or(0, |log| log + 1),
            Standing::Any => u32::MAX,
        }
    }
}

impl Waits {
    /// By whether something is asked for, and whether something is on offer.
    pub(crate) fn of(asked: bool, offered: bool) -> Waits {
        match (asked, offered) {
            (false, false) => Waits::Nobody,
            (true, false) => Waits::Readers,
            (false, true) => Waits::Writers,
            (true, true) => Waits::Neither,
        }
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Waits::Nobody => "nobody waits",
            Waits::Readers => "readers wait",
            Waits::Writers => "writers wait",
            Waits::Neither => "both are ready",
        })
    }
}
