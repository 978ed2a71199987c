//! What a confined process can no longer do.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;

use caps::CapSet;
use nix::unistd::{Gid, Uid, setresgid, setresuid};
use stafette_sys::confine::{Capability, Limits, Needs, Network, Report, State, confine};
use stafette_sys::packet::{Listener, Socket};
use stafette_sys::{clock, fork, user};

use crate::harness::{NOBODY, Scratch, Test, put, succeeds};

pub(crate) fn all() -> Vec<Test> {
    let mut all = crate::harness::tests![true;
        a_confined_process_is_another_user_for_good,
        a_confined_process_has_no_capability_left,
        a_kept_capability_is_kept_and_no_other,
        a_root_parent_keeps_only_what_it_named,
        a_user_who_does_not_exist_is_an_error,
        root_is_not_accepted_as_the_user_to_become,
        an_empty_root_directory_hides_everything,
        the_wish_to_die_with_the_parent_survives_confinement,
        a_process_that_is_not_root_is_confined_as_far_as_it_goes,
    ];
    all.extend(crate::harness::tests![false;
        no_new_privileges_and_not_dumpable,
        what_runs_programs_of_users_leaves_them_their_privileges,
        only_the_paths_that_were_named_can_be_opened,
        files_move_between_directories_that_can_be_written,
        tcp_that_was_not_asked_for_is_denied,
        a_confined_process_can_still_fork,
        a_confined_process_reaches_a_socket_with_a_long_path,
        limits_hold,
        a_moved_clock_is_still_read,
        a_process_with_threads_is_not_confined,
    ]);
    all
}

fn nobody() -> Needs<'static> {
    Needs {
        user: Some("nobody"),
        ..Needs::default()
    }
}

/// What every test process can become: nobody if it is root, else what it is.
fn anyone() -> Needs<'static> {
    Needs {
        user: user::is_root().then_some("nobody"),
        ..Needs::default()
    }
}

fn landlock_holds(report: &Report) -> bool {
    let holds = matches!(
        report.state("landlock"),
        Some(State::InForce(_) | State::Partly(_))
    );
    if !holds {
        println!(
            "this kernel has no Landlock: {:?}",
            report.state("landlock")
        );
    }
    holds
}

fn a_confined_process_is_another_user_for_good() {
    let report = confine(&nobody()).unwrap();
    assert_eq!(
        report.state("user"),
        Some(&State::InForce("nobody".to_owned()))
    );
    assert_eq!(
        (
            user::effective_uid(),
            user::effective_gid(),
            user::real_uid()
        ),
        (NOBODY, NOBODY, NOBODY)
    );
    let groups: Vec<_> = nix::unistd::getgroups()
        .unwrap()
        .into_iter()
        .map(Gid::as_raw)
        .collect();
    assert!(!groups.contains(&0), "{groups:?}");
    let (root, roots) = (Uid::from_raw(0), Gid::from_raw(0));
    assert!(setresuid(root, root, root).is_err());
    assert!(setresgid(roots, roots, roots).is_err());
    assert!(nix::unistd::setgroups(&[roots]).is_err());
}

fn sets() -> [usize; 4] {
    [
        CapSet::Effective,
        CapSet::Permitted,
        CapSet::Inheritable,
        CapSet::Ambient,
    ]
    .map(|set| caps::read(None, set).unwrap().len())
}

fn a_confined_process_has_no_capability_left() {
    confine(&nobody()).unwrap();
    assert_eq!(sets(), [0; 4]);
    for capability in caps::all() {
        let left = caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false);
        assert!(!left, "{capability} is still in the bounding set");
    }
}

fn a_kept_capability_is_kept_and_no_other() {
    let keep = [Capability::CAP_NET_BIND_SERVICE];
    confine(&Needs {
        keep_caps: &keep,
        network: Network::Open,
        ..nobody()
    })
    .unwrap();
    assert_eq!(sets(), [1, 1, 0, 0]);
    assert!(caps::has_cap(None, CapSet::Effective, keep[0]).unwrap());
    assert!(setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0)).is_err());
}

