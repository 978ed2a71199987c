//! What is read of sendmail, qmail, Exim, nullmailer and msmtp, from settings as their packages and handbooks have them.

use super::*;

#[test]
fn a_sendmail_mc_of_debian_with_a_smart_host() {
    let mc = "divert(-1)dnl\ndnl # a comment `with' (quotes\ndivert(0)dnl\nVERSIONID(`$Id: sendmail.mc $')\nOSTYPE(`debian')dnl\n\
DOMAIN(`debian-mta')dnl\nundefine(`confHOST_STATUS_DIRECTORY')dnl\nFEATURE(`no_default_msa')dnl\n\
DAEMON_OPTIONS(`Family=inet,  Name=MTA-v4, Port=smtp, Addr=127.0.0.1')dnl\n\
DAEMON_OPTIONS(`Family=inet,  Name=MSP-v4, Port=submission, M=Ea, Addr=127.0.0.1')dnl\n\
define(`confPRIVACY_FLAGS',dnl\n`needmailhelo,needexpnhelo,restrictqrun,authwarnings')dnl\n\
define(`confMAX_MESSAGE_SIZE', `10000000')dnl\ndefine(`confTO_QUEUERETURN', `3d')dnl\n\
define(`SMART_HOST', `[mail.example.org]')dnl\nMASQUERADE_AS(`example.org')dnl\nFEATURE(`masquerade_envelope')dnl\nEXPOSED_USER(`root daemon')\n\
FEATURE(`access_db', , `skip')dnl\nINPUT_MAIL_FILTER(`clamav', `S=local:/x')dnl\ndefine(`confAUTH_MECHANISMS', `PLAIN')dnl\n\
MAILER_DEFINITIONS\nMAILER(`local')dnl\nSstrange\n";
    let imported = read(
        System::Sendmail,
        &[
            ("sendmail.mc", mc),
            (
                "access",
                "Connect:192.0.2\tREJECT\nTo:spam@example.org\t550 no\nbad bad bad\n",
            ),
            ("virtusertable", "@v.example\tall\njoe@v.example\tjoe\n"),
            ("local-host-names", "mail.example.org\n"),
            ("relay-domains", "customer.example\n192.168.1\n"),
            ("authinfo", "AuthInfo:x \"U:u\" \"P:secret\"\n"),
        ],
    );
    assert_eq!(setting(&imported, "smtplisten"), "127.0.0.1:25");
    assert_eq!(setting(&imported, "databytes"), "10000000");
    assert_eq!(setting(&imported, "queuelifetime"), "259200");
    assert_eq!(setting(&imported, "smtproutes"), ":mail.example.org");
    assert_eq!(setting(&imported, "masquerade"), "example.org");
    assert_eq!(setting(&imported, "masqueradeexceptions"), "root | daemon");
    assert_eq!(setting(&imported, "privacy"), "restrictqrun | authwarnings");
    assert_eq!(
        setting(&imported, "virtusertable"),
        "joe@v.example\tjoe | @v.example\tall"
    );
    assert_eq!(
        setting(&imported, "relay-domains"),
        "customer.example | .customer.example"
    );
    assert!(setting(&imported, "relayclients").starts_with("192.168.1.0/24"));
    assert!(is_noted(&imported, "sendmail.mc:", "clamav"));
    assert!(is_noted(&imported, "sendmail.mc:", "AUTH"));
    assert!(
        is_noted(&imported, "sendmail.mc:24", "Sstrange"),
        "{imported:#?}"
    );
    assert!(is_noted(&imported, "access:3", "bad"));
    assert!(!format!("{imported:?}").contains("secret"));
}

#[test]
fn a_sendmail_cf_has_macros_classes_and_options() {
    let cf = "V10/Berkeley\nCwlocalhost mail.example.org\nDSesmtp:relay.example.org\nDMexample.org\nDjmail.example.org\n\
O MaxMessageSize=500\nO Timeout.queuewarn=4h\nO AliasFile=/etc/mail/aliases\nO Strange=1\nR$*\t\t$: $1\n\t\tmore\n";
    let imported = read(
        System::Sendmail,
        &[("sendmail.cf", cf), ("/etc/mail/aliases", "root: joe\n")],
    );
    assert_eq!(setting(&imported, "me"), "mail.example.org");
    assert_eq!(setting(&imported, "locals"), "localhost | mail.example.org");
    assert_eq!(
        setting(&imported, "mailertable"),
        ".\tesmtp:relay.example.org"
    );
    assert_eq!(setting(&imported, "delaywarning"), "14400");
    assert_eq!(setting(&imported, "aliases"), "root: joe");
    assert!(is_noted(&imported, "sendmail.cf:9", "Strange"));
    assert!(is_noted(&imported, "sendmail.cf", "2 lines of rules"));
}

