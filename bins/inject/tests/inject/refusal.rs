//! Failures: each has its exit code and its words, and nothing is queued.

use std::process::{Command, Stdio};

use stafette_wire::submission::Refusal;

use crate::instance::{Instance, Play};

#[test]
fn wrong_use_has_exit_codes_of_sysexits() {
    let instance = Instance::new();
    instance.serve(Play::Take);
    let header = [&b"Subject: "[..], &[b'x'; 2_000_000]].concat();
    for (words, input, code) in [
        (&["-Z"][..], &b""[..], 64),
        (&["-f"], b"", 64),
        (&[], b"x", 64),
        (&[""], b"x", 64),
        (&["joe", "-oQ/tmp"], b"x", 64),
        (&["--", "-x"], b"x", 64),
        (&["-f", "-x", "joe"], b"x", 64),
        (&["-f", "a b", "joe"], b"x", 64),
        (&["a\nb@y.test"], b"x", 67),
        (&["a b"], b"x", 67),
        (&["-t"], b"Subject: x\n\nx\n", 65),
        (&["-t"], b"To: two words\n\nx\n", 65),
        (&["-t"], b"To: \"-x\"@y.test\n\nx\n", 65),
        (&["joe"], &header, 65),
        (&["-bd"], b"", 69),
        (&["-bD"], b"", 69),
        (&["-bE"], b"", 64),
        (&["-bv"], b"", 64),
        (&["-q!Rx"], b"", 64),
        (&["-BBINARY", "joe"], b"x", 64),
        (&["-X/nonexistent/x", "joe"], b"x", 64),
        (&["-XV", "-f", "<>", "joe"], b"x", 64),
        (&["-G", "joe"], b"x", 67),
        (&["-G", "-t"], b"To: joe\n\nx\n", 65),
        (&["-h", "200", "joe@y.test"], b"x", 69),
        (&["a!-x"], b"x", 64),
    ] {
        let output = instance.run("sendmail", words, input);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).starts_with("sendmail: "),
            "{words:?}"
        );
    }
    assert!(instance.nothing_came());
}

#[test]
fn rmail_refuses_what_is_no_address_or_has_no_sender() {
    let instance = Instance::new();
    instance.serve(Play::Take);
    let from = b"From joe Sun Nov 22 18:00:00 2026 remote from a\n\nx\n";
    for (words, input, code) in [
        (&[][..], &from[..], 64),
        (&["joe"], b"Subject: x\n\nx\n", 65),
        (&["joe"], b"", 65),
        (&["joe"], b"From -x y remote from a\n\nx\n", 65),
        (&["-t"], from, 64),
        (&["-bd"], from, 64),
        (&["--", "-t"], from, 64),
        (&["a!-t"], from, 64),
        (&["joe, jane"], from, 67),
        (&["|/bin/sh x"], from, 67),
    ] {
        let output = instance.run("rmail", words, input);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    }
    assert!(instance.nothing_came());
}

#[test]
fn q_of_errors_says_nothing() {
    let instance = Instance::new();
    let output = instance.run("sendmail", &["-oeq", "a b"], b"x");
    assert_eq!((output.status.code(), output.stderr), (Some(67), vec![]));
}

#[test]
fn what_the_queue_refuses_has_an_exit_code() {
    for (play, code) in [
        (Play::RefuseMail(Refusal::NoSpace), 75),
        (Play::RefuseMail(Refusal::Temporary), 75),
        (Play::RefuseCommit(Refusal::NoSpace), 75),
        (Play::RefuseCommit(Refusal::TooBig), 69),
        (Play::RefuseCommit(Refusal::TooManyRecipients), 69),
        (Play::RefuseCommit(Refusal::NotAllowed), 69),
        (Play::HangUp, 75),
    ] {
        let instance = Instance::new();
        instance.serve(play);
        assert_eq!(instance.code(&["joe"], b"x\n"), Some(code), "{play:?}");
    }
}

#[test]
fn without_service_and_program_the_message_stays_with_the_caller() {
    let instance = Instance::new();
    let copy = instance.path("sendmail");
    // By a process of its own: a writing descriptor here could live on in another test's child, and then the copy cannot run.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_stafette-inject"))
        .arg(&copy)
        .status()
        .unwrap();
    assert!(copied.success());
    let output = Command::new(copy)
        .arg("joe")
        .env("STAFETTE_RUN", instance.path("run"))
        .env("STAFETTE_ETC", instance.path("etc"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(75));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("the queue service is down"),
        "{output:?}"
    );
}

#[test]
fn a_hostile_start_crashes_nothing() {
    let instance = Instance::new();
    instance.serve(Play::Take);
    let program = env!("CARGO_BIN_EXE_stafette-inject");
    for (script, code) in [
        ("exec \"$1\" joe <&- >&- 2>&-", 0),
        ("exec \"$1\" joe </", 74),
        ("echo x | exec \"$1\" joe", 0),
        (
            "trap '' PIPE XFSZ TERM CHLD; ulimit -f 0; echo x | \"$1\" joe",
            0,
        ),
        ("ulimit -n 12; echo x | \"$1\" joe", 0),
        (
            "echo x | env -i STAFETTE_RUN=\"$STAFETTE_RUN\" TZ=:/etc/passwd LANG='\u{1b}[2J' \"$1\" joe",
            0,
        ),
        ("\"$1\" -bp | true; exit 0", 0),
        ("exec \"$1\" -bp -j <&- >&- 2>&-", 0),
        ("exec \"$1\" -bv joe@y.test <&- >&- 2>&-", 0),
        ("exec \"$1\" -bt <&- >&- 2>&-", 0),
        ("exec \"$1\" -bh <&- >&- 2>&-", 69),
        (
            "trap '' XFSZ; ulimit -f 0; echo x | \"$1\" -X \"$STAFETTE_RUN/log\" joe",
            0,
        ),
        (
            "ulimit -f 0; echo x | \"$1\" -X \"$STAFETTE_RUN/log\" joe",
            0,
        ),
        ("yes | head -c 3000 | \"$1\" -bt >/dev/null", 0),
        ("head -c 300000 /dev/zero | \"$1\" -bt >/dev/null", 0),
    ] {
        let mut command = instance.command("sendmail", &[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh", program]);
        shell.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let output = shell.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{script}: {output:?}");
        command.stdin(Stdio::null());
    }
}
