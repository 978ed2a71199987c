//! What is read of Postfix, from main.cf and its tables.

use std::fs::create_dir_all;

use stafette_addr::Mailbox;
use stafette_directory::{Directory, What};
use stafette_wire::envelope::Expanded;

use super::*;

/// As Debian's package writes it for an "Internet Site", with what people add.
const MAIN: &str = "# See /usr/share/postfix/main.cf.dist for a commented, more complete version
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6
smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem
smtpd_tls_security_level=may
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated
\tdefer_unauth_destination
myhostname = mail.example.org
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
myorigin = /etc/mailname
mydestination = $myhostname, example.org,
# in between
   localhost.$mydomain, localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128 192.168.7.0/24
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = all
inet_protocols = all
message_size_limit = 20480000
maximal_queue_lifetime = 3d
delay_warning_time = 4h
relay_domains = backup.example
transport_maps = hash:/etc/postfix/transport
virtual_alias_maps = hash:/etc/postfix/virtual, mysql:/etc/postfix/mysql.cf
virtual_alias_domains = virtual.example
smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/sender_access, reject_unknown_sender_domain
header_checks = regexp:/etc/postfix/header_checks
milter_default_action = accept
strange_parameter = 1
";

const MASTER: &str = "smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
pickup    unix  n       -       y       60      1       pickup
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}
";

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("main.cf", MAIN),
        ("master.cf", MASTER),
        ("/etc/mailname", "example.org\n"),
        (
            "/etc/aliases",
            "postmaster: root\nroot: joe\nsales: joe,\n\tann@far.example\n",
        ),
        (
            "/etc/postfix/transport",
            "hub.example smtp:[inner.example]:2525\n.hub.example lmtp:unix:private/lmtp\nbad.example error:5.1.2 gone\nex.example :\nuser@x.example smtp:y\nexample.org smtp:elsewhere\nodd.example maildrop:\n",
        ),
        (
            "/etc/postfix/virtual",
            "@virtual.example catchall@far.example\ninfo@virtual.example joe, ann@far.example\ninfo+x@virtual.example jane\nabuse joe\n",
        ),
        (
            "/etc/postfix/sender_access",
            "spam.example REJECT go away\nok@x.example OK\nw.example WARN x\n",
        ),
    ]
}

#[test]
fn debian_s_default_with_maps_becomes_our_settings() {
    let imported = read(System::Postfix, &files());
    assert_eq!(setting(&imported, "me"), "mail.example.org");
    assert_eq!(setting(&imported, "defaulthost"), "example.org");
    assert_eq!(
        setting(&imported, "locals"),
        "mail.example.org | example.org | localhost.example.org | localhost"
    );
    assert_eq!(
        setting(&imported, "rcpthosts"),
        "backup.example | .backup.example"
    );
    assert_eq!(
        setting(&imported, "relayclients"),
        "127.0.0.0/8 | [::ffff:127.0.0.0]/104 | [::1]/128 | 192.168.7.0/24"
    );
    assert_eq!(setting(&imported, "databytes"), "20480000");
    assert_eq!(setting(&imported, "queuelifetime"), "259200");
    assert_eq!(setting(&imported, "defaultdelivery"), "/var/mail/%u");
    assert_eq!(setting(&imported, "smtplisten"), "");
    assert_eq!(
        setting(&imported, "access"),
        "From:spam.example\t550 go away | From:ok@x.example\tOK"
    );
    for (place, text) in [
        ("main.cf:7", "TLS comes later"),
        ("main.cf:9", "AUTH comes later"),
        ("main.cf:", "mysql:"),
        ("main.cf:", "header_checks"),
        ("main.cf:", "milter"),
        ("main.cf:", "strange_parameter = 1"),
        ("main.cf:", "reject_unknown_sender_domain"),
        ("master.cf:2", "log in"),
        ("master.cf:6", "maildrop"),
        ("/etc/postfix/transport:5", "user@x.example"),
        ("/etc/postfix/transport:6", "mydestination"),
        ("/etc/postfix/transport:7", "maildrop"),
        ("/etc/postfix/sender_access:3", "WARN"),
    ] {
        assert!(
            is_noted(&imported, place, text),
            "{place} {text}: {:#?}",
            imported.untranslated
        );
    }
}

