//! What a confined process says about itself at start.

use std::fmt;

use crate::limits::Limits;

/// Which layers are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// One entry for each layer, in the order in which they were put on.
    pub layers: Vec<Layer>,
}

/// One layer of confinement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, in kebab form.
    pub name: &'static str,
    /// Whether it holds.
    pub state: State,
}

/// Whether a layer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It does; the text says to what.
    InForce(String),
    /// In part, for this reason.
    Partly(String),
    /// Left out, for this reason.
    Left(String),
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, state: State) {
        self.layers.push(Layer { name, state });
    }

    /// The state of one layer.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<&State> {
        self.layers
            .iter()
            .find(|layer| layer.name == name)
            .map(|layer| &layer.state)
    }

    /// Whether every layer that was asked for holds in full.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.layers
            .iter()
            .all(|layer| matches!(layer.state, State::InForce(_)))
    }

    /// Names and states as key and value, for a line of the log.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        self.layers
            .iter()
            .map(|layer| (layer.name, layer.state.to_string()))
            .collect()
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InForce(what) => write!(formatter, "{what}"),
            Self::Partly(why) => write!(formatter, "partly ({why})"),
            Self::Left(why) => write!(formatter, "no ({why})"),
        }
    }
}

pub(super) fn limits(limits: &Limits) -> String {
    let all = [
        ("files", limits.files),
        ("processes", limits.processes),
        ("core", limits.core),
        ("address-space", limits.address_space),
        ("file-size", limits.file_size),
        ("processor-time", limits.processor_time),
    ];
    let set: Vec<String> = all
        .iter()
        .filter_map(|(name, bound)| bound.map(|bound| format!("{name}:{bound}")))
        .collect();
    set.join(",")
}
