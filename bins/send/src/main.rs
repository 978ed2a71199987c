//! Decides what is tried, where and when.
#![forbid(unsafe_code)]
#![allow(dead_code)]

mod effect;
mod health;
mod key;
mod line;
mod lines;
mod message;
mod policy;
mod schedule;
mod scheduler;
mod stage;
mod waiting;
mod window;

fn main() {}
