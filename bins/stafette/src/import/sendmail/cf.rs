//! sendmail.cf: macros, classes and options. Rules are not read.

use crate::import::Imported;
use crate::import::files::{Files, lines, optional};

pub(super) fn read(files: &dyn Files, out: &mut Imported, file: &str, bytes: &[u8]) {
    let mut rules = 0_usize;
    for line in lines(out, file, bytes, true) {
        let place = &line.place;
        let mut signs = line.text.chars();
        let kind = signs.next().unwrap_or_default();
        let rest = signs.as_str();
        match kind {
            'D' => macro_line(out, place, rest),
            'C' => {
                let (class, words) = name(rest);
                for word in words.split_ascii_whitespace() {
                    class_entry(out, place, class, word);
                }
            }
            'F' => {
                let (class, path) = name(rest);
                let path = path.trim().trim_start_matches("-o").trim();
                let path = path.split_ascii_whitespace().next().unwrap_or_default();
                // Those beside the file are read in any case.
                let is_usual = ["local-host-names", "relay-domains", "trusted-users"]
                    .iter()
                    .any(|usual| path.ends_with(usual));
                if !is_usual {
                    for line in optional(files, out, path).unwrap_or_default() {
                        class_entry(out, &line.place, class, &line.text);
                    }
                }
            }
            'O' => {
                let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
                option(out, place, name.trim(), value.trim());
            }
            _ => rules += 1,
        }
    }
    if rules > 0 {
        out.note(
            file,
            format!("{rules} lines of rules, mailers, maps and header sections"),
            "those that sendmail's own macros made need nothing; say rules of your own with virtusertable, mailertable, access and genericstable",
        );
    }
}

/// The name of a macro or class, and the value.
fn name(text: &str) -> (&str, &str) {
    if let Some((name, value)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        return (name, value);
    }
    let end = text.chars().next().map_or(0, char::len_utf8);
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn macro_line(out: &mut Imported, place: &str, rest: &str) {
    let (name, value) = name(rest);
    match (name, value) {
        (_, "") => {}
        ("j", value) if !value.contains('$') => out.one("me", place, value),
        ("m", value) if !value.contains('$') => out.one("defaultdomain", place, value),
        ("M", value) => out.one("masquerade", place, value),
        ("S", value) => super::smart_host(out, place, value),
        // Version, names and formats of sendmail itself.
        ("n" | "Z" | "j" | "l" | "o" | "q" | "e" | "P", _) => {
            out.not_needed(&format!("macro {name}"));
        }
        _ => out.note(
            place,
            format!("the macro {name}: {value}"),
            "Stafette has no macros: see what used it",
        ),
    }
}

fn class_entry(out: &mut Imported, place: &str, class: &str, word: &str) {
    match class {
        "w" => out.add("locals", place, word),
        "M" => out.add("masqueradedomains", place, word),
        "E" => out.add("masqueradeexceptions", place, word),
        "R" => super::relay(out, place, word),
        "t" => out.add("trustedusers", place, word),
        "P" | "O" | "." | "[" | "=" | "e" | "n" | "B" | "k" | "src" => {
            out.not_needed(&format!("class {class}"));
        }
        _ => out.note(
            place,
            format!("the class {class}: {word}"),
            "Stafette has no classes: see what used it",
        ),
    }
}

fn option(out: &mut Imported, place: &str, name: &str, value: &str) {
    if name == "DaemonPortOptions" {
        return super::mc::daemon(out, place, value);
    }
    // Where sendmail has its files, and how it works inside.
    const INNER: &str = "AliasFile HelpFile StatusFile QueueDirectory DeliveryMode TempFileMode LogLevel ForwardPath SevenBitInput \
        EightBitMode AliasWait HoldExpensive CheckAliases DontExpandCnames MatchGECOS BlankSub OldStyleHeaders UnixFromLine \
        OperatorChars DontProbeInterfaces Timeout.ident Timeout.initial SuperSafe SendMimeErrors UseErrorsTo AllowBogusHELO \
        TrustedUser ControlSocketName ConnectionCacheSize ConnectionCacheTimeout UseMSP PidFile";
    if INNER.split_ascii_whitespace().any(|inner| inner == name) {
        return out.not_needed(name);
    }
    super::option::option(out, place, name, value);
}