#[test]
fn a_qmail_with_virtual_domains_and_aliases() {
    let imported = read(
        System::Qmail,
        &[
            ("control/me", "mx.example.org\n"),
            ("control/locals", "example.org\nmx.example.org\n"),
            ("control/rcpthosts", "example.org\nv.example\n"),
            ("control/virtualdomains", "v.example:virt\n"),
            ("control/smtproutes", ":relay.example.org:587 user secret\n"),
            ("control/badmailfrom", "@spam.example\nbad@x.example\n"),
            ("control/servercert.pem", "KEY\n"),
            (
                "users/assign",
                "=joe:joe:1000:1000:/home/joe:::\nbad\n+x-:x:1001:1001:/home/x:-::\n.\n",
            ),
            ("alias/.qmail-postmaster", "&joe\n"),
            (
                "alias/.qmail-a:b",
                "# x\njoe\n|exec prog \"x\"\n/var/list/\n./Maildir/\n",
            ),
            ("alias/.qmail-default", "|fastforward\n"),
            (
                "rc",
                "#!/bin/sh\nexec env - PATH=\"/var/qmail/bin:$PATH\" \\\nqmail-start ./Maildir/ splogger qmail\n",
            ),
            (
                "tcp.smtp",
                "127.:allow,RELAYCLIENT=\"\"\n192.0.2.7:deny\n10.0.0.1-5:allow,RELAYCLIENT=\"\"\n:allow\n",
            ),
        ],
    );
    assert_eq!(setting(&imported, "smtproutes"), ":relay.example.org:587");
    assert_eq!(setting(&imported, "defaultdelivery"), "./Maildir/");
    assert_eq!(setting(&imported, "relayclients"), "127.0.0.0/8");
    assert_eq!(
        setting(&imported, "access"),
        "From:spam.example\tREJECT | From:bad@x.example\tREJECT | Connect:192.0.2.7\tREJECT"
    );
    assert_eq!(
        setting(&imported, "users/assign"),
        "=joe:joe:1000:1000:/home/joe::: | +x-:x:1001:1001:/home/x:-:: | ."
    );
    assert_eq!(
        setting(&imported, "aliases"),
        "a.b: joe, \"|exec prog \\\"x\\\"\", \"/var/list/\" | postmaster: joe"
    );
    for place in [
        "users/assign:2",
        "alias/.qmail-default",
        "control/servercert.pem",
        "tcp.smtp:3",
        "control/smtproutes:1",
    ] {
        assert!(is_noted(&imported, place, ""), "{place}");
    }
    assert!(!format!("{imported:?}").contains("secret"));
    let open = read(System::Qmail, &[("control/me", "mx.example.org\n")]);
    assert!(is_noted(&open, "control/rcpthosts", "open relay"));
}

