//! The content of one message on its way from the client to queue, in constant memory.

use stafette_message::hops::HopCounter;
use stafette_smtp::data::ContentFault;
use stafette_smtp::session::ContentVerdict;
use stafette_smtp::{ChunkDecoder, DataDecoder};

use crate::limits::Limits;
use crate::postbox::Postbox;

/// Counts what passes, and stops passing it on once it is clear that it will be refused.
pub(crate) struct Content {
    hops: HopCounter,
    octets: u64,
    databytes: u64,
    most_hops: u64,
    /// Octets in CRLF form so far.
    crlf_octets: u64,
    fault: Option<ContentFault>,
    buffer: Vec<u8>,
    /// Used by BDAT only: a CR at the end of one chunk may pair with an LF in the next.
    chunks: ChunkDecoder,
}

impl Content {
    /// At the start of a message.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            hops: HopCounter::new(),
            octets: 0,
            databytes: limits.databytes,
            most_hops: limits.hops,
            crlf_octets: 0,
            fault: None,
            buffer: Vec::new(),
            chunks: ChunkDecoder::new(),
        }
    }

    /// Takes octets of DATA; gives how many were used and whether the content has ended.
    pub(crate) fn data(
        &mut self,
        decoder: &mut DataDecoder,
        input: &[u8],
        postbox: &mut Postbox,
    ) -> (usize, bool) {
        self.buffer.clear();
        let fed = decoder.feed(input, &mut self.buffer);
        (self.crlf_octets, self.fault) = (decoder.size(), decoder.fault());
        self.pass_on(postbox);
        (fed.used, fed.ended)
    }

    /// Takes octets of a chunk.
    pub(crate) fn chunk(&mut self, input: &[u8], postbox: &mut Postbox) {
        self.buffer.clear();
        self.chunks.feed(input, &mut self.buffer);
        (self.crlf_octets, self.fault) = (self.chunks.size(), self.chunks.fault());
        self.pass_on(postbox);
    }

    /// Ends the last chunk.
    pub(crate) fn end_of_chunks(&mut self) {
        self.fault = self.chunks.finish();
    }

    fn pass_on(&mut self, postbox: &mut Postbox) {
        self.hops.feed(&self.buffer);
        if self.verdict().is_none() {
            self.octets = self
                .octets
                .saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
            postbox.content(&self.buffer);
        }
    }

    /// Octets passed on, and what they are with CRLF line ends.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        (self.octets, self.crlf_octets)
    }

    /// Why it must be refused, if that is known already.
    pub(crate) fn verdict(&self) -> Option<ContentVerdict> {
        if let Some(fault) = self.fault {
            Some(ContentVerdict::Faulty(fault))
        } else if self.databytes > 0 && self.crlf_octets > self.databytes {
            Some(ContentVerdict::TooLarge)
        } else if u64::from(self.hops.hops()) >= self.most_hops {
            Some(ContentVerdict::Loops)
        } else {
            None
        }
    }
}
