use super::*;
use crate::SETTINGS;
use crate::fixture::Folder;

#[test]
fn an_empty_directory_is_a_working_setup() {
    let settings = Folder::new().hold();
    assert_eq!(settings.databytes(), 52_428_800);
    assert_eq!(settings.queuelifetime(), Duration::from_secs(432_000));
    assert_eq!(settings.delaywarning(), Some(Duration::from_secs(14_400)));
    assert_eq!(settings.smtplisten().len(), 2);
    assert!(settings.locals().contains(&settings.me()));
    assert!(
        settings.rcpthosts().is_empty()
            && settings.relayclients().is_empty()
            && settings.nameservers().is_empty()
    );
    assert!(settings.systemusers() && !settings.softbounce());
    assert_eq!(settings.bouncefrom().as_str(), "MAILER-DAEMON");
    assert_eq!(settings.doublebounce_mailbox().domain(), &settings.me());
    assert_eq!(settings.defaultdelivery(), "./Maildir/");
    assert_eq!(settings.take_problems(), []);
}

#[test]
fn names_follow_me() {
    let settings = Folder::new()
        .with("me", "Mail.Example.org\n")
        .with("bouncehost", "example.org")
        .hold();
    assert_eq!(settings.helohost().as_str(), "mail.example.org");
    assert_eq!(settings.smtpgreeting(), "mail.example.org");
    assert_eq!(
        settings.bounce_mailbox().as_str(),
        "MAILER-DAEMON@example.org"
    );
}

#[test]
fn of_a_wrong_value_the_default_counts_and_somebody_hears_of_it() {
    let settings = Folder::new()
        .with("databytes", "lots")
        .with("maxhops", "0")
        .with("softbounce", "perhaps")
        .hold();
    assert_eq!(
        (
            settings.databytes(),
            settings.maxhops(),
            settings.softbounce()
        ),
        (52_428_800, 100, false)
    );
    assert_eq!(settings.databytes(), 52_428_800);
    let problems = settings.take_problems();
    assert_eq!(
        problems
            .iter()
            .map(|problem| problem.file.as_str())
            .collect::<Vec<_>>(),
        ["databytes", "maxhops", "softbounce"]
    );
    assert_eq!(
        problems[0].to_string(),
        "databytes:1: not a number; write a number, at least 0"
    );
    assert_eq!(settings.take_problems(), []);
}

#[test]
fn a_bad_line_of_a_list_does_not_spoil_the_good_ones() {
    let settings = Folder::new()
        .with("relayclients", "10.0.0.0/8\nx\n::1\n")
        .with("smtplisten", "nowhere\n127.0.0.1:2525")
        .hold();
    assert!(settings.relayclients().contains([10, 1, 2, 3].into()));
    assert_eq!(
        settings.smtplisten(),
        [SocketAddr::from(([127, 0, 0, 1], 2525))]
    );
    assert_eq!(
        settings
            .take_problems()
            .iter()
            .map(|problem| problem.line)
            .collect::<Vec<_>>(),
        [2, 1]
    );
}

#[test]
fn sendmails_names_add_to_qmails() {
    let settings = Folder::new()
        .with("locals", "a.example")
        .with("local-host-names", "b.example")
        .with("relay-domains", ".c.example")
        .hold();
    let domain = |name: &str| Domain::parse(name.as_bytes()).expect("a domain");
    assert!(
        settings.locals().contains(&domain("a.example"))
            && settings.locals().contains(&domain("b.example"))
    );
    assert!(settings.rcpthosts().contains(&domain("x.c.example")));
    assert!(!settings.locals().contains(&settings.me()));
}

#[test]
fn an_empty_locals_means_that_nothing_is_local() {
    assert!(
        Folder::new()
            .with("locals", "# none\n")
            .hold()
            .locals()
            .is_empty()
    );
}

#[test]
fn nought_bytes_means_any_size() {
    let settings = Folder::new().with("databytes", "0").hold();
    assert_eq!(
        (settings.databytes(), settings.injectbytes()),
        (u64::MAX, u64::MAX)
    );
    let settings = Folder::new().with("databytes", "1000").hold();
    assert_eq!(settings.injectbytes(), 1000);
}

#[test]
fn the_first_of_two_values_counts() {
    let settings = Folder::new().with("me", "a.example\nb.example").hold();
    assert_eq!(settings.me().as_str(), "a.example");
    assert_eq!(settings.take_problems()[0].line, 2);
}

#[test]
fn what_is_there_and_cannot_be_read_is_told_apart() {
    let settings = Folder::new().with("rcpthosts/x", "").hold();
    assert!(settings.rcpthosts().is_empty());
    assert!(
        settings
            .unreadable()
            .is_some_and(|problem| problem.file == "rcpthosts")
    );
}

#[test]
fn the_log_goes_where_it_is_told() {
    assert_eq!(Folder::new().hold().logto(), stafette_log::Sink::Stderr);
    assert_eq!(
        Folder::new().with("logto", "syslog").hold().logto(),
        stafette_log::Sink::Syslog
    );
}

#[test]
fn each_setting_of_the_list_has_its_getter() {
    let source = concat!(
        include_str!("../settings.rs"),
        include_str!("../account.rs")
    );
    let are_tables = |setting: &crate::Setting| setting.kind == crate::Kind::Table;
    for setting in SETTINGS.iter().filter(|setting| !are_tables(setting)) {
        let is_read = source.contains(&format!("\"{}\"", setting.name))
            || source.contains(&format!("        {} \"", setting.name));
        assert!(is_read, "{}", setting.name);
    }
}
