//! Frames: four bytes that say what follows and how much, and a body.

use crate::limits::FRAME_BYTES_MAX;

/// What the body of a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    Json,
    /// Bytes of a tap.
    Bytes,
}

/// Why there is no frame in what was received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first byte is that of no kind.
    #[error("a frame begins with J or B, not with the byte {0:#04x}")]
    Kind(u8),
    /// The body is longer than it may be.
    #[error("a frame of {bytes} bytes; at most {most} may be sent here")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The bound.
        most: usize,
    },
}

const HEADER_BYTES: usize = 4;

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Json => b'J',
            Kind::Bytes => b'B',
        }
    }

    fn of(byte: u8) -> Result<Kind, FrameError> {
        match byte {
            b'J' => Ok(Kind::Json),
            b'B' => Ok(Kind::Bytes),
            byte => Err(FrameError::Kind(byte)),
        }
    }
}

/// Appends a frame.
///
/// # Errors
/// When the body is too long; nothing is appended then.
pub fn encode(kind: Kind, body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    if body.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge {
            bytes: body.len(),
            most: FRAME_BYTES_MAX,
        });
    }
    let [_, high, middle, low] = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    out.extend([kind.byte(), high, middle, low]);
    out.extend(body);
    Ok(())
}

/// Takes frames out of bytes that arrive in any pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    received: Vec<u8>,
    /// How much of it has been taken.
    taken: usize,
}

impl Decoder {
    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.received.drain(..std::mem::take(&mut self.taken));
        self.received.extend(bytes);
    }

    /// The next frame whose body has arrived in full, if it is no longer than `most`.
    ///
    /// # Errors
    /// As soon as the four bytes say that there is none to come. All that follows has
    /// no meaning then.
    pub fn next(&mut self, most: usize) -> Result<Option<(Kind, &[u8])>, FrameError> {
        let rest = &self.received[self.taken..];
        let Some(&first) = rest.first() else {
            return Ok(None);
        };
        let kind = Kind::of(first)?;
        let Some(&[_, high, middle, low]) = rest.first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let bytes = u32::from_be_bytes([0, high, middle, low]) as usize;
        if bytes > most {
            return Err(FrameError::TooLarge { bytes, most });
        }
        let Some(body) = rest.get(HEADER_BYTES..HEADER_BYTES + bytes) else {
            return Ok(None);
        };
        self.taken += HEADER_BYTES + bytes;
        Ok(Some((kind, body)))
    }

    /// Whether a frame has begun to arrive.
    pub fn is_within_frame(&self) -> bool {
        self.taken < self.received.len()
    }

    /// Bytes that are kept.
    pub fn kept_bytes(&self) -> usize {
        self.received.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_in_any_pieces() {
        let bodies: [(Kind, Vec<u8>); 4] = [
            (Kind::Json, b"{}".to_vec()),
            (Kind::Bytes, Vec::new()),
            (Kind::Bytes, vec![b'J'; 70_000]),
            (Kind::Json, vec![0]),
        ];
        let mut bytes = Vec::new();
        for (kind, body) in &bodies {
            encode(*kind, body, &mut bytes).unwrap();
        }
        for piece in [1, 2, 3, 5, 4096, bytes.len()] {
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for piece in bytes.chunks(piece) {
                decoder.push(piece);
                while let Some((kind, body)) = decoder.next(FRAME_BYTES_MAX).unwrap() {
                    frames.push((kind, body.to_vec()));
                }
            }
            assert!(frames == bodies, "in pieces of {piece}");
            assert!(!decoder.is_within_frame());
        }
    }

    #[test]
    fn what_is_no_frame_is_known_at_once() {
        let mut decoder = Decoder::default();
        decoder.push(b"G");
        assert_eq!(decoder.next(10), Err(FrameError::Kind(b'G')));
        let mut decoder = Decoder::default();
        decoder.push(b"J\x00\x00");
        assert_eq!(decoder.next(10), Ok(None));
        decoder.push(b"\x0b");
        assert_eq!(
            decoder.next(10),
            Err(FrameError::TooLarge { bytes: 11, most: 10 })
        );
        let mut out = Vec::new();
        assert!(encode(Kind::Bytes, &vec![0; FRAME_BYTES_MAX + 1], &mut out).is_err());
        assert!(out.is_empty());
        encode(Kind::Bytes, &vec![0; FRAME_BYTES_MAX], &mut out).unwrap();
        assert_eq!(out[..HEADER_BYTES], [b'B', 0xff, 0xff, 0xff]);
    }
}
