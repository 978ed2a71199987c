//! Options, under the names of sendmail.mc and of sendmail.cf.

use crate::import::{Imported, seconds};

/// How a value is written.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Plain,
    Seconds(u64),
}

const OPTIONS: [(&str, &str, &str, Unit); 10] = [
    (
        "confMAX_MESSAGE_SIZE",
        "MaxMessageSize",
        "databytes",
        Unit::Plain,
    ),
    (
        "confTO_QUEUERETURN",
        "Timeout.queuereturn",
        "queuelifetime",
        Unit::Seconds(86_400),
    ),
    (
        "confTO_QUEUEWARN",
        "Timeout.queuewarn",
        "delaywarning",
        Unit::Seconds(3600),
    ),
    (
        "confTO_CONNECT",
        "Timeout.connect",
        "timeoutconnect",
        Unit::Seconds(60),
    ),
    (
        "confTO_COMMAND",
        "Timeout.command",
        "timeoutcommand",
        Unit::Seconds(60),
    ),
    ("confMAX_HOP", "MaxHopCount", "maxhops", Unit::Plain),
    (
        "confMAX_RCPTS_PER_MESSAGE",
        "MaxRecipientsPerMessage",
        "maxrecipients",
        Unit::Plain,
    ),
    (
        "confMAX_DAEMON_CHILDREN",
        "MaxDaemonChildren",
        "concurrencyincoming",
        Unit::Plain,
    ),
    (
        "confDOUBLE_BOUNCE_ADDRESS",
        "DoubleBounceAddress",
        "doublebounceto",
        Unit::Plain,
    ),
    ("confSMTP_LOGIN_MSG", "SmtpGreetingMessage", "", Unit::Plain),
];

/// Words of privacy that ours has, too.
const PRIVACY: [&str; 6] = [
    "authwarnings",
    "noexpn",
    "novrfy",
    "restrictmailq",
    "restrictqrun",
    "goaway",
];

/// Translates one option.
pub(super) fn option(out: &mut Imported, place: &str, name: &str, value: &str) {
    let found = OPTIONS
        .iter()
        .find(|(mc, cf, _, _)| *mc == name || cf.eq_ignore_ascii_case(name));
    if let Some((_, _, ours, unit)) = found {
        if ours.is_empty() {
            return out.not_needed(name);
        }
        let value = match unit {
            Unit::Plain => Some(value.to_owned()),
            Unit::Seconds(unit) => seconds(value, *unit).map(|seconds| seconds.to_string()),
        };
        match value {
            Some(value) => out.one(ours, place, &value),
            None => out.note(
                place,
                format!("{name} {value:?}"),
                format!("write it into {ours}"),
            ),
        }
        return;
    }
    match name {
        "confDOMAIN_NAME" => out.one("me", place, value),
        "confPRIVACY_FLAGS" | "PrivacyOptions" => {
            for word in value.split([',', ' ']).filter(|word| !word.is_empty()) {
                let lower = word.to_ascii_lowercase();
                if PRIVACY.contains(&lower.as_str()) {
                    out.add("privacy", place, &lower);
                } else if [
                    "needmailhelo",
                    "public",
                    "noetrn",
                    "noverb",
                    "noreceipts",
                    "needexpnhelo",
                    "needvrfyhelo",
                ]
                .contains(&lower.as_str())
                {
                    out.not_needed(word);
                } else {
                    out.note(
                        place,
                        format!("{name}: {word}"),
                        "see privacy in control(5) for the words it has",
                    );
                }
            }
        }
        "confDEF_USER_ID" | "DefaultUser" => {
            let user = value.split([':', '.']).next().unwrap_or_default();
            if user.starts_with(|sign: char| sign.is_ascii_digit()) {
                out.note(
                    place,
                    format!("{name} {value}"),
                    "write the name of that user into aliasuser",
                );
            } else {
                out.one("aliasuser", place, user);
            }
        }
        _ => out.note(place, format!("{name} {value}"), advice(name)),
    }
}

fn advice(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    if name.contains("auth") {
        "AUTH comes later in Stafette; passwords are not copied"
    } else if ["cert", "cacert", "key", "tls", "crl", "cipher", "dhparam"]
        .iter()
        .any(|part| name.contains(part))
    {
        "TLS comes later in Stafette"
    } else if name.contains("milter") || name.contains("filter") {
        "Stafette has no milters yet"
    } else {
        "Stafette has no such setting; see stafette-control(5) for those that it has"
    }
}
