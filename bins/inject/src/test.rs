//! `-bt`: a dialogue about addresses, as in sendmail: `3,0 user@host` or an address alone, `/quit`, `?`.

use std::io::{self, BufRead, BufReader, Read, Write, stdin, stdout};

use stafette_addr::Mailbox;
use stafette_control::Instance;
use stafette_directory::{Directory, What};
use stafette_wire::envelope::Expanded;

use crate::failure::Failure;
use crate::identity::Names;
use crate::listing::{Lenient, plain};
use crate::operator::unwritable;
use crate::{needs, verify};

/// Octets of a line that are read.
const LINE_LIMIT: u64 = 64 * 1024;

const GREETING: &str = "ADDRESS TEST MODE (there are no rulesets: tables and accounts decide)\nEnter <address>, or <ruleset> <address> as for sendmail; ? for help";
const HELP: &str = "\
ADDRESS            where mail for it goes, and which lines decided
3,0 ADDRESS        the same; so with any other rulesets
/parse ADDRESS     the same
/mx HOST           mail exchangers: ask dig MX HOST
/quit              end, as does the end of the input
# TEXT             nothing";

/// The dialogue, until the input ends.
pub(crate) fn run(instance: &Instance) -> Result<(), Failure> {
    let names = Names::read(instance);
    let settings = instance.settings();
    let mut directory = Directory::load(instance, &settings);
    needs::confine_asker(instance)?;
    let mut input = BufReader::new(stdin().lock());
    let mut out = Lenient(stdout().lock());
    let mut line = Vec::new();
    writeln!(out, "{GREETING}").map_err(|error| unwritable(&error))?;
    loop {
        write!(out, "> ")
            .and_then(|()| out.flush())
            .map_err(|error| unwritable(&error))?;
        line.clear();
        match input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
        directory.refresh(&settings);
        let text = line.trim_ascii();
        if matches!(text, b"/quit" | b"/q" | b"/exit") {
            return Ok(());
        }
        answer(&names, &directory, text, &mut out).map_err(|error| unwritable(&error))?;
    }
    writeln!(out).map_err(|error| unwritable(&error))
}

fn answer(
    names: &Names,
    directory: &Directory,
    line: &[u8],
    out: &mut impl Write,
) -> io::Result<()> {
    let (first, rest) = match line.iter().position(u8::is_ascii_whitespace) {
        Some(at) => {
            let (first, rest) = line.split_at_checked(at).unwrap_or((line, b""));
            (first, rest.trim_ascii_start())
        }
        None => (line, &b""[..]),
    };
    match (first, rest) {
        (b"", _) | ([b'#', ..], _) => Ok(()),
        (b"?" | b"/help" | b"help", b"") => writeln!(out, "{HELP}"),
        (b"/mx", host) => writeln!(out, "ask: dig MX {}", plain(host, 255)),
        (b"/parse", address) => addresses(names, directory, address, out),
        ([b'/' | b'=' | b'$' | b'.' | b'-', ..], _) => {
            writeln!(out, "{}: not known here; ? for help", plain(first, 60))
        }
        (_, b"") => addresses(names, directory, first, out),
        (rulesets, address) if is_rulesets(rulesets) => addresses(names, directory, address, out),
        _ => addresses(names, directory, line, out),
    }
}

/// `3,0` or `check_rcpt`.
fn is_rulesets(word: &[u8]) -> bool {
    word.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b',' | b'_'))
}

fn addresses(
    names: &Names,
    directory: &Directory,
    text: &[u8],
    out: &mut impl Write,
) -> io::Result<()> {
    match names.recipients(text, false) {
        Ok(list) => list
            .iter()
            .try_for_each(|mailbox| address(directory, text, mailbox, out)),
        Err(failure) => writeln!(out, "{}", plain(failure.text.as_bytes(), 500)),
    }
}

fn address(
    directory: &Directory,
    text: &[u8],
    mailbox: &Mailbox,
    out: &mut impl Write,
) -> io::Result<()> {
    let resolution = directory.resolve(mailbox, Expanded::No);
    let shown = |text: String| plain(text.as_bytes(), 500);
    writeln!(out, "canonify           input: {}", plain(text, 500))?;
    writeln!(
        out,
        "canonify         returns: {}",
        shown(mailbox.to_string())
    )?;
    writeln!(
        out,
        "parse              input: {}",
        shown(mailbox.to_string())
    )?;
    write!(out, "parse            returns: $# {}", resolution.mailer())?;
    let host = resolution.host();
    if !host.is_empty() {
        write!(out, " $@ {}", shown(host))?;
    }
    writeln!(out, " $: {}", shown(resolution.user()))?;
    if let What::Expand { targets, .. } = &resolution.what {
        for target in targets {
            let way = directory.resolve(&target.mailbox, target.expanded);
            writeln!(
                out,
                "    {}... {}",
                shown(target.mailbox.to_string()),
                shown(way.to_string())
            )?;
        }
    }
    writeln!(out, "{}", shown(resolution.to_string()))?;
    verify::decided(&resolution, out)
}
