//! The real program between a scripted send, a scripted resolve and scripted peers.
//!
//! Nothing here sleeps: time limits are reached by moving the program's clock.

#[cfg(test)]
mod abilities;
#[cfg(test)]
mod breaking;
#[cfg(test)]
mod delivering;
#[cfg(test)]
mod exchangers;
#[cfg(test)]
mod instance;
#[cfg(test)]
mod job;
#[cfg(test)]
mod lmtp;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod restarting;
#[cfg(test)]
mod reusing;
#[cfg(test)]
mod visible;
