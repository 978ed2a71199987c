//! Landlock: the paths that stay within reach, and TCP.

use std::fs::File;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::{Needs, Network, State};

/// The newest set of rights that is asked for. A newer one forbids more, so it is raised only together with a test.
const RIGHTS: ABI = ABI::V6;

/// Always within reach: reading nothing and writing into nothing harms nobody.
const NULL: &str = "/dev/null";

pub(super) fn restrict(needs: &Needs<'_>, clock: Option<&File>) -> State {
    if needs.runs_programs_of_users {
        return State::Left("programs of users are run".to_owned());
    }
    match enforce(needs, clock) {
        Ok(RulesetStatus::FullyEnforced) => State::InForce("full".to_owned()),
        Ok(RulesetStatus::PartiallyEnforced) => {
            State::Partly("the kernel knows only some of its rules".to_owned())
        }
        Ok(RulesetStatus::NotEnforced) => {
            State::Left("the kernel has no Landlock, or one too old".to_owned())
        }
        Err(error) => State::Left(format!("failed: {error}")),
    }
}

fn enforce(needs: &Needs<'_>, clock: Option<&File>) -> Result<RulesetStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let execute = read | AccessFs::Execute;
    let write = AccessFs::from_all(RIGHTS) & !AccessFs::Execute;
    // Without the right Refer the first Landlock forbids every rename and link between directories, so it is all or nothing.
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?;
    match needs.network {
        Network::Open => {}
        Network::Connect => ruleset = ruleset.handle_access(AccessNet::BindTcp)?,
        Network::None => {
            ruleset = ruleset.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
        }
    }
    let mut created = ruleset.create()?;
    if let Some(directory) = clock {
        created = created.add_rule(PathBeneath::new(directory, read))?;
    }
    let status = created
        .add_rules(path_beneath_rules(&needs.read, read))?
        .add_rules(path_beneath_rules(&needs.execute, execute))?
        .add_rules(path_beneath_rules(&needs.write, write))?
        .add_rules(path_beneath_rules([Path::new(NULL)], write))?
        .restrict_self()?;
    Ok(status.ruleset)
}
