//! The real program against a name server that answers as a test wants.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod name_server;
