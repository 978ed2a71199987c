//! What depends on what, as cargo says it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// What a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// It gets into the program.
    Normal,
    /// Only tests use it.
    Dev,
    /// It runs while building.
    Build,
}

/// A crate of ours that names a dependency. Our names are without `stafette-`.
#[derive(Debug)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) kind: Kind,
}

/// The packages of the workspace and everything below them.
pub(crate) struct Graph {
    folders: BTreeMap<String, PathBuf>,
    own: Vec<Arrow>,
    outside: Vec<Arrow>,
    /// Normal and build dependencies of each package, by id, with their names.
    below: BTreeMap<String, Vec<String>>,
    ids: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
}

/// Our name of a package, or that of another one as it is.
fn short(name: &str) -> String {
    match name {
        "staf-supervise" | "stafette-supervise" => "supervise".to_owned(),
        _ => name.strip_prefix("stafette-").unwrap_or(name).to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a word of cargo's").to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list of cargo's")
}

impl Graph {
    /// Asks cargo.
    pub(crate) fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--offline",
                "--manifest-path",
            ])
            .arg(stafette_tests::tree::root().join("Cargo.toml"))
            .output()
            .expect("cargo metadata");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let all: Value = serde_json::from_slice(&output.stdout).expect("cargo's own JSON");
        let mut graph = Self {
            folders: BTreeMap::new(),
            own: Vec::new(),
            outside: Vec::new(),
            below: BTreeMap::new(),
            ids: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        let members: BTreeSet<String> = list(&all["workspace_members"]).iter().map(text).collect();
        for package in list(&all["packages"]) {
            let (id, name) = (text(&package["id"]), text(&package["name"]));
            if members.contains(&id) {
                graph.add_member(package, &short(&name));
                graph.ids.insert(short(&name), id.clone());
            }
            graph.names.insert(id, name);
        }
        for node in list(&all["resolve"]["nodes"]) {
            let is_carried = |dependency: &&Value| {
                list(&dependency["dep_kinds"])
                    .iter()
                    .any(|kind| kind["kind"] != "dev")
            };
            let below = list(&node["deps"])
                .iter()
                .filter(is_carried)
                .map(|dependency| text(&dependency["pkg"]));
            graph.below.insert(text(&node["id"]), below.collect());
        }
        graph
    }

    fn add_member(&mut self, package: &Value, name: &str) {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        self.folders.insert(
            name.to_owned(),
            manifest.parent().expect("a folder").to_owned(),
        );
        for dependency in list(&package["dependencies"]) {
            let to = text(&dependency["name"]);
            let arrow = Arrow {
                from: name.to_owned(),
                to: short(&to),
                kind: match dependency["kind"].as_str() {
                    Some("dev") => Kind::Dev,
                    Some("build") => Kind::Build,
                    _ => Kind::Normal,
                },
            };
            // What has a path is ours; everything else comes from a registry.
            if dependency["path"].is_string() {
                self.own.push(arrow);
            } else {
                self.outside.push(arrow);
            }
        }
    }

    /// Names of our packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &String> {
        self.folders.keys()
    }

    /// Where one of ours lives.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folders
            .get(name)
            .unwrap_or_else(|| panic!("no crate {name}"))
            .clone()
    }

    /// From ours to ours.
    pub(crate) fn own_arrows(&self) -> &[Arrow] {
        &self.own
    }

    /// From ours to what comes from outside.
    pub(crate) fn outside_arrows(&self) -> &[Arrow] {
        &self.outside
    }

    /// Names of all packages that get into one of ours, at any depth.
    pub(crate) fn carried_by(&self, name: &str) -> BTreeSet<&str> {
        let mut open = vec![self.ids.get(name).expect("one of ours")];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(self.below.get(id).into_iter().flatten());
            }
        }
        seen.into_iter()
            .filter_map(|id| Some(self.names.get(id)?.as_str()))
            .collect()
    }
}
