use std::fs::{File, create_dir_all};
use std::io::Write as _;

use proptest::prelude::*;

use super::*;

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let usual = [
            ("me", "me.example\n"),
            ("locals", "me.example\nother.example\n"),
            ("systemusers", "0\n"),
            (
                "users/assign",
                "=joe:joe:1000:1000:/home/joe:::\n=jane:jane:1001:1001:/home/jane:::\n+joe+:joe:1000:1000:/home/joe:-::\n+virt-:virt:1002:1002:/home/virt:-::\n.\n",
            ),
        ];
        for (name, text) in usual.iter().chain(files) {
            let path = place.instance().etc.join(name);
            create_dir_all(path.parent().unwrap()).unwrap();
            let mut file = File::create(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
        create_dir_all(place.instance().tables()).unwrap();
        drop(stafette_table::compile(&place.instance(), true));
        place
    }

    fn instance(&self) -> Instance {
        Instance {
            etc: self.0.path().join("etc"),
            spool: self.0.path().join("spool"),
            run: self.0.path().join("run"),
        }
    }

    fn directory(&self) -> Directory {
        Directory::load(&self.instance(), &self.instance().settings())
    }
}

fn resolve(directory: &Directory, address: &str, expanded: Expanded) -> Resolution {
    directory.resolve(&Mailbox::parse(address.as_bytes()).unwrap(), expanded)
}

/// In short: what becomes of it.
fn say(directory: &Directory, address: &str) -> String {
    shown(&resolve(directory, address, Expanded::No))
}

fn shown(resolution: &Resolution) -> String {
    match &resolution.what {
        What::Account(account) => format!("{} [{}]", account.name, account.ext),
        What::Lines { alias, lines, .. } => {
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            format!("{alias}: {}", lines.join(", "))
        }
        What::Mailer { program, .. } => format!("{program:?}"),
        What::Expand { targets, owner } => {
            let mut words: Vec<String> = targets
                .iter()
                .map(|target| match target.expanded {
                    Expanded::Lines => format!("{}(lines)", target.mailbox),
                    _ => target.mailbox.to_string(),
                })
                .collect();
            words.extend(owner.iter().map(|owner| format!("from {owner}")));
            format!("-> {}", words.join(" "))
        }
        What::Elsewhere { next_hop, .. } => next_hop.line.clone(),
        What::NoSuchUser => "nobody".into(),
        What::Refused { code, status, text } => format!("{code} {status} {text}"),
        What::Later(reason) => format!("later: {reason}"),
    }
}

#[test]
fn aliases_are_followed_to_their_end_and_each_address_comes_once() {
    let place = Place::new(&[(
        "aliases",
        "sales: joe, team, ann@far.example\nteam: jane, JOE, joe@other.example, Ann@far.example, ann@FAR.example\n\
         joe+x: jane\njane: \\jane, copy@far.example\nmixed: joe, |cat, \"/var/x/\"\nonly: |cat\nnothing: /dev/null\n\
         self: self\njim: nobody-here\nlist: joe, jane@far.example\nowner-list: joe\nshort: list\n",
    )]);
    let directory = place.directory();
    for (address, said) in [
        (
            "sales@me.example",
            "-> joe@me.example jane@me.example copy@far.example Ann@far.example ann@far.example",
        ),
        ("joe+x@me.example", "-> jane@me.example copy@far.example"),
        ("joe+y@me.example", "joe [y]"),
        ("JANE@me.example", "-> jane@me.example copy@far.example"),
        (
            "mixed@other.example",
            "-> joe@me.example mixed@me.example(lines)",
        ),
        ("only@me.example", "only: |cat"),
        ("nothing@me.example", "-> "),
        ("self@me.example", "nobody"),
        ("jim@me.example", "nobody"),
        (
            "list@me.example",
            "-> joe@me.example jane@far.example from owner-list@me.example",
        ),
        (
            "short@me.example",
            "-> joe@me.example jane@far.example from owner-list@me.example",
        ),
        ("who@me.example", "nobody"),
    ] {
        let said = said.replace(
            "Ann@far.example ann@far.example",
            "ann@far.example Ann@far.example",
        );
        let mut got: Vec<String> = say(&directory, address)
            .split(' ')
            .map(str::to_owned)
            .collect();
        let mut wanted: Vec<String> = said.split(' ').map(str::to_owned).collect();
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted, "{address}");
    }
    let lines = resolve(&directory, "mixed@me.example", Expanded::Lines);
    assert_eq!(shown(&lines), "mixed: |cat, /var/x/");
    let own = resolve(&directory, "jane@me.example", Expanded::Mailbox);
    assert_eq!(shown(&own), "jane []");
}

#[test]
fn a_loop_is_named_and_refused_only_if_nothing_else_is_left() {
    let place = Place::new(&[("aliases", "a: b\nb: a\nc: d\nd: c, joe\n")]);
    let directory = place.directory();
    assert_eq!(
        say(&directory, "a@me.example"),
        "550 5.4.6 alias loop: a -> b -> a"
    );
    let partial = resolve(&directory, "c@me.example", Expanded::No);
    assert_eq!(shown(&partial), "-> joe@me.example");
    assert!(partial.decided.iter().any(Decision::is_loop));
    let problems = crate::check(&place.instance());
    assert!(
        problems
            .iter()
            .any(|problem| problem.message.contains("alias loop"))
    );
}

