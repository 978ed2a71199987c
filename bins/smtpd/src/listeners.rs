//! The sockets smtpd listens on: handed over by systemd, or named by `smtplisten`.

use std::net::{SocketAddr, TcpListener};

use stafette_control::Settings;
use stafette_log::{Event, event};
use stafette_sys::{listen_fds, tcp};

/// All listening sockets. Where an address family or an address is absent, the others serve; none at all is an error.
pub(crate) fn open(settings: &Settings) -> Result<Vec<TcpListener>, String> {
    let inherited = listen_fds::take()
        .map_err(|error| format!("unable to take the sockets of LISTEN_FDS: {error}"))?;
    if !inherited.is_empty() {
        return inherited
            .into_iter()
            .map(|socket| {
                tcp::adopt(socket.descriptor)
                    .map_err(|error| format!("unable to use a socket of LISTEN_FDS: {error}"))
            })
            .collect();
    }
    let mut listeners = Vec::new();
    for address in settings.smtplisten() {
        match tcp::listen(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if tcp::is_absent(&error) => absent(address, &error),
            Err(error) => {
                return Err(format!(
                    "unable to listen on {address}: {error}; is another mail server running?"
                ));
            }
        }
    }
    if listeners.is_empty() {
        return Err(
            "unable to listen anywhere: none of the addresses in smtplisten is on this machine"
                .into(),
        );
    }
    Ok(listeners)
}

fn absent(address: SocketAddr, error: &std::io::Error) {
    let problem = format!("{address}: {error}");
    let advice: &[u8] = b"the other addresses are served";
    event(
        Event::SettingBad,
        None,
        &[
            ("file", b"smtplisten"),
            ("problem", problem.as_bytes()),
            ("advice", advice),
        ],
    );
}
