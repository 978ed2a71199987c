//! Delivers mail to local recipients, each as that recipient.
//!
//! The program is a parent and its workers. The parent (root, or whoever owns a folder instance) takes jobs from send,
//! finds the account of the recipient itself, and hands the job to a worker that has become that account. The worker does
//! everything that touches the recipient's files, reads what the recipient wants (.qmail, .forward), and runs the recipient's
//! programs. This library exists so that the steps of a delivery can be
//! tested against a disk that is a test; programs other than this one do not use it.
#![forbid(unsafe_code)]

pub mod accounts;
pub mod dot_forward;
pub mod dot_qmail;
pub mod environment;
pub mod from_line;
pub mod home;
pub mod instruction;
pub mod letter;
pub mod maildir;
pub mod mbox;
pub mod name;
pub mod parent;
pub mod plan;
pub mod program;
pub mod step;
pub mod task;
pub mod trace;
pub mod tried;
pub mod user_file;
pub mod verdict;
pub mod worker;