#[test]
fn virtual_addresses_come_first_and_of_all_lines_that_fit_the_first_counts() {
    let place = Place::new(&[
        (
            "virtusertable",
            "info@v.example joe\njobs@v.example error:nouser gone\n@v.example %1@far.example\nx@me.example jane@me.example\n@late.example joe\nno@late.example jane\n",
        ),
        ("aliases", "joe: joe, pager@far.example\n"),
        (
            "virtualdomains",
            "q.example:virt\nme@q.example:virt-own\nnot.q.example:\n",
        ),
    ]);
    let directory = place.directory();
    for (address, said) in [
        ("info@v.example", "-> joe@me.example pager@far.example"),
        ("jobs@v.example", "550 5.1.1 gone"),
        ("any@v.example", "-> any@far.example"),
        ("x@me.example", "-> jane@me.example"),
        ("jo@q.example", "virt [jo]"),
        ("me@q.example", "virt [own-me]"),
        ("jo@not.q.example", "not.q.example"),
    ] {
        assert_eq!(say(&directory, address), said, "{address}");
    }
    let found = resolve(&directory, "info@v.example", Expanded::No);
    let lines: Vec<(&str, usize)> = found
        .decided
        .iter()
        .map(|decision| (decision.file.as_str(), decision.line))
        .collect();
    assert_eq!(lines, [("virtusertable", 1), ("aliases", 1)]);
    let problems = crate::check(&place.instance());
    assert!(
        problems
            .iter()
            .any(|problem| problem.message.contains("no@late.example is never reached"))
    );
}

#[test]
fn mail_that_somebody_must_get_always_has_a_place() {
    let bare = Place::new(&[]);
    for name in ["postmaster", "MAILER-DAEMON", "root"] {
        let said = say(&bare.directory(), &format!("{name}@me.example"));
        assert!(said.ends_with("/spool/alias/Maildir/"), "{said}");
    }
    assert_eq!(crate::check(&bare.instance()).len(), 3);
    let place = Place::new(&[("aliases", "root: joe\nhelp: mailer-daemon\n")]);
    let directory = place.directory();
    for name in ["postmaster", "Mailer-Daemon", "root", "help"] {
        let said = say(&directory, &format!("{name}@me.example"));
        assert_eq!(said, "-> joe@me.example", "{name}");
    }
    assert_eq!(crate::check(&place.instance()), []);
}

#[test]
fn the_mailertable_comes_before_routes_and_routes_before_exchangers() {
    let place = Place::new(&[
        (
            "mailertable",
            "a.example smtp:[127.0.0.1]:2525\n.b.example esmtp:mx.example\nl.example lmtp:unix:/run/x\nu.example uucp:far\np.example |/bin/p $u\nh.example local:\ne.example error:nohost gone\n",
        ),
        (
            "smtproutes",
            "r.example:127.0.0.1:2526\na.example:other.example\n",
        ),
    ]);
    let directory = place.directory();
    for (address, said) in [
        ("x@a.example", "[127.0.0.1]:2525"),
        ("x@s.b.example", "mx.example"),
        ("x@l.example", "lmtp:/run/x"),
        (
            "x@u.example",
            "Uucp { host: \"far\", user: \"x@u.example\" }",
        ),
        ("x@near.uucp", "Uucp { host: \"near\", user: \"x\" }"),
        (
            "near!y!x@me.example",
            "Uucp { host: \"near\", user: \"y!x\" }",
        ),
        (
            "x@p.example",
            "Words { words: [\"/bin/p\", \"$u\"], user: \"x@p.example\", host: \"p.example\" }",
        ),
        ("joe@h.example", "joe []"),
        ("x@e.example", "550 5.1.2 gone"),
        ("x@r.example", "[127.0.0.1]:2526"),
        ("x@m.example", "m.example"),
        (
            "\"near!a b\"@me.example",
            "553 5.1.3 an address with signs that UUCP cannot carry",
        ),
        (
            "near!y!-x@me.example",
            "553 5.1.3 an address with signs that UUCP cannot carry",
        ),
    ] {
        assert_eq!(say(&directory, address), said, "{address}");
    }
}

#[test]
fn a_long_list_that_is_named_again_and_again_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let list = |name: &str, text: String| {
        let path = folder.path().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path.display().to_string()
    };
    let addresses: String = (0..20_000).map(|n| format!("u{n}@far.example\n")).collect();
    let long = list("long", addresses);
    let itself = folder.path().join("again").display().to_string();
    let again = format!(":include:{long}\n:include:{itself}\n").repeat(20_000);
    let again = list("again", again);
    let place = Place::new(&[("aliases", &format!("all: :include:{again}\n"))]);
    let directory = place.directory();
    let started = std::time::Instant::now();
    let found = resolve(&directory, "all@me.example", Expanded::No);
    let What::Expand { targets, .. } = found.what else {
        panic!("{:?}", found.what);
    };
    assert_eq!(targets.len(), 20_000);
    // Reading it each time takes minutes.
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_aliases_come_to_an_end_with_each_address_once(
        graph in proptest::collection::vec(proptest::collection::vec(0_u8..12, 1..4), 8)
    ) {
        let name = |n: u8| match n {
            8 => "joe".to_owned(),
            9 => "jane@other.example".to_owned(),
            10 => "x@far.example".to_owned(),
            11 => "|cat".to_owned(),
            n => format!("n{n}"),
        };
        let text: String = graph.iter().zip(0_u8..).map(|(targets, n)| {
            let targets: Vec<String> = targets.iter().map(|n| name(*n)).collect();
            format!("n{n}: {}\n", targets.join(", "))
        }).collect();
        let place = Place::new(&[("aliases", &text)]);
        let directory = place.directory();
        for n in 0..8 {
            let found = resolve(&directory, &format!("n{n}@me.example"), Expanded::No);
            if let What::Expand { targets, .. } = found.what {
                let distinct: std::collections::HashSet<_> = targets.iter().map(|t| (t.mailbox.to_string(), t.expanded)).collect();
                prop_assert_eq!(distinct.len(), targets.len());
                prop_assert!(targets.iter().all(|target| target.expanded != Expanded::No));
            }
        }
    }
}
