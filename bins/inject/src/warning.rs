//! `authwarnings` in `privacy`: a message whose sender its author chose says so in its header section, as sendmail's does.

use stafette_addr::{Mailbox, ReversePath};
use stafette_control::Instance;
use stafette_sys::user;

use crate::identity::{Caller, Names};
use crate::request::{Mode, Request};

/// The field with its line end, if the caller is to be named in one.
pub(crate) fn text(
    instance: &Instance,
    request: &Request,
    names: &Names,
    caller: &Caller,
    own: &Mailbox,
    named: Option<&ReversePath>,
) -> Option<String> {
    let named = named.filter(|path| path.mailbox() != Some(own))?;
    let settings = instance.settings();
    let is_asked_for = settings
        .privacy()
        .iter()
        .any(|word| word == "authwarnings" || word == "goaway");
    let login = caller.login.as_str();
    // uuxqt runs rmail as uucp, and no sender of that way is its own.
    let is_trusted = user::real_uid() == 0
        || (request.mode == Mode::Uucp && login == "uucp")
        || settings.trustedusers().iter().any(|name| name == login);
    if !is_asked_for || is_trusted {
        return None;
    }
    let path = if named.is_null() {
        "<>"
    } else {
        named.as_str()
    };
    let how = match &request.sender {
        Some((letter, _)) => format!("-{letter}"),
        None => "rmail".to_owned(),
    };
    Some(format!(
        "X-Authentication-Warning: {}: {} set sender to {path} using {how}\n",
        names.me, caller.login
    ))
}
