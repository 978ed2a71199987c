//! What people type. stafette.8 says the same, and a test compares them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stafette_addr::Domain;
use stafette_control::{Pattern, parse_pattern};
use stafette_wire::QueueId;
use stafette_wire::operator::{By, Selection};

use crate::import::System;

/// Looks at an instance of Stafette and steers it.
#[derive(Debug, Parser)]
#[command(name = "stafette", version, disable_help_subcommand = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says what is wrong with the settings, file by file and line by line, and which programs answer.
    Check {
        /// Says instead where the installed files differ from the list of owners and modes; with a folder, those below it.
        #[arg(long, value_name = "ROOT", num_args = 0..=1, require_equals = true, default_missing_value = "/")]
        permissions: Option<PathBuf>,
    },
    /// Says where mail for addresses goes, and which line of which file decided.
    Route {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        /// The addresses.
        #[arg(required = true, value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
    /// Has the tables compiled now.
    Maps,
    /// Looks at the queue and steers it.
    Queue {
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Lets the mail for a domain wait.
    Pause {
        /// The domain, or .DOMAIN for all domains below it.
        #[arg(value_parser = parse_pattern)]
        domain: Pattern,
    },
    /// Lets the mail for a domain go on.
    Resume {
        /// The domain as it was paused.
        #[arg(value_parser = parse_pattern)]
        domain: Pattern,
    },
    /// Says what is known of other hosts.
    Hosts {
        #[command(subcommand)]
        command: Option<HostsCommand>,
    },
    /// Takes over another mail system's settings, and lists what could not be translated.
    Import {
        /// Only says what it would do.
        #[arg(long)]
        dry_run: bool,
        /// The directory of settings to write to, else that of the instance.
        #[arg(long, value_name = "ETC")]
        to: Option<PathBuf>,
        /// Whose settings they are.
        #[arg(value_enum)]
        system: System,
        /// Where they are, such as /etc/postfix.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Says which Stafette this is.
    Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HostsCommand {
    /// Lists it.
    List,
    /// Has it forgotten: dead hosts are tried at once.
    Forget,
}

/// How the queue is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Lines of our own.
    #[default]
    Stafette,
    /// One JSON object a line, in the shape of Postfix's postqueue -j.
    Json,
    /// Postfix's columns, as mailq has them.
    Postfix,
    /// The lines of qmail-qread.
    Qmail,
    /// The two lines of qmail-qstat.
    QmailStat,
}

/// Some of the queue.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Part {
    /// Only messages with this in their sender.
    #[arg(long, value_name = "TEXT")]
    sender: Option<String>,
    /// Only messages with this in a recipient.
    #[arg(long, value_name = "TEXT")]
    recipient: Option<String>,
    /// Only messages with this in their ID.
    #[arg(long, value_name = "TEXT")]
    id: Option<String>,
    /// Only what waits for this domain.
    #[arg(value_parser = parse_domain)]
    domain: Option<Domain>,
}

impl Part {
    /// What of the queue; none for all of it.
    pub(crate) fn selection(&self) -> Option<Selection> {
        let domain = self.domain.as_ref().map(Domain::to_string);
        [
            (By::Sender, &self.sender),
            (By::Recipient, &self.recipient),
            (By::Id, &self.id),
            (By::Domain, &domain),
        ]
        .into_iter()
        .find_map(|(by, text)| {
            text.as_ref().map(|text| Selection {
                by,
                text: text.clone(),
            })
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Lists what waits.
    List {
        /// The same as --format json.
        #[arg(long, conflicts_with = "format")]
        json: bool,
        /// In whose shape.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Tells the story of one message.
    Show {
        /// The message.
        #[arg(value_parser = parse_id)]
        id: QueueId,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Has everything that waits tried now.
    Flush {
        #[command(flatten)]
        part: Part,
    },
    /// Keeps messages back until they are released.
    Hold {
        /// The messages.
        #[arg(value_parser = parse_id, required = true, value_name = "ID")]
        ids: Vec<QueueId>,
    },
    /// Lets held messages go on.
    Release {
        /// The messages.
        #[arg(value_parser = parse_id, required = true, value_name = "ID")]
        ids: Vec<QueueId>,
    },
    /// Removes messages; nobody gets a report.
    Remove {
        /// The messages.
        #[arg(value_parser = parse_id, required = true, value_name = "ID")]
        ids: Vec<QueueId>,
    },
}

fn parse_id(text: &str) -> Result<QueueId, String> {
    QueueId::parse(text.as_bytes()).ok_or_else(|| {
        format!(
            "a queue ID is {} digits and small letters, as `stafette queue list` shows",
            QueueId::LENGTH
        )
    })
}

fn parse_domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text.as_bytes()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
