//! `stafette import`: reads another mail system's settings, writes ours, and lists plainly what it could not translate.
//!
//! Each system is a function from the texts of its files to [`Imported`]; nothing of it is run or asked. What is there in our settings
//! stays as it is. Passwords are never read into settings, which everybody may read: they are listed as to be done by hand.

mod exim;
mod files;
mod imported;
mod msmtp;
mod nullmailer;
mod postfix;
mod qmail;
mod sendmail;
#[cfg(test)]
mod tests;
mod write;

use std::io::Write;
use std::path::Path;

use clap::ValueEnum;
use stafette_control::Instance;

pub(crate) use self::files::{Files, Folder};
pub(crate) use self::imported::Imported;
use self::write::Fate;
use crate::failure::Failure;

/// Whose settings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// main.cf, master.cf and the maps they name.
    Postfix,
    /// sendmail.mc, else sendmail.cf, and the tables beside it.
    Sendmail,
    /// control/, users/assign and alias/.
    Qmail,
    /// Debian's update-exim4.conf.conf, or the literals of a whole configuration.
    Exim,
    /// me, remotes and the other files of nullmailer.
    Nullmailer,
    /// msmtprc.
    Msmtp,
}

impl System {
    /// Where its settings usually are.
    const fn usual(self) -> &'static str {
        match self {
            Self::Postfix => "/etc/postfix",
            Self::Sendmail => "/etc/mail",
            Self::Qmail => "/var/qmail",
            Self::Exim => "/etc/exim4",
            Self::Nullmailer => "/etc/nullmailer",
            Self::Msmtp => "/etc",
        }
    }

    /// What must be there.
    const fn needs(self) -> &'static str {
        match self {
            Self::Postfix => "main.cf",
            Self::Sendmail => "sendmail.mc or sendmail.cf",
            Self::Qmail => "control/",
            Self::Exim => "update-exim4.conf.conf, exim4.conf or configure",
            Self::Nullmailer => "remotes, me or defaultdomain",
            Self::Msmtp => "msmtprc or .msmtprc",
        }
    }

    /// Reads its settings; none if it is not there.
    pub(crate) fn read(self, files: &dyn Files) -> Option<Imported> {
        match self {
            Self::Postfix => postfix::read(files),
            Self::Sendmail => sendmail::read(files),
            Self::Qmail => qmail::read(files),
            Self::Exim => exim::read(files),
            Self::Nullmailer => nullmailer::read(files),
            Self::Msmtp => msmtp::read(files),
        }
    }
}

/// Imports `directory` into the settings at `to`, or says what that would do.
pub(crate) fn import(
    instance: &Instance,
    system: System,
    directory: &Path,
    to: Option<&Path>,
    is_dry: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let etc = to.unwrap_or(&instance.etc);
    if !etc.is_dir() {
        return Err(Failure::Never(format!(
            "{} is not a directory; make it, or name another one with --to",
            etc.display()
        )));
    }
    let folder = Folder::new(directory, system.usual());
    let Some(mut imported) = system.read(&folder) else {
        return Err(Failure::Never(format!(
            "there are no such settings in {}: it has no {} that can be read",
            directory.display(),
            system.needs()
        )));
    };
    // An installed instance reads the aliases of the machine where they are, and goes on doing so when they change.
    let reads_system_aliases = to.is_none()
        && instance.is_installed()
        && imported.alias_files == ["/etc/aliases"]
        && Folder::new(directory, system.usual()).reads_this_machine();
    if reads_system_aliases && imported.settings.remove("aliases").is_some() {
        writeln!(out, "kept     /etc/aliases: read where it is")?;
    }
    for (name, lines) in &imported.settings {
        let path = etc.join(name);
        let fate = if is_dry {
            write::look(&path, lines)
        } else {
            write::write(etc, name, lines)
        };
        let fate =
            fate.map_err(|error| Failure::system(&format!("write {}", path.display()), &error))?;
        tell(&path, lines, fate, is_dry, out)?;
    }
    finish(&imported, out)
}

fn tell(
    path: &Path,
    lines: &[String],
    fate: Fate,
    is_dry: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let path = path.display();
    match fate {
        Fate::Written if is_dry => writeln!(out, "would write {path}:")?,
        Fate::Written => writeln!(out, "written  {path}")?,
        Fate::Same => writeln!(out, "kept     {path}: it says the same")?,
        Fate::Kept => writeln!(
            out,
            "kept     {path}: it was there; what was found and not written:"
        )?,
    }
    if fate == Fate::Kept || (is_dry && fate == Fate::Written) {
        for line in lines {
            writeln!(out, "         {}", plain(line))?;
        }
    }
    Ok(())
}

fn finish(imported: &Imported, out: &mut impl Write) -> Result<(), Failure> {
    if !imported.not_needed.is_empty() {
        let names = plain(&imported.not_needed.join(", "));
        writeln!(out, "nothing to do for: {names}")?;
    }
    match imported.untranslated.len() {
        0 => writeln!(out, "everything was translated")?,
        count => writeln!(out, "not translated, to be looked at by hand ({count}):")?,
    }
    for item in &imported.untranslated {
        writeln!(
            out,
            "{}: {}\n    {}",
            plain(&item.place),
            plain(&item.what),
            plain(&item.advice)
        )?;
    }
    writeln!(out, "then run stafette maps and stafette check")?;
    Ok(())
}

/// Without what could steer a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|sign| if sign.is_control() { '?' } else { sign })
        .collect()
}

/// A time such as `5d` or `1h30m` in seconds; a number alone counts in `unit`.
fn seconds(text: &str, unit: u64) -> Option<u64> {
    let mut sum: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest
            .find(|sign: char| !sign.is_ascii_digit())
            .unwrap_or(rest.len());
        let (digits, behind) = rest.split_at_checked(end)?;
        let number: u64 = digits.parse().ok()?;
        let mut signs = behind.chars();
        let each = match signs.next() {
            None => unit,
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return None,
        };
        sum = sum.checked_add(number.checked_mul(each)?)?;
        rest = signs.as_str();
    }
    Some(sum)
}
