//! COPY's decoders over changed data for a few seconds: what `fuzz/` does by the hour with cargo-fuzz.
//!
//! `DUCKGATE_FUZZ_SECONDS` says how long (default 3). What failed once is in `fuzz/corpus/copy` and stays there.

#[path = "../fuzz/decoders.rs"]
mod decoders;

use std::path::Path;
use std::time::{Duration, Instant};

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/copy");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("fuzz/corpus/copy").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).expect("a corpus file")).collect()
}

fn changed(sample: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const BYTES: &[u8] = b"\0\n\r\t\\\",.{}[]:N-+0179eE \x7f\x80\xff";
    let mut data = sample.to_vec();
    for _ in 0..=random.next(4) {
        let at = random.next(data.len());
        match random.next(7) {
            0 => data.truncate(at.max(2)),
            1 => data[at] ^= 1 << random.next(8),
            2 => data[at] = BYTES[random.next(BYTES.len())],
            3 => data.insert(at, BYTES[random.next(BYTES.len())]),
            4 => drop(data.drain(at..(at + random.next(9)).min(data.len()))),
            5 => {
                // A length, or what may be one.
                let words = [0u32, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x00ff_ffff];
                let word = words[random.next(words.len())].to_be_bytes();
                data.iter_mut().skip(at).zip(word).for_each(|(to, from)| *to = from);
            }
            _ => {
                let from = random.next(other.len());
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
        }
        if data.len() < 3 {
            break;
        }
    }
    data
}

#[test]
fn no_data_make_a_decoder_panic() {
    let seconds = std::env::var("DUCKGATE_FUZZ_SECONDS").map_or(3, |n| n.parse().expect("seconds"));
    let corpus = corpus();
    assert!(corpus.len() >= 5, "the corpus is not there");
    corpus.iter().for_each(|sample| decoders::run(sample));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(0x5eed_5eed_5eed_5eed);
    let mut runs = 0;
    while Instant::now() < end {
        let (sample, other) = (&corpus[random.next(corpus.len())], &corpus[random.next(corpus.len())]);
        let mut data = changed(sample, other, &mut random);
        // Other options over the same bytes.
        if random.next(3) == 0 && !data.is_empty() {
            data[0] = (data[0] % 5) + 5 * random.next(51) as u8;
        }
        let begun = Instant::now();
        decoders::run(&data);
        assert!(begun.elapsed() < Duration::from_secs(5), "{} bytes took {:?}", data.len(), begun.elapsed());
        runs += 1;
    }
    println!("{runs} runs");
}
