//! Whatever a client puts into a parameter, a name or an address: it never ends a line of ours, in a field, a queue file or a log.

use stafette_tests::client::Client;
use stafette_tests::instance::{Instance, signal};
use stafette_tests::{letter, wait};

/// What would stand at the start of a line if a line could be ended.
const MARK: &str = "INJECTED";

/// An instance that takes any number of wrong commands, as a test makes more of them than a client may.
fn patient() -> Instance {
    let mut instance = Instance::new(&[]);
    instance.set("maxbadcommands", "1000");
    instance.start();
    instance
}

/// Says something with octets of any value.
fn say(client: &mut Client, line: &[u8]) -> String {
    client.send(line);
    client.send(b"\r\n");
    client.reply()
}

/// No line of it begins with the mark, nor does a field of a message.
fn stays_on_its_line(text: &str, whose: &str) {
    let begins = |line: &str| {
        line.trim_start()
            .trim_start_matches("x-")
            .to_uppercase()
            .starts_with(MARK)
    };
    let lines = text.split([
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ]);
    for line in lines.filter(|line| begins(line)) {
        assert!(
            line.is_empty(),
            "{whose} has a line that a client made: {line:?} in\n{text}"
        );
    }
    let strange = text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(
        strange,
        None,
        "{whose} has a control character:\n{}",
        text.escape_debug()
    );
}

#[test]
fn control_characters_in_parameters_are_refused_however_they_are_encoded() {
    let instance = patient();
    let mut client = Client::ehlo(instance.smtp());
    for param in [
        &b"ENVID=a\nINJECTED"[..],
        b"ENVID=a\0INJECTED",
        b"ENVID=a+0AINJECTED",
        b"ENVID=a+0DINJECTED",
        b"ENVID=a+0D+0AINJECTED",
        b"ENVID=a+00INJECTED",
        b"ENVID=a+0aINJECTED",
        b"ENVID=a+7FINJECTED",
        b"ENVID=a+80INJECTED",
        b"ENVID=a+",
        b"ENVID=a+0",
        b"ENVID=a+GG",
        b"ENVID=a=b",
        b"ENVID=",
        b"ENVID",
        b"SIZE=1\nINJECTED",
        b"SIZE=1+0AINJECTED",
        b"SIZE=\0",
        b"SIZE=-1",
        b"SIZE=1e3",
        b"SIZE=999999999999999999999",
        b"SIZE=1 SIZE=1",
        b"AUTH=joe@example.org+0AINJECTED",
        b"AUTH=<>+00",
        b"AUTH=a\nINJECTED",
        b"AUTH=<>",
        b"AUTH",
        b"BODY=8BITMIME+0A",
        b"BODY=\0",
        b"BODY=BINARYMIME",
        b"RET=FULL\nINJECTED",
        b"RET=FULL RET=FULL",
        b"SMTPUTF8=INJECTED",
        b"XNOTHING=a+0AINJECTED",
        b"\xff\xfe",
        b"ENVID=\xe2\x80\xa8INJECTED",
        b"ENVID=\xc2\x85INJECTED",
    ] {
        let reply = say(
            &mut client,
            &[&b"MAIL FROM:<joe@example.org> "[..], param].concat(),
        );
        let refused = ["500 5.5.2", "501 5.5.4", "555 5.5.4"]
            .iter()
            .any(|code| reply.starts_with(code));
        assert!(refused, "{} was answered {reply:?}", param.escape_ascii());
        client.expect("RCPT TO:<demo@stafette.test>", "503 5.5.1");
    }
    client.expect("MAIL FROM:<joe@example.org>", "250");
    for param in [
        &b"ORCPT=rfc822;a+0AINJECTED"[..],
        b"ORCPT=rfc822;a+0D+0AINJECTED",
        b"ORCPT=rfc822;a+00",
        b"ORCPT=rfc822;a\nINJECTED",
        b"ORCPT=rfc822;a\0",
        b"ORCPT=rfc822+0A;a",
        b"ORCPT=rfc822;a+0ax",
        b"ORCPT=rfc822;+",
        b"ORCPT=utf-8;a\\x{0A}INJECTED",
        b"ORCPT=utf-8;a\\x{0}",
        b"ORCPT=utf-8;a\\x{85}INJECTED",
        b"ORCPT=utf-8;a\\x{2028}INJECTED",
        b"ORCPT=rfc822",
        b"ORCPT=;a",
        b"ORCPT=rfc 822;a",
        b"ORCPT=",
        b"ORCPT=rfc822;\xe2\x80\xa8INJECTED",
        b"NOTIFY=NEVER,SUCCESS",
        b"NOTIFY=SUCCESS+0AINJECTED",
        b"NOTIFY=SUCCESS\nINJECTED",
        b"NOTIFY=",
        b"NOTIFY",
        b"SIZE=1",
    ] {
        let reply = say(
            &mut client,
            &[&b"RCPT TO:<demo@stafette.test> "[..], param].concat(),
        );
        let refused = ["500 5.5.2", "501 5.5.4", "555 5.5.4"]
            .iter()
            .any(|code| reply.starts_with(code));
        assert!(refused, "{} was answered {reply:?}", param.escape_ascii());
    }
    client.expect("DATA", "554 5.5.1");
    client.expect("QUIT", "221");
    assert!(client.at_end());
    stays_on_its_line(&instance.log("smtpd"), "the log");
    assert_eq!(instance.log("queue").matches("message-queued").count(), 0);
}

