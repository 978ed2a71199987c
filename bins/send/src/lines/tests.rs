use super::*;
use crate::key::Key;
use stafette_wire::QueueId;

const NOW: i64 = 1000;

fn lines(total: u32) -> Lines {
    let mut lines = Lines::new(Limits {
        initial: 5,
        remote: 20,
    });
    lines.set_total(Channel::Remote, total);
    lines.set_total(Channel::Local, total);
    lines
}

fn hop(name: &str) -> NextHop {
    NextHop {
        line: name.into(),
        host: name.into(),
        port: 25,
        mx: true,
        protocol: stafette_wire::delivery::Protocol::Smtp,
    }
}

fn entry(number: u64) -> Entry {
    Entry {
        key: Key::from(QueueId::new(number, [0; 9])),
        round: 1,
        since: 0,
        recipients: [0].into(),
        sender: None,
    }
}

fn fill(lines: &mut Lines, name: &str, class: Class, count: u64) -> LineId {
    let id = lines.open(name, Some(&hop(name)));
    for number in 0..count {
        lines.push(id, class, entry(number));
    }
    id
}

fn drawn(lines: &mut Lines, count: usize) -> Vec<(Slot, Entry)> {
    std::iter::from_fn(|| lines.next(Channel::Remote, NOW))
        .take(count)
        .collect()
}

#[test]
fn lines_take_turns_and_one_stays_within_its_window() {
    let mut lines = lines(100);
    let slow = fill(&mut lines, "slow.example", Class::Letter, 1000);
    let live = fill(&mut lines, "live.example", Class::Letter, 2);
    let slots: Vec<_> = drawn(&mut lines, 100)
        .iter()
        .map(|(slot, _)| slot.line)
        .collect();
    assert_eq!(slots.iter().filter(|id| **id == slow).count(), 5);
    assert_eq!(slots.get(1), Some(&live));
}

#[test]
fn hanging_hosts_leave_room_for_those_that_are_known_to_work() {
    let mut lines = lines(40);
    let live = fill(&mut lines, "live.example", Class::Letter, 1);
    let (slot, _) = lines.next(Channel::Remote, NOW).unwrap();
    lines.end(slot, Host::Alive, true, NOW);
    for number in 0..1000 {
        fill(&mut lines, &format!("{number}.example"), Class::Letter, 10);
    }
    assert_eq!(drawn(&mut lines, 1000).len(), 30);
    lines.push(live, Class::Letter, entry(7));
    let (slot, _) = lines.next(Channel::Remote, NOW).unwrap();
    assert_eq!(slot.line, live);
}

#[test]
fn a_letter_does_not_wait_behind_a_mailing() {
    let mut lines = lines(40);
    for number in 0..100 {
        fill(&mut lines, &format!("{number}.example"), Class::Bulk, 10);
    }
    let slots = drawn(&mut lines, 100);
    assert_eq!(slots.len(), 30);
    let letter = fill(&mut lines, "50.example", Class::Letter, 1);
    assert!(
        lines.next(Channel::Remote, NOW).is_none(),
        "nothing is known of any of these hosts, and they have all that such hosts get"
    );
    let (slot, _) = slots.first().unwrap();
    lines.end(*slot, Host::Alive, true, NOW);
    let (slot, _) = lines.next(Channel::Remote, NOW).unwrap();
    assert_eq!((slot.line, slot.class), (letter, Class::Letter));
}

#[test]
fn a_dead_line_gives_nothing_until_its_pause_is_over_and_then_one_job() {
    let mut lines = lines(40);
    let dead = fill(&mut lines, "dead.example", Class::Letter, 10);
    let slots = drawn(&mut lines, 100);
    assert_eq!(slots.len(), 5);
    let news: Vec<_> = slots
        .iter()
        .map(|(slot, _)| lines.end(*slot, Host::Dead, false, NOW))
        .collect();
    assert_eq!(
        news.iter().filter(|news| **news != News::Nothing).count(),
        1
    );
    assert_eq!(
        news.first(),
        Some(&News::Died {
            until: NOW + 60,
            count: 1
        })
    );
    assert_eq!(lines.drain(dead).len(), 5);
    assert!(lines.next(Channel::Remote, NOW).is_none());
    for number in 0..5 {
        lines.push(dead, Class::Letter, entry(number));
    }
    assert!(lines.next(Channel::Remote, NOW + 59).is_none());
    lines.forget_deaths(Some(dead));
    assert!(lines.next(Channel::Remote, NOW + 59).is_some());
    let later = lines.next(Channel::Remote, NOW + 59);
    assert!(later.is_none(), "its window fell to its least: {later:?}");
}

#[test]
fn a_channel_without_its_parent_gives_nothing() {
    let mut lines = lines(0);
    fill(&mut lines, "a.example", Class::Letter, 1);
    assert!(lines.next(Channel::Remote, NOW).is_none());
    lines.set_total(Channel::Remote, 1);
    let (slot, _) = lines.next(Channel::Remote, NOW).unwrap();
    assert!(lines.next(Channel::Remote, NOW).is_none());
    lines.release(slot);
}

#[test]
fn an_account_and_a_route_of_one_name_are_two_lines() {
    let mut lines = lines(1);
    assert_ne!(
        lines.open("local:25", None),
        lines.open("local:25", Some(&hop("local:25")))
    );
}

#[test]
fn idle_lines_are_dropped_and_dead_ones_remembered() {
    let mut lines = lines(100);
    fill(&mut lines, "dead.example", Class::Letter, 1);
    fill(&mut lines, "idle.example", Class::Letter, 1);
    for (slot, _) in drawn(&mut lines, 2) {
        let host = match lines.get(slot.line) {
            Some(line) if &*line.name == "dead.example" => Host::Dead,
            _ => Host::Unknown,
        };
        lines.end(slot, host, false, NOW);
    }
    lines.tidy(NOW);
    assert!(lines.find(Channel::Remote, "dead.example").is_some());
    assert!(lines.find(Channel::Remote, "idle.example").is_none());
    lines.tidy(NOW + 10_000);
    assert!(lines.ids().is_empty());
}
