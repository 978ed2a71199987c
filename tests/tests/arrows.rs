//! The arrows of ARCHITECTURE.md, checked: bins → queue-layout → common, and the rules that every file keeps.
//!
//! What depends on what comes from cargo itself; the two tables below say what may. A crate, or a dependency from
//! outside, that stands in neither table is refused, so that each is a decision that somebody wrote down.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "arrows/graph.rs"]
mod graph;

use graph::{Graph, Kind};
use stafette_tests::tree;

/// The crates by tier: a crate may depend on crates above its own line only, and no program on another.
const TIERS: [(&str, &[&str]); 7] = [
    ("common", &["text", "addr", "sys"]),
    ("common", &["log", "smtp", "message", "wire"]),
    ("common", &["control", "dns"]),
    ("common", &["table"]),
    ("common", &["directory"]),
    ("", &["queue-layout"]),
    (
        "bins",
        &[
            "smtpd", "inject", "queue", "send", "tables", "users", "local", "remote", "clean",
            "resolve", "stafette",
        ],
    ),
];

/// What comes from outside, and the only crates that may name it. Without `dev:` it gets into a program.
const SEAMS: [(&str, &[&str]); 19] = [
    ("nix", &["sys"]),
    ("caps", &["sys"]),
    ("landlock", &["sys"]),
    ("libc", &["sys"]),
    ("fs2", &["sys"]),
    ("getrandom", &["sys"]),
    ("syslog", &["log"]),
    ("jiff", &["message"]),
    ("idna", &["dns"]),
    ("cdb2", &["table"]),
    ("hmac", &["users"]),
    ("sha2", &["users"]),
    ("memchr", &["smtp"]),
    ("crc32fast", &["queue-layout", "local", "remote", "send"]),
    ("hickory-resolver", &["resolve"]),
    ("tokio", &["resolve"]),
    ("clap", &["stafette"]),
    ("serde_json", &["stafette", "tests"]),
    ("tempfile", &["tests"]),
];

/// What only tests use, anywhere.
const FOR_TESTS: [&str; 2] = ["tempfile", "proptest"];

/// What one program's needs must not bring into another: (dependency, the only program that carries it).
const CARRIED_BY_ONE: [(&str, &str); 6] = [
    ("hickory-resolver", "resolve"),
    ("tokio", "resolve"),
    ("clap", "stafette"),
    ("serde_json", "stafette"),
    ("hmac", "users"),
    ("sha2", "users"),
];

fn tier(name: &str) -> Option<usize> {
    TIERS.iter().position(|(_, crates)| crates.contains(&name))
}

#[test]
fn every_crate_stands_in_the_table_and_where_the_table_says() {
    let graph = Graph::read();
    for (directory, crates) in TIERS {
        for name in crates {
            let folder = graph.folder(name);
            assert_eq!(folder, tree::root().join(directory).join(name), "{name}");
        }
    }
    for member in graph.members() {
        let is_beside = ["supervise", "tests", "fuzz"].contains(&member.as_str());
        assert!(
            is_beside || tier(member).is_some(),
            "{member} has no tier: say in TIERS where it belongs"
        );
    }
}

#[test]
fn arrows_point_from_programs_to_the_queue_format_to_common() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for arrow in graph.own_arrows() {
        let Some(from) = tier(&arrow.from) else {
            continue; // The supervisor and the tests stand outside; nothing may depend on them, see below.
        };
        let to = tier(&arrow.to);
        let is_its_own_tests = arrow.from == arrow.to && arrow.kind == Kind::Dev;
        if !is_its_own_tests && to.is_none_or(|to| to >= from) {
            wrong.push(format!("{} must not depend on {}", arrow.from, arrow.to));
        }
    }
    tree::none(&wrong);
}

#[test]
fn nothing_but_programs_depends_on_what_runs_them_or_tests_them() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for arrow in graph.own_arrows() {
        let runs_programs = ["supervise", "tests", "fuzz"].contains(&arrow.from.as_str());
        if arrow.to == "tests" || arrow.to == "supervise" {
            wrong.push(format!("{} must not depend on {}", arrow.from, arrow.to));
        }
        let is_program = tier(&arrow.to) == Some(TIERS.len() - 1);
        if is_program && arrow.from == "supervise"
            || !runs_programs && is_program && arrow.from != arrow.to
        {
            wrong.push(format!(
                "{} must not depend on the program {}",
                arrow.from, arrow.to
            ));
        }
    }
    tree::none(&wrong);
}