fn a_root_parent_keeps_only_what_it_named() {
    let keep = [Capability::CAP_SETUID, Capability::CAP_SETGID];
    let report = confine(&Needs {
        keep_caps: &keep,
        runs_programs_of_users: true,
        ..Needs::default()
    })
    .unwrap();
    assert_eq!(
        report.state("capabilities"),
        Some(&State::InForce("CAP_SETGID,CAP_SETUID".to_owned()))
    );
    assert_eq!(sets(), [2, 2, 0, 0]);
    assert!(std::os::unix::fs::chown("/", Some(NOBODY), None).is_err());
    assert!(succeeds(|| {
        user::become_user(NOBODY, NOBODY, &[NOBODY]).unwrap();
        assert_eq!(sets(), [0; 4]);
    }));
}

fn a_user_who_does_not_exist_is_an_error() {
    let error = confine(&Needs {
        user: Some("no-such-user-here"),
        ..Needs::default()
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(user::is_root());
}

fn root_is_not_accepted_as_the_user_to_become() {
    let error = confine(&Needs {
        user: Some("root"),
        ..Needs::default()
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

fn an_empty_root_directory_hides_everything() {
    let scratch = Scratch::new();
    confine(&Needs {
        root: Some(scratch.directory("empty")),
        read: vec![PathBuf::from("/")],
        ..nobody()
    })
    .unwrap();
    assert_eq!(std::fs::read_dir("/").unwrap().count(), 0);
    assert!(
        fork::fork_child(|| 0).is_err(),
        "without /proc nobody can say whether there are threads"
    );
}

fn the_wish_to_die_with_the_parent_survives_confinement() {
    fork::die_with_parent().unwrap();
    confine(&nobody()).unwrap();
    assert_eq!(
        nix::sys::prctl::get_pdeathsig().unwrap(),
        Some(nix::sys::signal::Signal::SIGKILL)
    );
}

fn a_process_that_is_not_root_is_confined_as_far_as_it_goes() {
    user::become_user(NOBODY, NOBODY, &[]).unwrap();
    let report = confine(&Needs {
        user: Some("daemon"),
        ..Needs::default()
    })
    .unwrap();
    assert!(matches!(report.state("user"), Some(State::Left(_))));
    assert_eq!(
        report.state("capabilities"),
        Some(&State::InForce("none".to_owned()))
    );
    assert_eq!(user::effective_uid(), NOBODY);
    assert!(!report.is_complete());
    assert!(!landlock_holds(&report) || std::fs::File::open("/etc/passwd").is_err());
}

fn no_new_privileges_and_not_dumpable() {
    let report = confine(&Needs::default()).unwrap();
    assert!(nix::sys::prctl::get_no_new_privs().unwrap());
    assert!(!nix::sys::prctl::get_dumpable().unwrap());
    assert_eq!(report.fields().len(), report.layers.len());
}

fn what_runs_programs_of_users_leaves_them_their_privileges() {
    confine(&Needs {
        runs_programs_of_users: true,
        ..Needs::default()
    })
    .unwrap();
    assert!(!nix::sys::prctl::get_no_new_privs().unwrap());
    std::fs::read("/etc/passwd").unwrap();
    assert!(
        !user::is_root() || caps::has_cap(None, CapSet::Bounding, Capability::CAP_CHOWN).unwrap()
    );
}

fn only_the_paths_that_were_named_can_be_opened() {
    let scratch = Scratch::new();
    let [read, write, other] = ["read", "write", "other"].map(|name| scratch.directory(name));
    for directory in [&read, &write, &other] {
        put(&directory.join("file"), "content");
    }
    let needs = Needs {
        read: vec![read.clone(), scratch.0.join("missing")],
        write: vec![write.clone()],
        ..anyone()
    };
    if !landlock_holds(&confine(&needs).unwrap()) {
        return;
    }
    assert_eq!(std::fs::read(read.join("file")).unwrap(), b"content");
    assert_eq!(
        std::fs::File::create(read.join("new")).unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        std::fs::read(other.join("file")).unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        std::fs::read("/etc/passwd").unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    put(&write.join("new"), "content");
    std::fs::remove_file(write.join("new")).unwrap();
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")
        .unwrap();
    assert_eq!(
        std::process::Command::new("/bin/true")
            .status()
            .unwrap_err()
            .kind(),
        ErrorKind::PermissionDenied
    );
}

fn files_move_between_directories_that_can_be_written() {
    let scratch = Scratch::new();
    let [tmp, new] = ["tmp", "new"].map(|name| scratch.directory(name));
    confine(&Needs {
        write: vec![tmp.clone(), new.clone()],
        ..anyone()
    })
    .unwrap();
    put(&tmp.join("one"), "1");
    stafette_sys::fs::link(&tmp.join("one"), &new.join("linked")).unwrap();
    stafette_sys::fs::rename_noreplace(&tmp.join("one"), &new.join("renamed")).unwrap();
    stafette_sys::fs::sync_dir(&new).unwrap();
    std::fs::remove_file(new.join("linked")).unwrap();
}

fn tcp_that_was_not_asked_for_is_denied() {
    let open = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = open.local_addr().unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let found = |network: Network, wanted: (bool, bool)| {
        let report = confine(&Needs {
            network,
            ..Needs::default()
        })
        .unwrap();
        // Older kernels know paths but not ports, and say that they enforce a part.
        if matches!(report.state("landlock"), Some(State::InForce(_))) {
            let denied = (
                stafette_sys::tcp::listen(any).is_err(),
                TcpStream::connect(address).is_err(),
            );
            assert_eq!(denied, wanted);
        }
    };
    assert!(succeeds(|| found(Network::Open, (false, false))));
    assert!(succeeds(|| found(Network::Connect, (true, false))));
    assert!(succeeds(|| found(Network::None, (true, true))));
}

fn a_confined_process_can_still_fork() {
    confine(&anyone()).unwrap();
    assert!(succeeds(|| {}));
}

fn a_confined_process_reaches_a_socket_with_a_long_path() {
    let scratch = Scratch::new();
    let path = scratch.directory(&"d".repeat(150)).join("socket");
    let listener = Listener::bind(&path, 0o666).unwrap();
    confine(&anyone()).unwrap();
    let client = Socket::connect(&path).unwrap();
    assert_eq!(
        listener.accept().unwrap().peer().unwrap().uid,
        user::effective_uid()
    );
    drop(client);
}

fn limits_hold() {
    let limits = Limits {
        files: Some(20),
        file_size: Some(1000),
        ..Limits::default()
    };
    confine(&Needs {
        limits,
        ..Needs::default()
    })
    .unwrap();
    let files: Vec<_> = std::iter::repeat_with(|| std::fs::File::open("/dev/null"))
        .take(30)
        .collect();
    assert!(files.iter().any(Result::is_err));
    let (soft, hard) =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE).unwrap();
    assert_eq!((soft, hard), (0, 0));
}

fn a_moved_clock_is_still_read() {
    let scratch = Scratch::new();
    let file = scratch.directory("clock").join("offset");
    put(&file, "86400\n");
    let real = clock_of_the_system();
    stafette_sys::inherit::set_variable(clock::VARIABLE, &file).unwrap();
    confine(&Needs::default()).unwrap();
    assert!(clock::is_moved());
    assert!(clock::now().abs_diff(real + 86_400) <= 2);
}

fn clock_of_the_system() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn a_process_with_threads_is_not_confined() {
    let barrier = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| barrier.wait());
        assert!(confine(&Needs::default()).is_err());
        assert!(fork::fork_child(|| 0).is_err());
        barrier.wait();
    });
}
