use clap::CommandFactory as _;

use super::*;

const MANUAL: &str = include_str!("../../stafette.8");

/// Every subcommand with the options of its own, such as `("queue list", ["json"])`.
fn table(command: &clap::Command, path: &str) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    for sub in command.get_subcommands() {
        let name = format!("{path}{}", sub.get_name());
        if sub.has_subcommands() {
            rows.extend(table(sub, &format!("{name} ")));
        } else {
            let options = sub
                .get_arguments()
                .filter_map(|argument| argument.get_long());
            rows.push((
                name,
                options
                    .filter(|option| *option != "help")
                    .map(str::to_owned)
                    .collect(),
            ));
        }
    }
    rows
}

/// The same from the manual page: each `.It Cm WORDS Op Fl Fl OPTION …` of its list of commands.
fn manual() -> Vec<(String, Vec<String>)> {
    let section = MANUAL
        .split(".Sh COMMANDS")
        .nth(1)
        .expect("COMMANDS")
        .split(".Sh ")
        .next()
        .expect("an end");
    section
        .lines()
        .filter_map(|line| line.strip_prefix(".It Cm "))
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let is_macro = |word: &&str| ["Op", "Oo", "Ar", "Fl"].contains(word);
            let name = words
                .iter()
                .take_while(|word| !is_macro(word))
                .copied()
                .collect::<Vec<_>>()
                .join(" ");
            let options = words
                .windows(3)
                .filter(|three| three[..2] == ["Fl", "Fl"])
                .map(|three| three[2].to_owned());
            (name, options.collect())
        })
        .collect()
}

#[test]
fn the_manual_page_names_every_subcommand_and_option_and_no_other() {
    let mut command = Options::command();
    command.build();
    assert_eq!(manual(), table(&command, ""));
}

#[test]
fn the_manual_page_names_the_options_of_the_command_itself() {
    let mut command = Options::command();
    command.build();
    for argument in command.get_arguments() {
        let long = argument.get_long().expect("a long option");
        assert!(
            MANUAL.contains(&format!("Fl Fl {long}")),
            "--{long} is not in stafette.8"
        );
    }
}

#[test]
fn the_manual_page_names_every_exit_code() {
    let section = MANUAL
        .split(".Sh EXIT STATUS")
        .nth(1)
        .expect("EXIT STATUS")
        .split(".Sh ")
        .next()
        .expect("an end");
    let listed: Vec<u8> = section
        .lines()
        .filter_map(|line| line.strip_prefix(".It ")?.parse().ok())
        .collect();
    use crate::failure::{LATER, NEVER, PROBLEMS};
    assert_eq!(listed, [0, PROBLEMS, NEVER, LATER]);
}

#[test]
fn clap_s_own_checks_pass() {
    Options::command().debug_assert();
}

#[test]
fn what_is_no_queue_id_is_refused_before_anything_is_done() {
    for wrong in ["../../etc/passwd", "", "01hf7yat000000000000abZ", "*"] {
        assert!(
            Options::try_parse_from(["stafette", "queue", "remove", wrong]).is_err(),
            "{wrong}"
        );
    }
    assert!(Options::try_parse_from(["stafette", "queue", "remove"]).is_err());
    assert!(
        Options::try_parse_from(["stafette", "queue", "remove", "01hf7yat000000000000abz"]).is_ok()
    );
}
