//! The settings that remote reads once, at its start; `visible` looks at its own again.

use stafette_control::{Instance, Settings};
use stafette_dns::{Own, is_local_address, to_ascii};

use crate::parent::Recipe;
use crate::session::Manners;
use crate::stage::TimeLimits;
use crate::visible::Visible;

/// What workers are made from, and how many there may be.
pub(crate) fn read(instance: &Instance, settings: &Settings) -> (Recipe, usize) {
    let (me, helo) = (settings.me(), settings.helohost());
    let names: Vec<String> = [&me, &helo]
        .into_iter()
        .filter_map(|name| to_ascii(name.as_str()))
        .collect();
    let recipe = Recipe {
        visible: Visible::read(instance, settings),
        resolve: instance.socket("resolve"),
        own: Own::new(&names, settings.smtplisten(), is_local_address),
        manners: Manners {
            name: introduction(helo.as_str()),
            limits: TimeLimits {
                connect: settings.timeoutconnect(),
                remote: settings.timeoutremote(),
            },
        },
    };
    let concurrency = usize::try_from(settings.concurrencyremote()).unwrap_or(1);
    (recipe, concurrency.max(1))
}

/// What follows EHLO: a literal as it is, a full name in ASCII, nothing for a name without a dot (RFC 5321 section 2.3.5).
fn introduction(helo: &str) -> Option<String> {
    if helo.starts_with('[') {
        return Some(helo.to_owned());
    }
    to_ascii(helo).filter(|name| name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::introduction;

    #[test]
    fn a_name_that_is_not_full_is_not_said() {
        assert_eq!(introduction("laptop"), None);
        assert_eq!(introduction("mx.example").as_deref(), Some("mx.example"));
        assert_eq!(introduction("[192.0.2.1]").as_deref(), Some("[192.0.2.1]"));
        assert_eq!(
            introduction("mx.bücher.example").as_deref(),
            Some("mx.xn--bcher-kva.example")
        );
    }
}
