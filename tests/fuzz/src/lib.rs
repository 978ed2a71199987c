//! Claims about the parsers of outside bytes: each is a function that panics if the bytes refute it.
//!
//! A fuzzer looks for such bytes (`fuzz_targets/`); `tests/replay.rs` tries the corpus and its neighbours on every run of the tests.
#![forbid(unsafe_code)]

pub mod addresses;
pub mod commands;
pub mod content;
pub mod cut;
pub mod exchangers;
pub mod local;
pub mod messages;
pub mod packets;
pub mod queue_files;
pub mod replies;
pub mod sessions;
pub mod settings;
pub mod tables;

/// A claim: panics if the bytes refute it.
pub type Claim = fn(&[u8]);

/// All claims by name; a fuzz target and a folder of the corpus have the same name.
pub const TARGETS: &[(&str, Claim)] = &[
    (
        "addresses_print_what_they_read",
        addresses::addresses_print_what_they_read,
    ),
    (
        "smtp_commands_hold_no_control_character",
        commands::smtp_commands_hold_no_control_character,
    ),
    (
        "smtp_sessions_ignore_cuts",
        sessions::smtp_sessions_ignore_cuts,
    ),
    (
        "data_decoding_ignores_cuts",
        content::data_decoding_ignores_cuts,
    ),
    (
        "sent_content_holds_one_end",
        content::sent_content_holds_one_end,
    ),
    ("replies_ignore_cuts", replies::replies_ignore_cuts),
    (
        "ehlo_replies_are_bounded",
        replies::ehlo_replies_are_bounded,
    ),
    (
        "header_fields_are_the_content",
        messages::header_fields_are_the_content,
    ),
    (
        "header_sections_ignore_cuts",
        messages::header_sections_ignore_cuts,
    ),
    (
        "address_lists_give_addresses",
        messages::address_lists_give_addresses,
    ),
    (
        "rewritten_headers_hold_the_new_addresses",
        messages::rewritten_headers_hold_the_new_addresses,
    ),
    (
        "packets_have_one_reading",
        packets::packets_have_one_reading,
    ),
    (
        "queue_files_are_read_or_refused",
        queue_files::queue_files_are_read_or_refused,
    ),
    (
        "settings_are_lines_or_mistakes",
        settings::settings_are_lines_or_mistakes,
    ),
    (
        "targets_read_as_they_are_written",
        tables::targets_read_as_they_are_written,
    ),
    (
        "exchangers_lead_somewhere_else",
        exchangers::exchangers_lead_somewhere_else,
    ),
    (
        "files_of_users_are_plans_or_mistakes",
        local::files_of_users_are_plans_or_mistakes,
    ),
    (
        "extensions_name_files_of_the_home",
        local::extensions_name_files_of_the_home,
    ),
    (
        "tasks_and_answers_have_one_reading",
        local::tasks_and_answers_have_one_reading,
    ),
];

/// Makes the `main` of a fuzz target: under a fuzzer its entry, otherwise a program that tries the files it is given.
#[macro_export]
macro_rules! target {
    ($claim:path) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $claim(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $claim(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