#[test]
fn control_characters_in_names_and_addresses_are_refused() {
    let instance = patient();
    let mut client = Client::connect(instance.smtp());
    for name in [
        &b"a\nINJECTED"[..],
        b"a\0",
        b"a b",
        b"a\tINJECTED",
        b"(comment",
        b"a;INJECTED",
        b"",
        b"\xe2\x80\xa8INJECTED",
        b"\xff",
        &[b'a'; 300],
    ] {
        let reply = say(&mut client, &[b"EHLO ", name].concat());
        assert!(
            reply.starts_with("50"),
            "{} was answered {reply:?}",
            name.escape_ascii()
        );
    }
    client.expect("MAIL FROM:<joe@example.org>", "503 5.5.1");
    client.expect("EHLO [127.0.0.1]", "250");
    for address in [
        &b"<a\n@example.org>"[..],
        b"<\"a\nINJECTED\"@example.org>",
        b"<\"a\\\nINJECTED\"@example.org>",
        b"<\"a\0\"@example.org>",
        b"<\"a\\\0\"@example.org>",
        b"<\"a\r\"@example.org>",
        b"<\"a\tb\"@example.org>",
        b"<\"a\\\x7f\"@example.org>",
        b"<a@exam\nple.org>",
        b"<a@[127.0.0.1\n]>",
        b"<a@b> <c@d>",
        b"<a@b",
        b"a@b>",
        b"<a@b>>",
        b"<\xe2\x80\xa8INJECTED@example.org>",
        b"<a@@b>",
        b"<@example.org>",
        b"<@a,@b\n:c@example.org>",
    ] {
        let reply = say(&mut client, &[b"MAIL FROM:", address].concat());
        assert!(
            reply.starts_with('5'),
            "{} was answered {reply:?}",
            address.escape_ascii()
        );
        assert!(
            !reply.contains(MARK),
            "what a client says is repeated: {reply}"
        );
    }
    client.expect("MAIL FROM:<joe@example.org>", "250");
    client.expect("RCPT TO:<\"de\nmo\"@stafette.test>", "500 5.5.2");
    client.expect("RCPT TO:<demo@stafette.test\0>", "500 5.5.2");
    client.expect("DATA", "554 5.5.1");
    client.expect("QUIT", "221");
    stays_on_its_line(&instance.log("smtpd"), "the log");
}

