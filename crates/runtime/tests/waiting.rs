//! Sources that have nothing to give at present, and the network around them.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use cutthrough::processes::{Collect, Read};
use cutthrough::{Network, Options, Progress};

/// Gives these, one at a time; for `None` there is nothing at present.
struct Slow(VecDeque<Option<&'static [u8]>>);

impl io::Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.pop_front() {
            None => Ok(0),
            Some(None) => Err(io::ErrorKind::WouldBlock.into()),
            Some(Some(bytes)) => {
                buffer[..bytes.len()].copy_from_slice(bytes);
                Ok(bytes.len())
            }
        }
    }
}

#[test]
fn a_reader_with_nothing_to_read_waits_until_it_is_woken() {
    for options in [Options::interpreted(), Options::native()] {
        let mut network = Network::new(options);
        let slow = Slow(VecDeque::from([
            None,
            Some(b"a".as_slice()),
            None,
            None,
            Some(b"b"),
        ]));
        let source = network.add(Read::new("slow", slow)).unwrap();
        let blocks = network.point::<Bytes>("blocks").unwrap();
        network.attach_output(source, 0, blocks).unwrap();
        let collect = Collect::<Bytes>::new();
        let collected = collect.collected();
        network.sink(blocks, collect).unwrap();
        let mut arrived = Vec::new();
        for _ in 0..3 {
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            // Until it is woken nobody asks it again.
            assert_eq!(network.run().unwrap(), Progress::Waiting);
            arrived.push(collected.take());
            network.wake(source).unwrap();
        }
        assert_eq!(network.run().unwrap(), Progress::Done);
        arrived.push(collected.take());
        assert_eq!(
            arrived,
            [vec![], vec![Bytes::from("a")], vec![], vec![Bytes::from("b")]]
        );
        network.check_conservation().unwrap();
    }
}
