//! Doing what the scheduler wants.

use stafette_log::{Severity, event};
use stafette_wire::Packet;
use stafette_wire::clean::ToClean;
use stafette_wire::delivery::ToDelivery;
use stafette_wire::users::ToUsers;

use super::Service;
use super::program::Program;
use crate::effect::Effect;
use crate::reporter::Task;

impl Service {
    pub(super) fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Load(key) => self.readers.put(key),
            Effect::Lookup {
                seq,
                mailbox,
                expanded,
                forwarded,
            } => {
                let packet = ToUsers::Lookup {
                    seq,
                    mailbox,
                    expanded,
                    forwarded,
                };
                self.say(Program::Users, packet.encode());
            }
            Effect::Start { channel, job, file } => {
                let program = Program::of_channel(channel);
                let packet = ToDelivery::Job { job: *job }.encode();
                if self.link(program).send(packet, file).is_err() {
                    self.went(program);
                }
            }
            Effect::Acknowledge { channel, job } => {
                let packet = ToDelivery::Acknowledge { job }.encode();
                self.say(Program::of_channel(channel), packet);
            }
            Effect::Record {
                seq,
                id,
                events,
                then,
            } => {
                let packet = ToClean::Record {
                    seq,
                    id,
                    events,
                    then,
                };
                self.say(Program::Clean, packet.encode());
            }
            Effect::Report(order) => {
                let task = Task::Report(order, self.identity.clone());
                self.reporters.put(task);
            }
            Effect::Forward(order) => self.reporters.put(Task::Forward(order)),
            Effect::Find(wanted) => self.scanner.search(wanted),
            Effect::Raw(line) => stafette_log::raw(Severity::Info, &line),
            Effect::Answer { client, packet } => self.answer(client, &packet),
            Effect::Log {
                event: what,
                id,
                fields,
            } => {
                let fields: Vec<(&str, &[u8])> = fields
                    .0
                    .iter()
                    .map(|(key, value)| (*key, value.as_slice()))
                    .collect();
                event(
                    what,
                    id.as_ref().map(stafette_wire::QueueId::as_str),
                    &fields,
                );
            }
        }
    }
}
