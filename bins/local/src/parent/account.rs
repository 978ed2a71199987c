//! Looking accounts up without waiting for them: questions to the processes that do it, answers, and what is refused.

use std::time::{Duration, Instant};

use stafette_directory::Line;
use stafette_sys::fork::{self, Pid};
use stafette_sys::packet::Socket;
use stafette_sys::signal::Signal;
use stafette_wire::MAX_PACKET;

use super::pool::{Ready, Stage};
use super::{Parent, complain};
use crate::accounts::{self, Answer, Deliver, Found};
use crate::instruction::{Instruction, parse_instructions};
use crate::task::{OwnFiles, Task, Work};
use crate::verdict::Verdict;
use crate::worker::{Identity, Role};

/// Processes that look up; one may wait for the database while another goes on.
const HELPERS: usize = 2;
/// How many of them may die over one question.
const DEATHS: u32 = 3;
/// How long an answer is used again.
const FRESH: Duration = Duration::from_secs(1);
/// Answers kept.
const CACHE: usize = 10_000;

/// A process that looks up accounts.
#[derive(Debug)]
pub(super) struct Helper {
    pid: Pid,
    socket: Socket,
    /// What it was asked, and when.
    asked: Option<(Vec<u8>, Instant)>,
}

/// A recipient that is being looked up.
#[derive(Debug)]
pub(super) struct Question {
    since: Instant,
    /// Processes that died over it.
    deaths: u32,
    /// Jobs that wait for the answer.
    jobs: Vec<u64>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            deaths: 0,
            jobs: Vec::new(),
        }
    }
}

impl Parent {
    /// Finds the account for a job that was just taken: from the last second's answers, or by asking.
    pub(super) fn look_up(&mut self, job: u64) {
        let Some(held) = self.jobs.get(&job) else {
            return;
        };
        let asked = held.asked.clone();
        let known = self
            .cache
            .get(&asked)
            .filter(|(at, _)| at.elapsed() < FRESH);
        if let Some(found) = known.map(|(_, found)| found.clone()) {
            return self.take_account(job, &found);
        }
        let question = self.questions.entry(asked.clone()).or_insert_with(|| {
            self.unasked.push_back(asked);
            Question::default()
        });
        question.jobs.push(job);
    }

    /// Gives questions to processes that have none, starting one if need be.
    pub(super) fn ask_helpers(&mut self) {
        while let Some(question) = self.unasked.front().cloned() {
            let is_full = self.helpers.len() >= HELPERS;
            let free = self
                .helpers
                .values_mut()
                .find(|helper| helper.asked.is_none());
            let asked = match free {
                Some(helper) => helper
                    .ask(question)
                    .map(|()| drop(self.unasked.pop_front())),
                None if is_full => return,
                None => self.start_helper(),
            };
            if let Err(error) = asked {
                // The question grows old, and its jobs are then deferred.
                return complain("unable to ask for an account", &error);
            }
        }
    }

    fn start_helper(&mut self) -> std::io::Result<()> {
        let (token, pid, socket) = self.start_child(|parent, socket| {
            accounts::serve(
                &parent.instance,
                &parent.settings,
                parent.setting.becomes,
                socket,
            )
        })?;
        let helper = Helper {
            pid,
            socket,
            asked: None,
        };
        self.helpers.insert(token, helper);
        Ok(())
    }

