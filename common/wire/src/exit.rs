//! Exit codes that other software knows us by.

/// qmail-queue's exit codes, as far as `queue` gives them (contracts.md of qmail: `qmail-queue.8`); 11 to 40 are permanent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum QueueExit {
    /// The message is on the disk.
    Queued = 0,
    /// An address is too long.
    AddressTooLong = 11,
    /// Refused for good.
    Refused = 31,
    /// Out of memory.
    Memory = 51,
    /// Took too long.
    Timeout = 52,
    /// Write error or full disk.
    Write = 53,
    /// The message or the envelope could not be read.
    Read = 54,
    /// A setting could not be read.
    Configuration = 55,
    /// The queue directory cannot be entered.
    QueueDirectory = 62,
    /// Refused for now.
    RefusedForNow = 71,
    /// The connection to the service was lost.
    Communication = 74,
    /// A bug.
    Bug = 81,
    /// Refused, with words of our own on the caller's error descriptor: `D` for good, `Z` for now.
    Custom = 82,
    /// The envelope has not the right form.
    Envelope = 91,
}

/// sysexits.h, as `sendmail` gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SysExit {
    /// The message is on the disk.
    Ok = 0,
    /// Wrong use of the command.
    Usage = 64,
    /// The input is not a message.
    DataErr = 65,
    /// An address is not one.
    NoUser = 67,
    /// A service is not there.
    Unavailable = 69,
    /// A bug.
    Software = 70,
    /// The operating system failed.
    OsErr = 71,
    /// The input could not be read.
    IoErr = 74,
    /// Try again later.
    TempFail = 75,
    /// Not permitted.
    NoPerm = 77,
    /// A setting is wrong.
    Config = 78,
}