#[test]
fn mail_goes_where_postfix_would_send_it() {
    let imported = read(System::Postfix, &files());
    let place = tempfile::tempdir().expect("a folder");
    let instance = Instance {
        etc: place.path().join("etc"),
        spool: place.path().join("spool"),
        run: place.path().join("run"),
    };
    create_dir_all(instance.etc.join("users")).expect("etc");
    create_dir_all(instance.tables()).expect("tables");
    for (name, lines) in &imported.settings {
        let fate = write::write(&instance.etc, name, lines).expect("a setting");
        assert_eq!(fate, Fate::Written, "{name}");
    }
    let more = [
        ("systemusers", "0"),
        (
            "users/assign",
            "=joe:joe:1000:1000:/home/joe:::\n=jane:jane:1001:1001:/home/jane:::\n+joe+:joe:1000:1000:/home/joe:-::\n.",
        ),
    ];
    for (name, text) in more {
        write::write(&instance.etc, name, &[text.to_owned()]).expect("a setting");
    }
    drop(stafette_table::compile(&instance, true));
    assert_eq!(stafette_control::check(&instance.control()), []);
    assert_eq!(stafette_table::check(&instance), []);
    let directory = Directory::load(&instance, &instance.settings());
    let says = |address: &str| {
        let mailbox = Mailbox::parse(address.as_bytes()).expect("an address");
        match directory.resolve(&mailbox, Expanded::No).what {
            What::Account(account) => account.name,
            What::Expand { targets, .. } => {
                let targets = targets.iter().map(|target| target.mailbox.to_string());
                targets.collect::<Vec<_>>().join(" ")
            }
            What::Elsewhere { next_hop, .. } => next_hop.line,
            What::Refused { status, text, .. } => format!("{status} {text}"),
            other => format!("{other:?}"),
        }
    };
    for (address, where_to) in [
        ("joe@example.org", "joe"),
        (
            "sales@mail.example.org",
            "joe@mail.example.org ann@far.example",
        ),
        // The most specific line counts, whatever stands first in the map.
        (
            "info@virtual.example",
            "joe@mail.example.org ann@far.example",
        ),
        ("info+x@virtual.example", "jane@mail.example.org"),
        // The extension goes on with the address.
        (
            "info+y@virtual.example",
            "joe+y@mail.example.org ann+y@far.example",
        ),
        ("anybody@virtual.example", "catchall@far.example"),
        // A name alone stands for all domains of this host.
        ("abuse@example.org", "joe@mail.example.org"),
        ("abuse@localhost", "joe@mail.example.org"),
        ("x@hub.example", "inner.example:2525"),
        ("x@a.hub.example", "lmtp:/var/spool/postfix/private/lmtp"),
        ("x@bad.example", "5.1.2 gone"),
        ("x@ex.example", "ex.example"),
        ("x@other.example", "other.example"),
        ("nobody@example.org", "NoSuchUser"),
    ] {
        assert_eq!(says(address), where_to, "{address}");
    }
}

#[test]
fn a_null_client_with_sasl_keeps_its_password_to_itself() {
    let main = "myhostname = laptop.example.org\nmyorigin = $mydomain\nrelayhost = [smtp.example.org]:submission\nmydestination =\ninet_interfaces = loopback-only\n\
smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_security_options = noanonymous\nsmtp_tls_security_level = encrypt\nsmtp_sasl_password = secret\n";
    let imported = read(
        System::Postfix,
        &[
            ("main.cf", main),
            (
                "/etc/postfix/sasl_passwd",
                "[smtp.example.org]:submission user:secret\n",
            ),
        ],
    );
    assert_eq!(setting(&imported, "smtproutes"), ":smtp.example.org:587");
    assert_eq!(setting(&imported, "defaulthost"), "example.org");
    assert!(setting(&imported, "locals").starts_with('#'));
    assert!(setting(&imported, "masqueradedomains").starts_with('#'));
    assert_eq!(setting(&imported, "smtplisten"), "[::1]:25 | 127.0.0.1:25");
    assert!(is_noted(&imported, "main.cf:7", "AUTH comes later"));
    assert!(is_noted(&imported, "main.cf:9", "TLS comes later"));
    assert!(!format!("{imported:?}").contains("secret"));
}

#[test]
fn a_relay_without_brackets_is_looked_up_and_a_table_line_says_so() {
    let imported = read(
        System::Postfix,
        &[(
            "main.cf",
            "myhostname=a.example.org\nrelayhost = example.net:26\nmasquerade_domains = example.org\nmasquerade_exceptions = root\n",
        )],
    );
    assert_eq!(setting(&imported, "mailertable"), ".\tsmtp:example.net:26");
    assert_eq!(setting(&imported, "masquerade"), "example.org");
    assert_eq!(setting(&imported, "masqueradedomains"), ".example.org");
    assert_eq!(setting(&imported, "masqueradeexceptions"), "root");
}

#[test]
fn virtual_mailboxes_behind_lmtp_go_there() {
    let main = "myhostname = mx.example.org\nvirtual_mailbox_domains = a.example b.example\nvirtual_transport = lmtp:unix:private/dovecot-lmtp\n";
    let imported = read(System::Postfix, &[("main.cf", main)]);
    assert_eq!(
        setting(&imported, "mailertable"),
        "a.example\tlmtp:unix:/var/spool/postfix/private/dovecot-lmtp | b.example\tlmtp:unix:/var/spool/postfix/private/dovecot-lmtp"
    );
    assert_eq!(setting(&imported, "rcpthosts"), "a.example | b.example");
}

#[test]
fn a_host_without_myhostname_is_not_named_after_its_origin() {
    let files = [
        ("main.cf", "myorigin = example.net\n"),
        ("/etc/hostname", "box.example.org\n"),
    ];
    let imported = read(System::Postfix, &files);
    assert_eq!(
        setting(&imported, "locals"),
        "box.example.org | localhost.example.org | localhost"
    );
    assert_eq!(setting(&imported, "defaulthost"), "example.net");
    assert!(is_noted(&imported, "main.cf", "myhostname"));
}

#[test]
fn a_map_within_braces_is_named_as_one() {
    let main = "myhostname = a.example\ntransport_maps = inline:{ x.example=smtp:y, z=smtp:w } hash:/etc/postfix/none\n";
    let imported = read(System::Postfix, &[("main.cf", main)]);
    assert!(is_noted(
        &imported,
        "main.cf:2",
        "the map inline:{ x.example=smtp:y, z=smtp:w }"
    ));
    assert!(is_noted(
        &imported,
        "main.cf:2",
        "/etc/postfix/none is not there"
    ));
}

#[test]
fn values_that_name_one_another_are_bounded() {
    let main: String = (0..30)
        .map(|n| format!("v{n} = $v{0}$v{0}$v{0}\n", n + 1))
        .collect();
    let main = format!(
        "myhostname = $myhostname\n{main}mydestination = $v0 ${{mydomain?x.example}} ${{nothing:y.example}}\n"
    );
    let imported = read(System::Postfix, &[("main.cf", &main)]);
    assert!(setting(&imported, "locals").contains("y.example"));
}
