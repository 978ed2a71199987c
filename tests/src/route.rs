//! What the programs say about where mail for an address goes.

use crate::instance::Instance;

/// What a command of the instance prints.
#[must_use]
pub fn said(instance: &Instance, command: &str, arguments: &[&str], input: &[u8]) -> String {
    let output = instance.run(command, arguments, input);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where `stafette route --json` says that an address goes: mailer, host, user, and all that decided.
#[must_use]
pub fn route(instance: &Instance, address: &str) -> [String; 4] {
    let text = said(instance, "stafette", &["route", "--json", address], b"");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |key: &str| {
        value
            .get(key)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    [
        word("mailer"),
        word("host"),
        word("user"),
        value
            .get("decided")
            .map(ToString::to_string)
            .unwrap_or_default(),
    ]
}

/// All three ways to ask say that an address goes there.
pub fn goes(instance: &Instance, address: &str, mailer: &str, host: &str, user: &str) {
    let shown = if host.is_empty() {
        format!("mailer {mailer}, user {user}")
    } else {
        format!("mailer {mailer}, host {host}, user {user}")
    };
    let verified = said(instance, "sendmail", &["-bv", address], b"");
    assert!(
        verified.contains(&shown),
        "-bv {address}: no {shown:?} in {verified}"
    );
    let input = format!("3,0 {address}\n{address}\n");
    let tested = said(instance, "sendmail", &["-bt"], input.as_bytes());
    assert!(
        tested.matches(&shown).count() >= 2,
        "-bt {address}: no {shown:?} in {tested}"
    );
    let [is_mailer, is_host, is_user, _] = route(instance, address);
    if is_mailer != "alias" {
        assert_eq!(
            [is_mailer.as_str(), &is_host, &is_user],
            [mailer, host, user],
            "{address}"
        );
    }
}
