//! What a process makes of what it inherits.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use stafette_sys::{fs, inherit, listen_fds, signal};

use crate::harness::{Test, succeeds};

pub(crate) fn all() -> Vec<Test> {
    crate::harness::tests![false;
        closed_standard_descriptors_are_opened_again,
        other_descriptors_close_at_exec,
        ignored_signals_are_heard_again,
        the_environment_keeps_only_what_was_named,
        the_mask_is_set,
        sockets_of_the_service_manager_are_taken_once,
        an_ordinary_program_is_not_set_id,
        a_file_size_limit_is_an_error_not_death,
    ]
}

fn closed_standard_descriptors_are_opened_again() {
    assert!(succeeds(|| {
        for number in [0, 2] {
            nix::unistd::close(number).unwrap();
        }
        inherit::tidy(0o022).unwrap();
        assert_eq!(std::io::stdin().read(&mut [0; 1]).unwrap(), 0);
        assert!(std::fs::File::open("/dev/null").unwrap().as_raw_fd() > 2);
    }));
}

fn other_descriptors_close_at_exec() {
    let (reader, _writer) = fs::pipe().unwrap();
    fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    inherit::tidy(0o022).unwrap();
    assert_eq!(
        fcntl(&reader, FcntlArg::F_GETFD).unwrap(),
        FdFlag::FD_CLOEXEC.bits()
    );
    assert_eq!(fcntl(std::io::stderr(), FcntlArg::F_GETFD).unwrap(), 0);
}

fn ignored_signals_are_heard_again() {
    let _blocked = signal::Signals::block(&[signal::Signal::User]).unwrap();
    inherit::tidy(0o022).unwrap();
    let mask = nix::sys::signal::SigSet::thread_get_mask().unwrap();
    assert!(!mask.contains(nix::sys::signal::Signal::SIGUSR1));
}

fn the_environment_keeps_only_what_was_named() {
    inherit::set_variable("STAFETTE_TEST_ONE", "1").unwrap();
    inherit::set_variable("STAFETTE_TEST_TWO", "2").unwrap();
    inherit::clean_environment(&["STAFETTE_TEST_TWO"]).unwrap();
    let left: Vec<_> = std::env::vars().collect();
    assert_eq!(left, [("STAFETTE_TEST_TWO".to_owned(), "2".to_owned())]);
}

fn the_mask_is_set() {
    inherit::tidy(0o077).unwrap();
    assert_eq!(inherit::set_umask(0o022), 0o077);
}

fn sockets_of_the_service_manager_are_taken_once() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    occupy_three(listener.into());
    inherit::set_variable("LISTEN_PID", std::process::id().to_string()).unwrap();
    inherit::set_variable("LISTEN_FDS", "1").unwrap();
    inherit::set_variable("LISTEN_FDNAMES", "smtp").unwrap();
    let mut taken = listen_fds::take().unwrap();
    let inherited = taken.remove(0);
    assert_eq!(inherited.name, "smtp");
    assert_eq!(
        fcntl(inherited.descriptor.as_fd(), FcntlArg::F_GETFD).unwrap(),
        FdFlag::FD_CLOEXEC.bits()
    );
    assert_eq!(
        TcpListener::from(inherited.descriptor)
            .local_addr()
            .unwrap(),
        address
    );
    assert!(listen_fds::take().unwrap().is_empty());
}

/// Makes `descriptor` number 3, as the service manager would, whatever was there.
fn occupy_three(descriptor: OwnedFd) {
    if descriptor.as_raw_fd() == 3 {
        std::mem::forget(descriptor);
        return;
    }
    nix::unistd::close(3).unwrap_or(());
    let copy = descriptor.try_clone().unwrap();
    assert_eq!(copy.into_raw_fd(), 3, "the lowest free number from 3 on");
}

fn an_ordinary_program_is_not_set_id() {
    assert!(!inherit::is_set_id());
    inherit::give_up_set_id().unwrap();
}

fn a_file_size_limit_is_an_error_not_death() {
    inherit::tidy(0o022).unwrap();
    let scratch = crate::harness::Scratch::new();
    let mut file = fs::create_new(&scratch.0.join("file"), 0o600).unwrap();
    let limits = stafette_sys::limits::Limits {
        file_size: Some(1000),
        ..stafette_sys::limits::Limits::default()
    };
    limits.apply().unwrap();
    let error = file.write_all(&[0; 2000]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
}
