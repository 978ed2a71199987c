//! What lies outside of the disk: what was promised, and what arrived in the mailboxes.

use std::collections::{BTreeMap, BTreeSet};

use stafette_queue_layout::sim::SimDisk;
use stafette_queue_layout::{Envelope, Place, Standing, State, decode};
use stafette_wire::QueueId;
use stafette_wire::envelope::{Body, Bytes, Recipient, Sender};
use stafette_wire::submission::Origin;

/// The time of all tests.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Where a message must be after it was said to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    Living,
    Held,
}

/// Everything that a loss of power does not touch.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct World {
    next: u64,
    /// Contents whose acceptance was answered with yes, and their recipients.
    pub(crate) promised: BTreeMap<String, Vec<String>>,
    /// Mailboxes: what arrived, under the name that the queue ID and the recipient give, so that the same comes once.
    pub(crate) mail: BTreeMap<(QueueId, String), String>,
    /// Outcomes that were answered as recorded.
    pub(crate) recorded: BTreeMap<QueueId, BTreeSet<u32>>,
    /// Messages whose removal was asked for.
    pub(crate) removing: BTreeSet<QueueId>,
    /// Messages whose removal was answered.
    pub(crate) gone: BTreeSet<QueueId>,
    /// Messages that were put somewhere, as answered.
    pub(crate) placed: BTreeMap<QueueId, Wanted>,
}

impl World {
    pub(crate) fn new_id(&mut self) -> QueueId {
        self.next += 1;
        QueueId::new(
            1_800_000_000_000 + self.next,
            [u8::try_from(self.next % 251).unwrap(); 9],
        )
    }

    /// The disk as it was found after a crash, before anything runs: what it may show, and what it must.
    pub(crate) fn check_found(&self, disk: &SimDisk) -> Result<(), String> {
        let mut places: BTreeMap<QueueId, Place> = BTreeMap::new();
        for path in disk.paths() {
            let (directory, name) = path.rsplit_once('/').ok_or("no directory")?;
            let place = *Place::ALL
                .iter()
                .find(|place| directory.split('/').next() == Some(place.name()))
                .ok_or("no place")?;
            let state = State::of(disk, place, name).map_err(|error| error.to_string())?;
            if matches!(state, State::Stray | State::Undecided | State::Bad) {
                return Err(format!("{path} is {state:?}"));
            }
            if matches!(state, State::Accepted | State::Tried | State::Held) {
                let id = QueueId::parse(name.as_bytes()).ok_or("no ID")?;
                if let Some(other) = places.insert(id, place) {
                    return Err(format!("{id} is in {other:?} and {place:?}"));
                }
                let bytes = disk.read(&path).unwrap_or_default();
                let (_, journal) = decode(&bytes).map_err(|damage| format!("{path}: {damage}"))?;
                let recorded = self.recorded.get(&id).cloned().unwrap_or_default();
                for (number, _, state) in journal.recipients() {
                    if recorded.contains(&number) && state.standing == Standing::Pending {
                        return Err(format!("{path}: recipient {number} is forgotten"));
                    }
                }
            }
        }
        for id in &self.gone {
            if let Some(place) = places.get(id) {
                return Err(format!("{id} came back into {place:?}"));
            }
        }
        for (id, wanted) in &self.placed {
            let is_held = places.get(id) == Some(&Place::Hold);
            if is_held != (*wanted == Wanted::Held) {
                return Err(format!("{id} is not {wanted:?}"));
            }
        }
        for id in self.recorded.keys() {
            if !places.contains_key(id) && !self.removing.contains(id) {
                return Err(format!("{id} is lost"));
            }
        }
        Ok(())
    }

    /// After everything was sent: each promise was kept, once.
    pub(crate) fn check_end(&self) -> Result<(), String> {
        let mut arrived: BTreeMap<&str, BTreeMap<QueueId, BTreeSet<&str>>> = BTreeMap::new();
        for ((id, to), content) in &self.mail {
            let ids = arrived.entry(content).or_default();
            ids.entry(*id).or_default().insert(to);
        }
        for (content, ids) in &arrived {
            if ids.len() > 1 {
                return Err(format!("{content} came {} times", ids.len()));
            }
        }
        for (content, recipients) in &self.promised {
            let is_failing = |to: &&String| to.starts_with("fail");
            let is_alias = |to: &&String| to.starts_with("alias");
            let good = recipients
                .iter()
                .filter(|to| !is_failing(to) && !is_alias(to));
            let came = arrived
                .get(content.as_str())
                .and_then(|ids| ids.values().next());
            for to in good {
                if came.is_none_or(|came| !came.contains(to.as_str())) {
                    return Err(format!("{content} for {to} is lost"));
                }
            }
            for forward in forwards_of(content) {
                if recipients.iter().any(|to| is_alias(&to))
                    && !arrived.contains_key(forward.as_str())
                {
                    return Err(format!("{forward} is lost"));
                }
            }
            if recipients.iter().any(|to| is_failing(&to))
                && !arrived.contains_key(bounce_of(content).as_str())
            {
                return Err(format!("the bounce of {content} is lost"));
            }
        }
        Ok(())
    }
}

/// The contents of the two children that a message to an alias goes on as.
pub(crate) fn forwards_of(content: &str) -> [String; 2] {
    ["first", "second"].map(|which| format!("{which} of {content}"))
}

/// The content of a bounce.
pub(crate) fn bounce_of(content: &str) -> String {
    format!("bounce of {content}")
}

/// An envelope for these recipients: `alias…` stands for others, `ok…` takes mail, `late…` takes it the second time, `fail…` never does.
pub(crate) fn envelope(from: &str, to: &[&str], parent: Option<QueueId>) -> Envelope {
    let mailbox = |text: &str| format!("{text}@example.org");
    let recipient = |text: &&str| Recipient {
        mailbox: stafette_addr::Mailbox::parse(mailbox(text).as_bytes()).unwrap(),
        notify: None,
        orcpt: None,
        expanded: stafette_wire::envelope::Expanded::No,
    };
    let path = if from.is_empty() {
        String::new()
    } else {
        mailbox(from)
    };
    Envelope {
        arrived: NOW,
        origin: Origin {
            protocol: "ESMTP".to_owned(),
            helo: Bytes::from("client.example"),
            address: None,
            name: Bytes::default(),
        },
        uid: None,
        parent,
        sender: Sender {
            from: stafette_addr::ReversePath::parse(path.as_bytes()).unwrap(),
            body: Body::SevenBit,
            smtputf8: false,
            ret: None,
            envid: None,
            verp: false,
        },
        recipients: to.iter().map(recipient).collect(),
        add: Vec::new(),
    }
}
