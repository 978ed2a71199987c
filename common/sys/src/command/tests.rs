use super::*;

fn shell(line: &str, input: &[u8], seconds: u64) -> Finished {
    run(Program {
        file: "/bin/sh".into(),
        arguments: vec!["-c".into(), line.into()],
        environment: vec![("PATH", "/usr/bin:/bin".into()), ("BAD", "a\0b".into())],
        input: crate::fs::sealed("test", input).unwrap(),
        files: None,
        time: Duration::from_secs(seconds),
        keep: 1024,
    })
    .unwrap()
}

fn said(line: &str) -> String {
    String::from_utf8(shell(line, b"", 30).output).unwrap()
}

#[test]
fn a_program_reads_its_input_and_its_end_is_told() {
    let finished = shell("cat; echo error >&2; exit 99", b"hello\n", 30);
    assert_eq!(finished.ended, Some(Ended::Exited(99)));
    assert_eq!(finished.output, b"hello\nerror\n");
    let finished = shell("kill -SEGV $$", b"", 30);
    assert_eq!(finished.ended, Some(Ended::Killed(11)));
}

#[test]
fn a_program_has_its_environment_three_descriptors_and_a_session_of_its_own() {
    let names = said("env | sed 's/=.*//' | grep -v -e ^PWD -e ^_ -e ^SHLVL -e ^OLDPWD | sort");
    assert_eq!(names, "PATH\n");
    assert_eq!(
        said("ls /proc/$$/fd | grep -c '^[012]$'; ls /proc/$$/fd | wc -l"),
        "3\n3\n"
    );
    assert_eq!(said("test $$ = $(ps -o sid= -p $$) && echo yes"), "yes\n");
    let finished = shell("kill -PIPE $$; kill -XFSZ $$", b"", 30);
    assert_eq!(finished.ended, Some(Ended::Killed(13)));
}

#[test]
fn a_program_that_writes_without_end_or_reads_nothing_does_no_harm() {
    let finished = shell("head -c 300000000 /dev/zero", b"", 60);
    assert_eq!(finished.ended, Some(Ended::Exited(0)));
    assert_eq!(finished.output.len(), 1024);
    let finished = shell("exec <&-; exit 0", &vec![b'x'; 1_000_000], 30);
    assert_eq!(finished.ended, Some(Ended::Exited(0)));
}

#[test]
fn a_program_that_hangs_is_killed_with_all_of_its_group() {
    let finished = shell("echo begun; sleep 100 & sleep 100", b"", 1);
    assert_eq!(finished.ended, None);
    assert_eq!(finished.output, b"begun\n");
    // Even one that writes for ever.
    assert_eq!(shell("yes", b"", 1).ended, None);
}

#[test]
fn what_a_program_leaves_in_the_background_is_not_waited_for() {
    let begin = Instant::now();
    let finished = shell("sleep 20 & exit 3", b"", 30);
    assert_eq!(finished.ended, Some(Ended::Exited(3)));
    assert!(begin.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let missing = Program {
        file: "/nonexistent".into(),
        arguments: Vec::new(),
        environment: Vec::new(),
        input: File::open("/dev/null").unwrap(),
        files: None,
        time: Duration::from_secs(1),
        keep: 0,
    };
    assert_eq!(run(missing).unwrap_err().kind(), io::ErrorKind::NotFound);
}