    pub(super) fn hear_helper(&mut self, token: u64) {
        let Some(helper) = self.helpers.get_mut(&token) else {
            return;
        };
        let mut packet = vec![0; MAX_PACKET];
        let answer = match helper.socket.try_recv(&mut packet) {
            Ok((0, _)) => Err("it ended".to_owned()),
            Ok((length, _)) => Answer::decode(packet.get(..length).unwrap_or_default())
                .map_err(|error| error.to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(error) => Err(error.to_string()),
        };
        match (answer, helper.asked.take()) {
            (Ok(answer), Some((asked, _))) => self.take_answer(&asked, &answer),
            (Err(_), asked) => {
                self.end_helper(token);
                self.ask_again(asked);
            }
            (Ok(_), None) => self.end_helper(token),
        }
    }

    /// Ends a process that looks up.
    fn end_helper(&mut self, token: u64) {
        if let Some(helper) = self.helpers.remove(&token) {
            // It may be gone already; if not, it must not come to an end of its own with an old answer.
            fork::kill(helper.pid, Signal::Kill).unwrap_or(());
            if let Ok(core) = self.core() {
                core.poller
                    .remove(super::ours_fd(&helper.socket))
                    .unwrap_or(());
            }
        }
    }

    /// What a process was asked.
    fn asked_of(&mut self, token: u64) -> Option<(Vec<u8>, Instant)> {
        let helper = self.helpers.get_mut(&token)?;
        helper.asked.take()
    }

    /// A process that looks up has died.
    pub(super) fn lose_helper(&mut self, token: u64) {
        let asked = self.asked_of(token);
        self.end_helper(token);
        self.ask_again(asked);
    }

    /// What a process was asked before it died is asked once more, since its death is nobody's answer; but not without end.
    fn ask_again(&mut self, asked: Option<(Vec<u8>, Instant)>) {
        let Some((asked, _)) = asked else { return };
        let Some(question) = self.questions.get_mut(&asked) else {
            return;
        };
        question.deaths += 1;
        if question.deaths > DEATHS {
            self.take_answer(&asked, &silence());
        } else {
            self.unasked.push_front(asked);
        }
    }

    /// Questions and answers that take too long.
    pub(super) fn look_at_accounts(&mut self) {
        let limit = self.limits.account_time;
        let late = |helper: &Helper| {
            helper
                .asked
                .as_ref()
                .is_some_and(|(_, at)| at.elapsed() > limit)
        };
        let silent: Vec<u64> = self
            .helpers
            .iter()
            .filter(|(_, helper)| late(helper))
            .map(|(token, _)| *token)
            .collect();
        for token in silent {
            let asked = self.asked_of(token);
            self.end_helper(token);
            if let Some((asked, _)) = asked {
                self.take_answer(&asked, &silence());
            }
        }
        let late = |question: &Question| question.since.elapsed() > limit;
        let late: Vec<Vec<u8>> = self
            .questions
            .iter()
            .filter(|(_, question)| late(question))
            .map(|(asked, _)| asked.clone())
            .collect();
        for asked in late {
            self.unasked.retain(|each| *each != asked);
            self.take_answer(&asked, &silence());
        }
    }

    /// An answer is for all jobs that wait for it.
    fn take_answer(&mut self, asked: &[u8], answer: &Answer) {
        let jobs = self.questions.remove(asked).map(|question| question.jobs);
        if let Answer::Found(found) = answer {
            if self.cache.len() >= CACHE {
                self.cache.clear();
            }
            self.cache
                .insert(asked.to_owned(), (Instant::now(), found.clone()));
        }
        for job in jobs.unwrap_or_default() {
            match answer {
                Answer::Found(found) => self.take_account(job, found),
                Answer::Nobody => self.end_job(
                    job,
                    Verdict::failed("5.1.1", "there is no such mailbox here"),
                ),
                Answer::Refused {
                    is_final,
                    status,
                    text,
                } => self.end_job(job, refusal(*is_final, status, text)),
                Answer::Later(reason) => {
                    self.end_job(job, Verdict::deferred("4.3.0", reason.as_str()));
                }
            }
        }
    }

    /// The account is found: what is to be done, and as whom, is decided here.
    fn take_account(&mut self, job: u64, found: &Found) {
        match self.ready(found) {
            Ok((identity, work)) => {
                let Some(held) = self.jobs.get_mut(&job) else {
                    return;
                };
                held.stage = match std::mem::replace(&mut held.stage, Stage::Nothing) {
                    Stage::Looking(mut job, file) => {
                        if let Deliver::Account {
                            known_as: Some(known_as),
                            ..
                        } = &found.what
                        {
                            for to in &mut job.recipients {
                                to.recipient.mailbox = known_as.clone();
                            }
                        }
                        let task = Task {
                            job: *job,
                            home: found.home.clone(),
                            work,
                            may_be_there: true,
                        };
                        Stage::Ready(Box::new(Ready {
                            identity,
                            task,
                            file,
                        }))
                    }
                    other => other,
                };
                self.waiting.push_back(job);
            }
            Err(verdict) => self.end_job(job, verdict),
        }
    }

    fn ready(&self, found: &Found) -> Result<(Identity, Work), Verdict> {
        let name = &found.name;
        if found.uid == 0 || found.gid == 0 {
            return Err(Verdict::failed(
                "5.7.0",
                format!("no mail is delivered as root (account {name})"),
            ));
        }
        if !self.setting.becomes && found.uid != self.own_uid {
            let words = format!(
                "account {name} is user {}, and local runs as user {} and cannot become another",
                found.uid, self.own_uid
            );
            return Err(Verdict::deferred("4.3.5", words));
        }
        // An account's files say what runs as it; a command that does not come from there is the alias user's, whoever named another.
        let is_command = !matches!(found.what, Deliver::Account { .. });
        if self.setting.becomes && is_command && self.alias_uid != Some(found.uid) {
            let words = format!(
                "user {name} is not aliasuser, as it was when local started: restart it if that was changed"
            );
            return Err(Verdict::deferred("4.3.5", words));
        }
        let (work, role) = self.work(&found.what)?;
        let identity = Identity {
            uid: found.uid,
            gid: found.gid,
            name: name.clone(),
            role,
        };
        Ok((identity, work))
    }

    /// What a worker is told, and which kind of worker. Where nothing but the system's spool and a file of the user can
    /// matter, a plain worker looks for the file first.
    fn work(&self, what: &Deliver) -> Result<(Work, Role), Verdict> {
        Ok(match what {
            Deliver::Account {
                dash,
                ext,
                delivery,
                known_as: _,
            } => {
                let default = parse_instructions(delivery).map_err(|mistake| {
                    Verdict::deferred("4.3.5", format!("defaultdelivery: {}", mistake.problem))
                })?;
                let needs_group = default.iter().any(Instruction::needs_group_mail);
                let own = OwnFiles {
                    dash: dash.clone(),
                    ext: ext.clone(),
                    default,
                    has_spool_worker: needs_group && self.spool_group().is_some(),
                };
                (Work::Account(own), Role::Plain)
            }
            Deliver::Lines(lines) => {
                let has_programs = lines.iter().any(|line| matches!(line, Line::Program(_)));
                let role = if has_programs {
                    Role::Programs
                } else {
                    Role::Plain
                };
                (Work::Lines(lines.clone()), role)
            }
            Deliver::Mailer(program) => (Work::Mailer(program.clone()), Role::Programs),
        })
    }

    /// The group that workers for the system's spool get; none if they cannot get any.
    pub(super) fn spool_group(&self) -> Option<u32> {
        self.mail_group.filter(|_| self.setting.becomes)
    }
}

/// In the words of the table, as far as they are what a reply has.
fn refusal(is_final: bool, status: &str, text: &str) -> Verdict {
    let class = if is_final { "5." } else { "4." };
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let is_status = status.len() <= 9 && status.starts_with(class) && status.bytes().all(is_plain);
    if is_final {
        Verdict::failed(if is_status { status } else { "5.7.1" }, text)
    } else {
        Verdict::deferred(if is_status { status } else { "4.7.1" }, text)
    }
}

fn silence() -> Answer {
    Answer::Later("the account database does not answer".to_owned())
}

impl Helper {
    fn ask(&mut self, question: Vec<u8>) -> std::io::Result<()> {
        self.socket.try_send(&question, &[])?;
        self.asked = Some((question, Instant::now()));
        Ok(())
    }

    pub(super) fn is(&self, pid: Pid) -> bool {
        self.pid == pid
    }
}