#[test]
fn debian_s_answers_for_exim() {
    let text = "# /etc/exim4/update-exim4.conf.conf\ndc_eximconfig_configtype='smarthost'\ndc_other_hostnames='debian.example.org;b.example'\n\
dc_local_interfaces='127.0.0.1 ; ::1'\ndc_readhost='example.org'\ndc_relay_domains='*.c.example'\ndc_minimaldns='false'\ndc_relay_nets='192.168.0.0/24'\n\
dc_smarthost='smtp.example.org::587'\nCFILEMODE='644'\ndc_use_split_config='false'\ndc_hide_mailname='true'\ndc_mailname_in_oh='true'\n\
dc_localdelivery='maildir_home'\ndc_strange='1'\n";
    let imported = read(
        System::Exim,
        &[
            ("update-exim4.conf.conf", text),
            ("/etc/mailname", "debian.example.org\n"),
            ("/etc/aliases", "root: joe\n"),
            ("hubbed_hosts", "hub.example: inner.example\n"),
            ("passwd.client", "*:user:secret\n"),
        ],
    );
    assert_eq!(
        setting(&imported, "locals"),
        "localhost | debian.example.org | b.example"
    );
    assert_eq!(setting(&imported, "smtproutes"), ":smtp.example.org:587");
    assert_eq!(setting(&imported, "smtplisten"), "127.0.0.1 | ::1");
    assert_eq!(setting(&imported, "rcpthosts"), ".c.example");
    assert_eq!(
        setting(&imported, "relayclients"),
        "192.168.0.0/24 | 127.0.0.1 | ::1"
    );
    assert_eq!(setting(&imported, "masquerade"), "example.org");
    assert_eq!(setting(&imported, "defaultdelivery"), "./Maildir/");
    assert_eq!(
        setting(&imported, "mailertable"),
        "hub.example\tsmtp:[inner.example]"
    );
    assert!(is_noted(
        &imported,
        "update-exim4.conf.conf:15",
        "dc_strange"
    ));
    assert!(is_noted(&imported, "passwd.client", "AUTH"));
    assert!(!format!("{imported:?}").contains("secret"));
}

#[test]
fn a_whole_configuration_of_exim_gives_its_literals() {
    let text = "primary_hostname = mx.example.org\ndomainlist local_domains = @ : localhost\nhostlist relay_from_hosts = <; 127.0.0.1 ; ::1\n\
hide mysql_servers = localhost/db/user/secret\nDBPASS = secret\nmessage_size_limit = 20M\nbegin routers\nx:\n  driver = redirect\n";
    let imported = read(System::Exim, &[("configure", text)]);
    assert_eq!(setting(&imported, "locals"), "mx.example.org | localhost");
    assert_eq!(setting(&imported, "relayclients"), "127.0.0.1 | ::1");
    assert_eq!(setting(&imported, "databytes"), "20971520");
    assert!(is_noted(&imported, "configure:7", "routers"));
    assert!(!format!("{imported:?}").contains("secret"));
}

#[test]
fn a_nullmailer_with_a_password() {
    let imported = read(
        System::Nullmailer,
        &[
            ("me", "box.example.org\n"),
            ("adminaddr", "admin@example.org\n"),
            (
                "remotes",
                "# x\nsmtp.example.org smtp --port=587 --starttls --user=u --pass=secret\nsecond.example.org\n",
            ),
            ("pausetime", "60\n"),
            ("strange", "1\n"),
        ],
    );
    assert_eq!(setting(&imported, "smtproutes"), ":smtp.example.org:587");
    assert_eq!(
        setting(&imported, "virtusertable"),
        "@box.example.org\tadmin@example.org | @localhost\tadmin@example.org"
    );
    for text in ["AUTH comes later", "TLS comes later", "second.example.org"] {
        assert!(is_noted(&imported, "remotes:", text), "{text}");
    }
    assert!(is_noted(&imported, "strange", "unknown") && is_noted(&imported, "pausetime", "60"));
    assert!(!format!("{imported:?}").contains("secret"));
}

#[test]
fn an_msmtprc_takes_over_from_the_accounts_it_names() {
    let text = "defaults\nport 587\ntls on\n\naccount work\nhost smtp.example.org\nfrom joe@example.org\nauth on\nuser joe\npassword secret\n\n\
account other\nhost other.example\n\naccount default : work\naliases /etc/aliases\nstrange 1\n";
    let imported = read(
        System::Msmtp,
        &[
            ("msmtprc", text),
            (
                "/etc/aliases",
                "root: joe@example.org\ndefault: joe@example.org\n",
            ),
        ],
    );
    assert_eq!(setting(&imported, "smtproutes"), ":smtp.example.org:587");
    assert_eq!(setting(&imported, "defaulthost"), "example.org");
    assert_eq!(setting(&imported, "aliases"), "root: joe@example.org");
    for text in [
        "the account other",
        "AUTH comes later",
        "TLS comes later",
        "strange",
    ] {
        assert!(is_noted(&imported, "msmtprc", text), "{text}");
    }
    assert!(is_noted(&imported, "/etc/aliases:2", "virtusertable"));
    assert!(!format!("{imported:?}").contains("secret"));
}
