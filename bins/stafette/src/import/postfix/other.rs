//! Parameters that are one number here, and what is to be said of all the rest.

use super::conf::Conf;
use crate::import::Imported;

/// How Postfix writes a value.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Plain,
    YesNo,
    Seconds,
    Hours,
    Days,
}

const SIMPLE: [(&str, &str, Unit); 21] = [
    ("message_size_limit", "databytes", Unit::Plain),
    ("maximal_queue_lifetime", "queuelifetime", Unit::Days),
    ("bounce_queue_lifetime", "bouncelifetime", Unit::Days),
    ("delay_warning_time", "delaywarning", Unit::Hours),
    ("smtp_helo_name", "helohost", Unit::Plain),
    ("smtpd_recipient_limit", "maxrecipients", Unit::Plain),
    ("hopcount_limit", "maxhops", Unit::Plain),
    ("smtpd_hard_error_limit", "maxbadcommands", Unit::Plain),
    (
        "smtpd_client_connection_count_limit",
        "concurrencyperclient",
        Unit::Plain,
    ),
    (
        "default_destination_concurrency_limit",
        "destinationconcurrency",
        Unit::Plain,
    ),
    (
        "smtp_destination_concurrency_limit",
        "destinationconcurrency",
        Unit::Plain,
    ),
    (
        "default_destination_recipient_limit",
        "recipientlimit",
        Unit::Plain,
    ),
    (
        "smtp_destination_recipient_limit",
        "recipientlimit",
        Unit::Plain,
    ),
    (
        "local_destination_concurrency_limit",
        "concurrencylocal",
        Unit::Plain,
    ),
    ("smtp_connect_timeout", "timeoutconnect", Unit::Seconds),
    ("smtpd_timeout", "timeoutcommand", Unit::Seconds),
    ("command_time_limit", "timeoutprogram", Unit::Seconds),
    ("queue_minfree", "minfree", Unit::Plain),
    ("default_privs", "aliasuser", Unit::Plain),
    ("soft_bounce", "softbounce", Unit::YesNo),
    ("default_process_limit", "concurrencyremote", Unit::Plain),
];

/// About Postfix's own files and habits: nothing is to be done for them here.
const NOT_NEEDED: &str = "compatibility_level biff append_at_myorigin readme_directory html_directory manpage_directory sample_directory \
 queue_directory command_directory daemon_directory data_directory meta_directory shlib_directory config_directory mail_owner \
 setgid_group sendmail_path newaliases_path mailq_path alias_database debug_peer_level debug_peer_list debugger_command \
 unknown_local_recipient_reject_code smtputf8_enable mail_name mail_version default_database_type disable_vrfy_command \
 smtpd_helo_required strict_rfc821_envelopes smtpd_banner mydomain virtual_mailbox_maps mynetworks_style maillog_file \
 append_dot_mydomain swap_bangpath allow_percent_hack smtpd_delay_reject show_user_unknown_table_name inet_protocols \
 parent_domain_matches_subdomains smtp_address_preference backwards_bounce_logfile_compatibility";