#[test]
fn what_is_taken_is_escaped_wherever_it_is_written() {
    let instance = Instance::started(&[]);
    // Nobody tries the message, so that its file can be read.
    let senders = instance.processes("send");
    senders.iter().for_each(|pid| signal(*pid, "STOP"));
    let mut client = Client::connect(instance.smtp());
    client.expect("EHLO a=\u{a0}\\x0aINJECTED", "501");
    client.expect("EHLO [\u{fc}]!#$%&'*+-/=?^_`{|}~x0aINJECTED", "250");
    let parameters = "SMTPUTF8 RET=HDRS ENVID=+20+22+5C+3Dn+5Cn+20INJECTED+20from=+3Cevil+3E";
    let parameters = parameters.replace("from=", "from+3D");
    client.expect(
        &format!(
            "MAIL FROM:<\"a\\\" \\\\n \\\\x0a INJECTED =b c\u{fc}\"@example.org> {parameters}"
        ),
        "250",
    );
    client.expect(
        "RCPT TO:<demo@stafette.test> NOTIFY=FAILURE,DELAY ORCPT=utf-8;+5Cx{0A}INJECTED+20+22+3D@example.org",
        "250",
    );
    client.expect(
        "RCPT TO:<postmaster@stafette.test> ORCPT=x-my-type;+5C+5Cn+22",
        "250",
    );
    let content = b"Subject: escaped\n\nINJECTED is free to stand here\n";
    client.expect("DATA", "354");
    client.send(&letter::to_wire(content));
    client.expect(".", "250 2.0.0");
    client.expect("QUIT", "221");

    let files = instance.queued();
    assert_eq!(files.len(), 1, "{files:?}");
    for file in &files {
        let text = std::fs::read(file).expect("a queue file");
        let text = String::from_utf8(text).expect("a queue file in UTF-8");
        assert_eq!(text.matches("\nINJECTED").count(), 1, "{text}");
        let own = text.replace("\nINJECTED is free to stand here\n", "\n");
        stays_on_its_line(&own, "the queue file");
        assert!(
            own.contains("INJECTED"),
            "the parameters are not in the queue file:\n{own}"
        );
    }
    senders.iter().for_each(|pid| signal(*pid, "CONT"));
    let mail = instance.wait_for_mail("demo", 2);
    for message in &mail {
        assert_eq!(letter::as_it_came(message), content);
        let (head, _) = stafette_tests::maildir::split(message);
        stays_on_its_line(&head, "the header section");
    }
    instance.wait_until_empty();
    wait::until_true("the end of the message in the log", || {
        instance.log("send").contains("message-removed")
    });
    for program in ["smtpd", "queue", "send", "local", "clean"] {
        stays_on_its_line(&instance.log(program), program);
    }
}

#[test]
fn the_parameters_of_the_extensions_are_taken() {
    let instance = Instance::started(&[]);
    let mut client = Client::ehlo(instance.smtp());
    for parameters in [
        "SIZE=0",
        "SIZE=1000 BODY=7BIT",
        "body=8bitmime size=5",
        "RET=FULL ENVID=QQ314159",
        "RET=HDRS ENVID=+2B+3D",
        "SMTPUTF8",
        " SMTPUTF8  BODY=8BITMIME ",
    ] {
        client.expect(
            &format!("MAIL FROM:<joe@example.org> {parameters}"),
            "250 2.1.0",
        );
        client.expect("RSET", "250 2.0.0");
    }
    client.expect("MAIL FROM:<joe@example.org>", "250");
    for parameters in [
        "NOTIFY=NEVER",
        "NOTIFY=SUCCESS,FAILURE,DELAY",
        "notify=delay ORCPT=rfc822;Joe+40example.org",
        "ORCPT=rfc822;demo@stafette.test",
    ] {
        client.expect(
            &format!("RCPT TO:<demo@stafette.test> {parameters}"),
            "250 2.1.5",
        );
    }
    client.expect("QUIT", "221");
}
