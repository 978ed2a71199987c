//! Answers of the DNS, as far as they reach us: whatever resolve says, the way ends and never leads to ourselves.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use stafette_dns::{Answer, Ask, Own, Route};
use stafette_wire::Packet;
use stafette_wire::delivery::NextHop;
use stafette_wire::resolve::{Exchanger, FromResolve};

struct Said(Vec<FromResolve>);

impl Ask for Said {
    fn exchangers(&mut self, _: &str) -> Answer<Vec<Exchanger>> {
        match self.0.pop() {
            Some(FromResolve::Exchangers { exchangers, .. }) => Answer::Found(exchangers),
            Some(FromResolve::NoSuchName { .. }) => Answer::NoSuchName,
            _ => Answer::Later("nothing".into()),
        }
    }
    fn addresses(&mut self, _: &str) -> Answer<Vec<IpAddr>> {
        match self.0.pop() {
            Some(FromResolve::Addresses { addresses, .. }) => Answer::Found(addresses),
            Some(FromResolve::NoSuchName { .. }) => Answer::NoSuchName,
            _ => Answer::Later("nothing".into()),
        }
    }
}

/// The packets stand in the data behind their lengths; they are the answers, last first.
pub fn exchangers_lead_somewhere_else(data: &[u8]) {
    let mut answers = Vec::new();
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first() {
        let (packet, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        answers.extend(FromResolve::decode(packet));
        rest = tail;
    }
    let myself: IpAddr = Ipv4Addr::new(192, 0, 2, 1).into();
    let own = Own::new(
        &["me.test".to_owned()],
        vec![SocketAddr::new(myself, 25)],
        |_| false,
    );
    let mut said = Said(answers);
    let hop = NextHop {
        line: "x.test".into(),
        host: "x.test".into(),
        port: 25,
        mx: true,
        protocol: stafette_wire::delivery::Protocol::Smtp,
    };
    let mut count = 0u64;
    let mut random = |bound: usize| {
        count += 1;
        usize::try_from(count).unwrap_or(0) % bound.max(1)
    };
    let mut route = Route::start(&hop, &mut said, &own, &mut random);
    for _ in 0..100_000 {
        let Some(target) = route.next(&mut said, &own, &mut random) else {
            return;
        };
        assert_ne!(target.address.ip(), myself);
    }
    panic!("the way does not end");
}
