//! The real program in an instance of its own.

mod instance;
mod one_shot;
mod service;
