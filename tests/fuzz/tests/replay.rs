//! Tries every input of the corpus, and thousands of its neighbours, on every claim: what can be had of fuzzing without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use stafette_fuzz::{Claim, TARGETS};

fn here(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn names(folder: &str) -> BTreeSet<String> {
    fs::read_dir(here(folder))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    fs::read_dir(here("corpus").join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Says which input refuted a claim: the input alone is enough to repeat it.
fn try_claim(name: &str, claim: Claim, input: &[u8], from: &Path) {
    if std::panic::catch_unwind(|| claim(input)).is_err() {
        panic!(
            "{name} is refuted by {:?}, made from {}",
            String::from_utf8_lossy(input),
            from.display()
        );
    }
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// One to four changes: an octet replaced, taken out or put in, a stretch repeated or cut off.
fn neighbour(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    const TELLING: &[u8] = b"\0\r\n\r\n\r\n. <>@\"\\:;,=+-[](){}0159aAZ\x7f\x80\xc3\xbc\xff";
    let mut input = seed.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(input.len());
        let octet = TELLING[dice.roll(TELLING.len())];
        match dice.roll(6) {
            0 if !input.is_empty() => input[at] = octet,
            1 if !input.is_empty() => drop(input.remove(at)),
            2 if !input.is_empty() => input.truncate(at),
            3 if !input.is_empty() => {
                let end = (at + 1 + dice.roll(40)).min(input.len());
                let stretch = input[at..end].to_vec();
                let to = dice.roll(input.len());
                input.splice(to..to, stretch);
            }
            _ => input.insert(at, octet),
        }
    }
    input
}

#[test]
fn every_claim_has_a_fuzz_target_and_a_corpus() {
    let claims: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(claims.len(), TARGETS.len(), "a name is used twice");
    assert_eq!(names("fuzz_targets"), claims);
    assert_eq!(names("corpus"), claims);
    let manifest = fs::read_to_string(here("Cargo.toml")).unwrap();
    for name in &claims {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} has no [[bin]]"
        );
        assert!(!seeds(name).is_empty(), "{name} has an empty corpus");
    }
}

#[test]
fn no_input_of_the_corpus_refutes_its_claim() {
    for (name, claim) in TARGETS {
        for (path, seed) in seeds(name) {
            try_claim(name, *claim, &seed, &path);
            for end in 0..seed.len().min(2000) {
                try_claim(name, *claim, &seed[..end], &path);
            }
        }
    }
}

#[test]
fn no_neighbour_of_the_corpus_refutes_its_claim() {
    for (name, claim) in TARGETS {
        let mut dice = Dice(1);
        for (path, seed) in seeds(name) {
            for _ in 0..2000 {
                try_claim(name, *claim, &neighbour(&seed, &mut dice), &path);
            }
        }
    }
}
