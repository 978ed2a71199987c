//! Measures ways to flush a batch of new messages: the figures in FORMAT.md, "Accepting", came from here.
//!
//! `cargo run --release -p stafette-queue-layout --example flush -- DIRECTORY [FILES]` with a directory on the disk in question, journaled.
#![expect(clippy::print_stdout, reason = "this is a program for people")]

use std::error::Error;
use std::fs::{File, create_dir_all, remove_dir_all, remove_file};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use stafette_sys::fs;

/// How the files of a batch are made durable, before they are renamed and the directory is flushed.
#[derive(Clone, Copy)]
enum Way {
    /// Each one flushed after the other.
    Each,
    /// Writing started for all, then each one flushed.
    StartedThenEach,
    /// One flush of the whole file system.
    FileSystem,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let root = words.next().ok_or("usage: flush DIRECTORY [FILES]")?;
    let count: usize = words.next().map_or(Ok(2000), |count| count.parse())?;
    println!("batch room  each started+each syncfs (messages of 4 KiB a second, best of 3)");
    for batch in [1, 4, 16, 64] {
        for room in [0, 4096] {
            print!("{batch:5} {room:5}");
            for way in [Way::Each, Way::StartedThenEach, Way::FileSystem] {
                let mut best = Duration::MAX;
                for _ in 0..3 {
                    best = best.min(run(
                        Path::new(&root),
                        way,
                        batch,
                        room,
                        count.min(batch * 200),
                    )?);
                }
                let rate = f64::from(u32::try_from(count.min(batch * 200))?) / best.as_secs_f64();
                print!(" {rate:9.0}");
            }
            println!();
        }
    }
    Ok(())
}

fn run(
    root: &Path,
    way: Way,
    batch: usize,
    room: u64,
    count: usize,
) -> Result<Duration, Box<dyn Error>> {
    let (tmp, new) = (root.join("flush-tmp"), root.join("flush-new"));
    create_dir_all(&tmp)?;
    create_dir_all(&new)?;
    let directory = fs::open_directory(&new)?;
    let begin = Instant::now();
    let mut number = 0;
    while number < count {
        let mut files: Vec<(File, String)> = Vec::new();
        for _ in 0..batch.min(count - number) {
            let name = number.to_string();
            let mut file = fs::create_new(&tmp.join(&name), 0o640)?;
            file.write_all(&[b'x'; 4096])?;
            fs::preallocate(&file, 4096, room)?;
            if let Way::StartedThenEach = way {
                fs::start_writeback(&file, 0, 0)?;
            }
            files.push((file, name));
            number += 1;
        }
        if let Way::FileSystem = way {
            fs::sync_file_system(&directory)?;
        }
        for (file, name) in files {
            if !matches!(way, Way::FileSystem) {
                file.sync_data()?;
            }
            fs::rename_noreplace(&tmp.join(&name), &new.join(&name))?;
        }
        directory.sync_all()?;
    }
    let taken = begin.elapsed();
    for number in 0..count {
        remove_file(new.join(number.to_string()))?;
    }
    remove_dir_all(&tmp)?;
    remove_dir_all(&new)?;
    Ok(taken)
}
