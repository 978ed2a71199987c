//! All settings, once. control.5, `stafette check` and the typed getters come from here.

use crate::setting::Default::{Empty, HostName, SameAs, Text};
use crate::setting::Kind::{
    Addresses, Bytes, Choice, Domains, Flag, Host, Line, Lines, LocalPart, Networks, Number,
    Routes, Seconds, Table,
};
use crate::setting::{Default, Kind, Setting};

const fn setting(
    name: &'static str,
    kind: Kind,
    default: Default,
    read_by: &'static [&'static str],
    help: &'static str,
) -> Setting {
    Setting {
        name,
        kind,
        default,
        read_by,
        help,
    }
}

/// How many of something.
const COUNT: Kind = Number {
    min: 1,
    max: 1_000_000,
};

/// How many at once.
const AT_ONCE: Kind = Number {
    min: 1,
    max: 100_000,
};

/// A time limit.
const LIMIT: Kind = Seconds {
    min: 1,
    max: 86_400,
};

/// An age; the greatest is ten years.
const AGE: Kind = Seconds {
    min: 0,
    max: 315_360_000,
};

/// All settings, by subject.
pub const SETTINGS: &[Setting] = &[
    // Names.
    setting(
        "me",
        Host,
        HostName,
        &["all"],
        "The full name of this host, and the default of most other names.",
    ),
    setting(
        "helohost",
        Host,
        SameAs("me"),
        &["remote"],
        "What this host calls itself in EHLO.",
    ),
    setting(
        "smtpgreeting",
        Line,
        SameAs("me"),
        &["smtpd"],
        "The text of the greeting; it begins with the host's name.",
    ),
    setting(
        "locals",
        Domains,
        SameAs("me"),
        &["users"],
        "Domains whose mail is delivered here. An empty file means none.",
    ),
    setting(
        "local-host-names",
        Domains,
        Empty,
        &["users"],
        "Further domains whose mail is delivered here, under sendmail's name for this file.",
    ),
    setting(
        "rcpthosts",
        Domains,
        Empty,
        &["users"],
        "Domains for which mail is taken from anybody and passed on, besides the local ones. Unlike in qmail, no file means none.",
    ),
    setting(
        "relay-domains",
        Domains,
        Empty,
        &["users"],
        "Further domains for which mail is passed on, under sendmail's name for this file.",
    ),
    setting(
        "virtualdomains",
        Lines,
        Empty,
        &["users", "local"],
        "Domains, or single addresses, whose mail belongs to one user, as DOMAIN:PREPEND or USER@DOMAIN:PREPEND: mail for JOE@DOMAIN goes to PREPEND-JOE. .DOMAIN means what is below it, nothing before the colon all the rest, and an empty PREPEND an exception.",
    ),
    setting(
        "bestmxislocal",
        Flag,
        Text("0"),
        &["users"],
        "If 1, mail for a domain whose best exchanger is this host is delivered here, even if no list has the domain.",
    ),
    setting(
        "defaultdomain",
        Host,
        SameAs("me"),
        &["inject"],
        "Added to host names without a dot in addresses that a local user writes.",
    ),
    setting(
        "defaulthost",
        Host,
        SameAs("me"),
        &["inject"],
        "Added to addresses without a host that a local user writes.",
    ),
    // Mail coming in.
    setting(
        "smtplisten",
        Addresses { port: 25 },
        Text("[::]:25\n0.0.0.0:25"),
        &["smtpd"],
        "Addresses to listen on, as ADDRESS:PORT. What this machine does not have is left out.",
    ),
    setting(
        "relayclients",
        Networks,
        Empty,
        &["smtpd"],
        "Clients that may send to any domain, as ADDRESS or ADDRESS/BITS.",
    ),
    setting(
        "databytes",
        Bytes,
        Text("52428800"),
        &["smtpd", "queue"],
        "The largest message taken. 0 means any size.",
    ),
    setting(
        "maxrecipients",
        COUNT,
        Text("1000"),
        &["smtpd", "queue"],
        "The most recipients of one message.",
    ),
    setting(
        "maxbadcommands",
        COUNT,
        Text("20"),
        &["smtpd"],
        "After so many wrong commands a session is ended.",
    ),
    setting(
        "maxcommands",
        COUNT,
        Text("10000"),
        &["smtpd"],
        "After so many commands a session is ended.",
    ),
    setting(
        "maxhops",
        Number { min: 1, max: 1000 },
        Text("100"),
        &["smtpd", "queue"],
        "A message that has passed so many hosts is in a loop and is refused.",
    ),
    setting(
        "timeoutcommand",
        LIMIT,
        Text("300"),
        &["smtpd"],
        "How long a client may take for a command.",
    ),
    setting(
        "timeoutdata",
        LIMIT,
        Text("180"),
        &["smtpd"],
        "How long a client may be silent within a message, and take for any 1,024 octets of it.",
    ),
    setting(
        "concurrencyincoming",
        AT_ONCE,
        Text("500"),
        &["smtpd"],
        "The most sessions at once.",
    ),
    setting(
        "concurrencyperclient",
        AT_ONCE,
        Text("50"),
        &["smtpd"],
        "The most sessions at once from one address.",
    ),
    setting(
        "minfree",
        Bytes,
        Text("67108864"),
        &["queue"],
        "With less free room in the queue's file system no mail is taken.",
    ),
    setting(
        "injectconnections",
        AT_ONCE,
        Text("50"),
        &["queue"],
        "The most messages that local users hand in at once.",
    ),
    setting(
        "injectperuser",
        AT_ONCE,
        Text("20"),
        &["queue"],
        "The most messages that one local user hands in at once.",
    ),
    setting(
        "injectbytes",
        Bytes,
        SameAs("databytes"),
        &["queue"],
        "The largest message taken from a local user. 0 means any size.",
    ),
    setting(
        "injecttimeout",
        LIMIT,
        Text("300"),
        &["queue"],
        "How long a local user may be silent within a message.",
    ),
    // Accounts.
    setting(
        "users/assign",
        Table,
        Empty,
        &["users", "local"],
        "Accounts, one a line; see below.",
    ),
    setting(
        "systemusers",
        Flag,
        Text("1"),
        &["users", "local"],
        "Whether the accounts of the system get mail, besides those of users/assign.",
    ),
    setting(
        "minuid",
        Number {
            min: 1,
            max: 4_294_967_294,
        },
        Text("1000"),
        &["users", "local"],
        "Accounts of the system with a smaller user id get no mail of their own.",
    ),
    setting(
        "defaultdelivery",
        Kind::Text,
        Text("./Maildir/"),
        &["local"],
        "Where mail goes that a user has not said otherwise about: a path beginning with / or ./, a Maildir if it ends in /, else an mbox.",
    ),
    // Tables.
    setting(
        "aliases",
        Table,
        Empty,
        &["tables", "users", "local"],
        "Names that stand for others, programs or files; without this file an installed instance reads /etc/aliases. See aliases(5).",
    ),
    setting(
        "virtusertable",
        Table,
        Empty,
        &["tables", "users"],
        "Addresses of any domain that stand for others; the first line that fits counts.",
    ),
    setting(
        "access",
        Table,
        Empty,
        &["tables", "users", "smtpd"],
        "Who may send and who may be sent to: OK, REJECT, RELAY, DISCARD or a reply, by Connect:, From: and To:.",
    ),
    setting(
        "mailertable",
        Table,
        Empty,
        &["tables", "users", "local"],
        "Where the mail of a domain goes: smtp:, lmtp:, uucp:, local:, error: or a program.",
    ),
    setting(
        "genericstable",
        Table,
        Empty,
        &["tables", "remote"],
        "Addresses of senders as other hosts are to see them.",
    ),
    setting(
        "aliasuser",
        Line,
        Text("stafp"),
        &["users", "local"],
        "The user as whom programs and files of aliases and of the mailertable run, never root. In an instance that is not run by root it is the owner.",
    ),
    setting(
        "timeoutprogram",
        LIMIT,
        Text("900"),
        &["local"],
        "How long a program of .forward, .qmail or an alias may take.",
    ),
    setting(
        "srs",
        Flag,
        Text("1"),
        &["users"],
        "Whether a forward to another host goes out under an address of this host (SRS), so that its SPF check does not refuse it; the way back is understood in any case.",
    ),
    setting(
        "srsdomain",
        Host,
        SameAs("me"),
        &["users"],
        "The domain of those addresses.",
    ),
    // The visible name.
    setting(
        "masquerade",
        Host,
        SameAs("me"),
        &["remote"],
        "The domain that other hosts see in addresses of senders in place of those of this host. Without this file a host with a smarthost for everything uses /etc/mailname.",
    ),
    setting(
        "masqueradedomains",
        Domains,
        SameAs("locals"),
        &["remote"],
        "The domains that are replaced.",
    ),
    setting(
        "masqueradeexceptions",
        Lines,
        Empty,
        &["remote"],
        "Local-parts and addresses that stay as they are, such as root.",
    ),
    setting(
        "allmasquerade",
        Flag,
        Text("0"),
        &["remote"],
        "If 1, addresses of recipients in the header section are replaced as well.",
    ),
    setting(
        "masqueradeenvelope",
        Flag,
        Empty,
        &["remote"],
        "If 1, the reverse-path is replaced as well. Without this file it is on a host with a smarthost for everything.",
    ),
    // Mail going out.
    setting(
        "concurrencylocal",
        AT_ONCE,
        Text("20"),
        &["send", "local"],
        "The most local deliveries at once.",
    ),
    setting(
        "concurrencyremote",
        AT_ONCE,
        Text("40"),
        &["send", "remote"],
        "The most connections to other hosts at once.",
    ),
    setting(
        "destinationconcurrency",
        AT_ONCE,
        Text("20"),
        &["send"],
        "The most connections to one destination at once.",
    ),
    setting(
        "recipientlimit",
        COUNT,
        Text("100"),
        &["send"],
        "The most recipients in one SMTP transaction.",
    ),
    setting(
        "smtproutes",
        Routes,
        Empty,
        &["send", "remote"],
        "Relays for domains, as DOMAIN:RELAY or DOMAIN:RELAY:PORT. DOMAIN is a name, .suffix, or empty for all the rest; an IPv6 RELAY stands in brackets; \
         an empty RELAY means the exchangers of the DNS.",
    ),
    setting(
        "paused",
        Domains,
        Empty,
        &["send"],
        "Domains whose mail waits until they are taken out of this list.",
    ),
    setting(
        "deferred",
        Choice(&["no", "remote", "all"]),
        Text("no"),
        &["send"],
        "What waits until somebody says sendmail -q: nothing, mail for other hosts, or all.",
    ),
    setting(
        "timeoutconnect",
        LIMIT,
        Text("60"),
        &["remote"],
        "How long to wait for a connection to one address.",
    ),
    setting(
        "timeoutremote",
        LIMIT,
        Text("300"),
        &["remote"],
        "How long to wait for a reply, where RFC 5321 section 4.5.3.2 does not ask for more. A value below 300 limits every stage.",
    ),
    setting(
        "queuelifetime",
        AGE,
        Text("432000"),
        &["send"],
        "After so long a recipient that was not reached has failed.",
    ),
    setting(
        "bouncelifetime",
        AGE,
        Text("86400"),
        &["send"],
        "After so long a report that did not reach its recipient has failed.",
    ),
    setting(
        "delaywarning",
        AGE,
        Text("14400"),
        &["send"],
        "After so long the sender is told that the message still waits. 0 means never.",
    ),
    setting(
        "softbounce",
        Flag,
        Text("0"),
        &["send"],
        "If 1, permanent failures count as temporary ones: a safety switch while settings change.",
    ),
    // Reports.
    setting(
        "bouncefrom",
        LocalPart,
        Text("MAILER-DAEMON"),
        &["send"],
        "The local-part from which reports come.",
    ),
    setting(
        "bouncehost",
        Host,
        SameAs("me"),
        &["send"],
        "The host from which reports come.",
    ),
    setting(
        "doublebounceto",
        LocalPart,
        Text("postmaster"),
        &["send"],
        "The local-part that gets reports which could not be delivered.",
    ),
    setting(
        "doublebouncehost",
        Host,
        SameAs("me"),
        &["send"],
        "The host of that local-part.",
    ),
    // The machine.
    setting(
        "nameservers",
        Addresses { port: 53 },
        Empty,
        &["resolve"],
        "Name servers to ask, as ADDRESS or ADDRESS:PORT; without any, those of /etc/resolv.conf.",
    ),
    setting(
        "logto",
        Choice(&["stderr", "syslog"]),
        Text("stderr"),
        &["all"],
        "Where log lines go.",
    ),
    setting(
        "logformat",
        Choice(&["stafette", "qmail"]),
        Text("stafette"),
        &["send"],
        "The lines that send logs: those of log(5), or those of qmail-send for the tools that read them.",
    ),
    setting(
        "privacy",
        Lines,
        Text("noexpn\nnovrfy"),
        &["smtpd", "inject", "send"],
        "What is kept from whom, words as sendmail has them: authwarnings, noexpn, novrfy, restrictmailq, restrictqrun, goaway.",
    ),
    setting(
        "operators",
        Line,
        Text(""),
        &["send"],
        "A group whose members may list and flush the queue where privacy restricts it.",
    ),
    setting(
        "trustedusers",
        Lines,
        Empty,
        &["inject"],
        "Users who may name another sender without a warning under authwarnings, besides root.",
    ),
];
