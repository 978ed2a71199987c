//! What command lines mean.

use super::*;

fn parse(line: &str) -> Result<Request, UsageError> {
    let words: Vec<Vec<u8>> = line
        .split_whitespace()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    Request::parse(b"sendmail", &words)
}

fn operands(line: &str) -> Vec<String> {
    let request = parse(line).unwrap();
    request
        .operands
        .iter()
        .map(|word| String::from_utf8(word.clone()).unwrap())
        .collect()
}

#[test]
fn the_calls_of_well_known_programs_are_understood() {
    let cron = parse("-i -FCronDaemon -B8BITMIME -oem root").unwrap();
    assert!(cron.dot_is_content);
    assert_eq!(cron.full_name.as_deref(), Some(&b"CronDaemon"[..]));
    let mutt = parse("-oem -oi -f joe@example.org -- jane@example.org").unwrap();
    assert!(mutt.dot_is_content);
    assert_eq!(mutt.sender, Some(('f', b"joe@example.org".to_vec())));
    assert_eq!(
        operands("-oem -oi -- jane@example.org -x"),
        ["jane@example.org", "-x"]
    );
    let php = parse("-t -i -fwww@example.org").unwrap();
    assert!(php.header_recipients && php.dot_is_content && php.mode == Mode::Submit);
    let git = parse("-ti").unwrap();
    assert!(git.header_recipients && git.dot_is_content);
}

#[test]
fn flags_combine_and_the_last_may_have_its_argument() {
    let request = parse("-tif joe").unwrap();
    assert!(request.header_recipients && request.dot_is_content);
    assert_eq!(request.sender, Some(('f', b"joe".to_vec())));
    assert_eq!(
        parse("-vtifjoe").unwrap().sender,
        Some(('f', b"joe".to_vec()))
    );
}

#[test]
fn options_end_at_the_first_word_that_is_none() {
    assert_eq!(operands("-i joe -fjane -t"), ["joe", "-fjane", "-t"]);
    assert_eq!(operands("-- -t"), ["-t"]);
    assert_eq!(operands("- -t"), ["-", "-t"]);
    assert!(!parse("joe -t").unwrap().header_recipients);
}

#[test]
fn every_option_is_accepted_whatever_its_argument() {
    let all = "-A c -B 8BITMIME -C /x -E -F x -G -J -L tag -N never -O a=b -R hdrs -U -V id -X log -bm -c -d0.1 -d -em -f x -h 3 -i -m -n -odb -oQ/x -p x -s -t -v -x joe";
    assert_eq!(operands(all), ["joe"]);
}

#[test]
fn modes_come_from_options_and_from_names() {
    for (line, mode) in [
        ("-bp", Mode::List),
        ("-bs", Mode::Smtp),
        ("-bi", Mode::Aliases),
        ("-I", Mode::Aliases),
        ("-bd", Mode::Daemon { stays: false }),
        ("-bd -q30m", Mode::Daemon { stays: false }),
        ("-q30m -bl", Mode::Daemon { stays: false }),
        ("-bD", Mode::Daemon { stays: true }),
        ("-bh", Mode::Hosts),
        ("-bH", Mode::ForgetHosts),
        ("-bv", Mode::Verify),
        ("-bt", Mode::Test),
        ("-bE", Mode::Unsupported('E')),
        ("-bp -qSjoe", Mode::List),
        ("-q", Mode::Flush),
        ("-q30m", Mode::Flush),
        ("-qf", Mode::Flush),
    ] {
        assert_eq!(parse(line).unwrap().mode, mode, "{line}");
    }
    for (name, mode) in [
        ("mailq", Mode::List),
        ("newaliases", Mode::Aliases),
        ("hoststat", Mode::Hosts),
        ("purgestat", Mode::ForgetHosts),
        ("rmail", Mode::Uucp),
        ("send-mail", Mode::Submit),
    ] {
        assert_eq!(Request::parse(name.as_bytes(), &[]).unwrap().mode, mode);
    }
}

#[test]
fn wrong_use_is_told() {
    assert_eq!(parse("-Z"), Err(UsageError::Unknown('Z')));
    assert_eq!(parse("-tZ"), Err(UsageError::Unknown('Z')));
    assert_eq!(parse("-f"), Err(UsageError::NoArgument('f')));
    assert!(matches!(
        parse("-N sometimes"),
        Err(UsageError::BadArgument('N', _))
    ));
    assert!(matches!(
        parse("-V a+b"),
        Err(UsageError::BadArgument('V', _))
    ));
    assert!(matches!(
        parse("-V a+0Ab"),
        Err(UsageError::BadArgument('V', _))
    ));
    assert_eq!(
        parse("-V a+2Bb").unwrap().envid.as_deref(),
        Some(&b"a+b"[..])
    );
}

#[test]
fn what_waits_is_selected_by_recipient_sender_or_id() {
    let select = |by, text: &str| {
        Some(Selection {
            by,
            text: text.to_owned(),
        })
    };
    for (line, selection) in [
        ("-q", None),
        ("-q1h30m", None),
        ("-qRexample.org", select(By::Recipient, "example.org")),
        ("-qSjoe@x", select(By::Sender, "joe@x")),
        ("-qI01hf7", select(By::Id, "01hf7")),
    ] {
        assert_eq!(parse(line).unwrap().selection, selection, "{line}");
    }
    for line in ["-q!Rx", "-qR", "-qQ", "-qL"] {
        assert!(
            matches!(parse(line), Err(UsageError::BadArgument('q', _))),
            "{line}"
        );
    }
}

#[test]
fn long_and_short_options_of_sendmail_cf_mean_the_same() {
    for line in ["-oi", "-i", "-OIgnoreDots=true", "-O IgnoreDots"] {
        assert!(parse(line).unwrap().dot_is_content, "{line}");
    }
    for line in ["-eq", "-oeq", "-OErrorMode=quiet"] {
        assert!(parse(line).unwrap().quiet, "{line}");
    }
    for line in ["-v", "-ov", "-OVerbose=yes"] {
        assert!(parse(line).unwrap().verbose, "{line}");
    }
    assert!(!parse("-OIgnoreDots=false").unwrap().dot_is_content);
}

#[test]
fn x_is_a_file_but_for_postfix_s_verp() {
    assert_eq!(parse("-XV").unwrap().verp, Some('+'));
    assert_eq!(parse("-XV-=").unwrap().verp, Some('-'));
    assert!(parse("-XV+-").is_err());
    let request = parse("-X Vlog").unwrap();
    assert_eq!(
        (request.verp, request.transcript.as_deref()),
        (None, Some(&b"Vlog"[..]))
    );
}

#[test]
fn rmail_takes_no_option_of_sendmail() {
    let parse = |line: &str| {
        let words: Vec<Vec<u8>> = line
            .split_whitespace()
            .map(|word| word.as_bytes().to_vec())
            .collect();
        Request::parse(b"rmail", &words)
    };
    assert_eq!(
        parse("-D uucp.test -T a!b").unwrap().uucp_domain.as_deref(),
        Some(&b"uucp.test"[..])
    );
    for line in ["-t", "-bd", "-X/tmp/x", "-fjoe", "-C/tmp"] {
        assert!(matches!(parse(line), Err(UsageError::Unknown(_))), "{line}");
    }
}