/// What is said of the rest, by a part of the name.
const ADVICE: &[(&str, &str)] = &[
    (
        "sasl",
        "AUTH comes later in Stafette. Passwords are never copied into settings, which everybody may read: keep the file, and until then use a relay that knows this host by its address",
    ),
    (
        "tls",
        "TLS comes later in Stafette; keep the certificates and keys where they are",
    ),
    (
        "milter",
        "Stafette has no milters yet: filter in a relay before or behind, or in users' .forward and .qmail files",
    ),
    (
        "content_filter",
        "Stafette has no content filter: send mail through it by a line |PROGRAM of mailertable, or let it stand before Stafette",
    ),
    (
        "_checks",
        "Stafette looks into no contents: leave that to a filter",
    ),
    (
        "mailbox_command",
        "write the program behind a | into users' .forward, or the place of their mail into defaultdelivery",
    ),
    (
        "mailbox_transport",
        "write the place of users' mail into defaultdelivery, or take the domain out of locals and give it a line lmtp:unix:/SOCKET in mailertable and one in rcpthosts",
    ),
    (
        "fallback_transport",
        "write the domain into mailertable instead, or a line +: into users/assign",
    ),
    (
        "luser_relay",
        "write @DOMAIN TARGET into virtusertable, as its last line for that domain",
    ),
    (
        "local_recipient_maps",
        "Stafette refuses names that neither aliases nor accounts have; for others write @DOMAIN TARGET into virtusertable",
    ),
    (
        "relay_recipient_maps",
        "mail for any name of rcpthosts is taken: refuse names in access with To:",
    ),
    (
        "recipient_canonical",
        "write the addresses into virtusertable",
    ),
    (
        "sender_dependent",
        "Stafette's way of a message does not depend on its sender",
    ),
    (
        "mailbox_size_limit",
        "Stafette has no limit of its own: use quotas of the file system",
    ),
    ("always_bcc", "Stafette sends no copies by itself"),
    (
        "_bcc_maps",
        "Stafette sends no copies by itself; an alias can name two targets",
    ),
    (
        "notify_classes",
        "reports that cannot be delivered go to doublebounceto; the rest stands in the log",
    ),
    ("header_size_limit", "Stafette has no such limit"),
    (
        "smtp_bind_address",
        "Stafette leaves the choice of its own address to the system",
    ),
    (
        "fallback_relay",
        "Stafette has no fallback relay: write the relay into smtproutes for the domains that need it",
    ),
    (
        "relocated_maps",
        "write ADDRESS error:5.1.6:551 TEXT into virtusertable",
    ),
    (
        "virtual_",
        "write DOMAIN:PREPEND into virtualdomains and the mailboxes with their users and homes into users/assign",
    ),
    ("postscreen", "Stafette has no postscreen"),
];

pub(super) fn read(conf: &mut Conf, out: &mut Imported) {
    for (theirs, ours, unit) in SIMPLE {
        if !conf.is_set(theirs) {
            continue;
        }
        let place = conf.place(theirs);
        let value = conf.get(theirs);
        match translate(&value, unit) {
            Some(value) => out.one(ours, &place, &value),
            None => out.note(
                &place,
                format!("{theirs} = {value}"),
                format!("write it into {ours}"),
            ),
        }
    }
    let delimiter = conf.get("recipient_delimiter");
    if conf.is_set("recipient_delimiter") && !delimiter.chars().all(|sign| "+-".contains(sign)) {
        let place = conf.place("recipient_delimiter");
        out.note(
            &place,
            format!("recipient_delimiter = {delimiter}"),
            "Stafette knows + and - between a name and its extension; for others write lines into users/assign",
        );
    }
    if conf.is_set("defer_transports") {
        let place = conf.place("defer_transports");
        match conf.get("defer_transports").as_str() {
            "smtp" | "smtp relay" | "smtp, relay" => out.one("deferred", &place, "remote"),
            "" => {}
            other => out.note(
                &place,
                format!("defer_transports = {other}"),
                "write remote or all into deferred, or domains into paused",
            ),
        }
    }
    for (name, place, value) in conf.rest() {
        if NOT_NEEDED.split_ascii_whitespace().any(|word| word == name) {
            out.not_needed(&name);
            continue;
        }
        if value.is_empty() && !name.ends_with("_maps") {
            out.not_needed(&name);
            continue;
        }
        let advice = ADVICE.iter().find(|(part, _)| name.contains(part));
        let advice = advice.map_or(
            "Stafette has no such setting; see stafette-control(5) for those that it has",
            |(_, advice)| advice,
        );
        out.note(&place, shown(&name, &value), advice);
    }
}

/// The setting as it stands, but nothing that may be a password.
fn shown(name: &str, value: &str) -> String {
    if name.contains("passw") && !value.contains(":/") && !value.starts_with('/') {
        return format!("{name} = ...");
    }
    format!("{name} = {value}")
}

fn translate(value: &str, unit: Unit) -> Option<String> {
    let default = match unit {
        Unit::Plain => return Some(value.to_owned()),
        Unit::YesNo => {
            return match value {
                "yes" => Some("1".to_owned()),
                "no" => Some("0".to_owned()),
                _ => None,
            };
        }
        Unit::Seconds => 1,
        Unit::Hours => 3600,
        Unit::Days => 86_400,
    };
    super::super::seconds(value, default).map(|seconds| seconds.to_string())
}
