//! The contract of qmail-queue on descriptors 0 and 1, with the service and without.

use crate::instance::Instance;

const MESSAGE: &[u8] = b"Subject: x\n\nhello\n";
const ENVELOPE: &[u8] = b"Fa@x.test\0Tb@y.test\0Tc@y.test\0\0";
const PLAIN: &str = "exec \"$1\" <message 1<envelope";

fn code(instance: &Instance, message: &[u8], envelope: &[u8]) -> Option<i32> {
    instance.one_shot(message, envelope, PLAIN).status.code()
}

#[test]
fn with_the_service_the_message_goes_to_it() {
    let instance = Instance::new();
    let _service = instance.serve();
    assert_eq!(code(&instance, MESSAGE, ENVELOPE), Some(0));
    let names = instance.names("new");
    let text = instance.text("new", &names[0]);
    assert!(
        text.contains("\nSubject: x\n\nhello\n")
            && text.contains("a@x.test")
            && text.contains("c@y.test"),
        "{text}"
    );
    assert!(text.contains("from userid"), "{text}");
}

#[test]
fn without_the_service_it_waits_in_drop_and_is_taken_in_later() {
    let instance = Instance::new();
    assert_eq!(code(&instance, MESSAGE, ENVELOPE), Some(0));
    assert_eq!(instance.names("drop").len(), 1);
    let mut service = instance.serve();
    let line = service.logged("message-queued");
    assert!(
        line.contains("from=a@x.test") && line.contains("recipients=2"),
        "{line}"
    );
    // It is published after it was logged; the next message's answer, or the look after that, comes later still.
    while instance.names("new").is_empty() {
        std::thread::yield_now();
    }
    assert!(
        instance
            .text("new", &instance.names("new")[0])
            .contains("\nSubject: x\n\nhello\n")
    );
}

#[test]
fn each_failure_has_its_exit_code_and_queues_nothing() {
    let instance = Instance::new();
    let _service = instance.serve();
    let long = [&b"Fa@x.test\0T"[..], &[b'b'; 2000], b"@y.test\0\0"].concat();
    for (envelope, want) in [
        (&b""[..], 54),
        (b"Fa@x.test\0Tb@y.test\0", 54),
        (b"Fa@x.test\0Tb@y.te", 54),
        (b"Xa@x.test\0", 91),
        (b"Tb@y.test\0\0", 91),
        (b"Fa@x.test\0Tb\0\0", 31),
        (b"Fa@x.test\0Tb\n@y.test\0\0", 31),
        (&long, 11),
        (b"Fa@x.test\0\0", 0),
    ] {
        assert_eq!(
            code(&instance, MESSAGE, envelope),
            Some(want),
            "{envelope:?}"
        );
    }
    assert!(instance.names("new").is_empty());
}

#[test]
fn limits_and_a_full_disk_have_their_exit_codes() {
    let instance = Instance::new();
    instance.set("databytes", "20");
    let service = instance.serve();
    assert_eq!(code(&instance, &[b'a'; 100], ENVELOPE), Some(31));
    drop(service);
    assert_eq!(
        code(&instance, &[b'a'; 100], ENVELOPE),
        Some(31),
        "the same in drop/"
    );
    instance.set("minfree", "999999999999999");
    assert_eq!(code(&instance, b"x", ENVELOPE), Some(53));
    let _service = instance.serve();
    assert_eq!(code(&instance, b"x", ENVELOPE), Some(53));
    assert!(instance.names("new").is_empty() && instance.names("drop").is_empty());
}

#[test]
fn a_caller_that_listens_gets_words_and_code_82() {
    let instance = Instance::new();
    let _service = instance.serve();
    for (shell, heard) in [
        ("\"$1\" <message 6>&1 1<envelope | cat", true),
        ("{ \"$1\" <message 4>&1 1<envelope 6>&-; } | cat", true),
        (
            "{ ERROR_FD=9 \"$1\" <message 9>&1 1<envelope; } | cat",
            true,
        ),
        ("\"$1\" <message 1<envelope 6>file; cat file", false),
    ] {
        let output = instance.one_shot(MESSAGE, b"Fa@x.test\0Tb\0\0", &format!("set -e; {shell}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text.starts_with("Db: no domain"), heard, "{shell}: {text}");
    }
    let output = instance.one_shot(
        MESSAGE,
        b"Fa@x.test\0Tb\0\0",
        "(\"$1\" <message 1<envelope 6>&1; echo code $? >&2) | cat",
    );
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("code"),
        "{output:?}"
    );
}

#[test]
fn closed_descriptors_queue_nothing_and_harm_nothing() {
    let instance = Instance::new();
    let _service = instance.serve();
    for shell in [
        "exec \"$1\" <&- >&-",
        "exec \"$1\" <message >&-",
        "exec \"$1\" <message >&- 2>&-",
    ] {
        assert_eq!(
            instance.one_shot(MESSAGE, ENVELOPE, shell).status.code(),
            Some(54),
            "{shell}"
        );
    }
    let shell = "exec \"$1\" <&- 1<envelope 2>&-";
    assert_eq!(
        instance.one_shot(MESSAGE, ENVELOPE, shell).status.code(),
        Some(0),
        "an empty message is one"
    );
}

#[test]
fn a_file_size_limit_is_an_error_and_no_signal() {
    let instance = Instance::new();
    let shell = "ulimit -f 1; exec \"$1\" <message 1<envelope";
    let output = instance.one_shot(&vec![b'a'; 1_000_000], ENVELOPE, shell);
    assert!(matches!(output.status.code(), Some(53 | 71)), "{output:?}");
    assert!(instance.names("drop").is_empty());
}
