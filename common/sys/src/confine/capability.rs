//! The capability sets of this process, cut down to a list.

use std::io;

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};

use super::{Needs, State};

/// Drops all capabilities but those to keep. `became` tells that the user was changed with the permitted set kept.
pub(super) fn keep_only(needs: &Needs<'_>, became: bool) -> io::Result<State> {
    let permitted = read(CapSet::Permitted)?;
    if permitted.is_empty() && !became {
        return Ok(State::InForce("none".to_owned()));
    }
    let keep: CapsHashSet = needs
        .keep_caps
        .iter()
        .copied()
        .filter(|wanted| permitted.contains(wanted))
        .collect();
    if !needs.runs_programs_of_users && permitted.contains(&Capability::CAP_SETPCAP) {
        caps::set(
            None,
            CapSet::Effective,
            &CapsHashSet::from([Capability::CAP_SETPCAP]),
        )
        .map_err(failed)?;
        for each in caps::runtime::thread_all_supported() {
            if !keep.contains(&each) {
                caps::drop(None, CapSet::Bounding, each).map_err(failed)?;
            }
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    caps::set(None, CapSet::Effective, &keep).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &keep).map_err(failed)?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new()).map_err(failed)?;
    if read(CapSet::Permitted)? != keep || read(CapSet::Effective)? != keep {
        return Err(io::Error::other("capabilities could not be dropped"));
    }
    Ok(State::InForce(names(&keep)))
}

fn read(set: CapSet) -> io::Result<CapsHashSet> {
    caps::read(None, set).map_err(failed)
}

fn failed(error: CapsError) -> io::Error {
    io::Error::other(format!("capabilities: {error}"))
}

fn names(set: &CapsHashSet) -> String {
    if set.is_empty() {
        return "none".to_owned();
    }
    let mut names: Vec<String> = set.iter().map(ToString::to_string).collect();
    names.sort();
    names.join(",")
}