#[test]
fn what_comes_from_outside_is_named_at_its_seam_only() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for arrow in graph.outside_arrows() {
        if arrow.kind == Kind::Dev && FOR_TESTS.contains(&arrow.to.as_str()) {
            continue;
        }
        match SEAMS.iter().find(|(name, _)| *name == arrow.to) {
            None => wrong.push(format!(
                "{} depends on {}, which stands in no table here",
                arrow.from, arrow.to
            )),
            Some((_, allowed)) if !allowed.contains(&arrow.from.as_str()) => {
                wrong.push(format!(
                    "{} depends on {}, which is for {allowed:?} alone",
                    arrow.from, arrow.to
                ));
            }
            Some(_) => {}
        }
    }
    tree::none(&wrong);
}

#[test]
fn a_resolver_an_option_parser_and_json_are_carried_by_one_program_each() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for program in TIERS[TIERS.len() - 1].1 {
        let carried = graph.carried_by(program);
        for (dependency, only) in CARRIED_BY_ONE {
            if program != &only && carried.contains(dependency) {
                wrong.push(format!(
                    "{program} carries {dependency}, which is for {only} alone"
                ));
            }
        }
    }
    tree::none(&wrong);
}

#[test]
fn every_dependency_from_outside_has_a_reason_beside_it() {
    let mut wrong = Vec::new();
    for manifest in tree::files("", "Cargo.toml") {
        let text = tree::read(&manifest);
        let (mut is_list, mut above) = (false, "");
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('[') {
                // The workspace's own list fixes versions; the reasons stand where something is used.
                is_list = line.ends_with("dependencies]") && line != "[workspace.dependencies]";
            }
            let named = line.split([' ', '.', '=']).next().unwrap_or_default();
            let is_outside = !named.is_empty()
                && !line.starts_with(['[', '#'])
                && !named.starts_with("stafette");
            if is_list && is_outside && !line.contains(" # ") && !above.starts_with("# ") {
                wrong.push(format!(
                    "{}:{}: {named} has no comment that says why",
                    tree::name(&manifest),
                    number + 1
                ));
            }
            above = line;
        }
    }
    tree::none(&wrong);
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let mut wrong = Vec::new();
    for file in tree::files("", ".rs") {
        let lines = tree::read(&file).lines().count();
        if lines > 600 {
            wrong.push(format!(
                "{} has {lines} lines: split it by ideas",
                tree::name(&file)
            ));
        }
    }
    tree::none(&wrong);
}

#[test]
fn every_file_opens_with_its_contract() {
    let mut wrong = Vec::new();
    for part in ["bins", "common", "queue-layout", "init"] {
        for file in tree::files(part, ".rs") {
            // The tests of a file belong to its idea.
            let is_tests_of_a_file = file.file_name().is_some_and(|name| name == "tests.rs");
            let text = tree::read(&file);
            let opens = text.starts_with("//! ") || text.starts_with("#![doc = include_str!");
            if !opens && !is_tests_of_a_file {
                wrong.push(format!("{} does not open with //!", tree::name(&file)));
            }
        }
    }
    tree::none(&wrong);
}

#[test]
fn unsafe_code_lives_in_sys_alone_and_each_use_says_why() {
    let mut wrong = Vec::new();
    for file in tree::files("", ".rs") {
        let name = tree::name(&file);
        let text = tree::read(&file);
        let in_sys = name.starts_with("common/sys/src/");
        // Spelt in halves, so that these lines are none of them.
        let opens =
            ["{", "fn", "impl", "extern"].map(|next| format!("{} {next}", concat!("uns", "afe")));
        let waives = [
            concat!("allow(", "unsafe_code"),
            concat!("expect(", "unsafe_code"),
        ];
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_unsafe = opens.iter().any(|words| code.contains(words));
            if !in_sys && (is_unsafe || waives.iter().any(|words| code.contains(words)))
                || code.contains(waives[0])
            {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
        // That every single use stands below an expectation is the compiler's to see: the lint denies it.
        let says_why = text.contains("unsafe_code,") && text.contains("reason = ");
        if in_sys && opens.iter().any(|words| text.contains(words)) && !says_why {
            wrong.push(format!("{name}: without an expectation with a reason"));
        }
    }
    tree::none(&wrong);
}

#[test]
fn nothing_is_left_for_later() {
    // Spelt in two halves, so that this line is none of them.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("unimpl", "emented!"),
        concat!("XX", "X:"),
    ];
    let mut wrong = Vec::new();
    for ending in [".rs", ".toml", ".sh", ".md", ".8", ".5"] {
        for file in tree::files("", ending) {
            for (number, line) in tree::read(&file).lines().enumerate() {
                if words.iter().any(|word| line.contains(word)) {
                    wrong.push(format!("{}:{}: {line}", tree::name(&file), number + 1));
                }
            }
        }
    }
    tree::none(&wrong);
}
