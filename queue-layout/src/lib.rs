//! The queue on the disk.
