//! What people type. stafette.8 says the same, and a test compares them.

use clap::{Parser, Subcommand};
use stafette_addr::Domain;
use stafette_control::{Pattern, parse_pattern};
use stafette_wire::QueueId;

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
    Check,
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
    /// Says which Stafette this is.
    Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Lists what waits.
    List {
        /// One JSON object a line, in the shape of Postfix's postqueue -j.
        #[arg(long)]
        json: bool,
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
        /// Only what waits for this domain.
        #[arg(value_parser = parse_domain)]
        domain: Option<Domain>,
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
