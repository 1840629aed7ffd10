//! Every rule of the rulebook is proved by some test: its id occurs in a file under `tests`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Chapter and numbers. Written without their R, so that this list proves nothing.
const RULEBOOK: &[(&str, &[u8])] = &[
    ("ID", &[1, 2, 3, 4, 5, 6, 7]),
    ("REG", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("CRD", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ("SOC", &[1, 2, 3, 4, 5]),
    ("CHK", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ("TAR", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ("RWD", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("CPN", &[1, 2, 3, 4, 5]),
    ("CTR", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("NOTE", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("GRP", &[1, 2]),
    ("ASC", &[1]),
    ("KSB", &[1, 2, 3, 4, 5, 6]),
    ("BLK", &[1, 2]),
    ("KSK", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("AUD", &[1, 2, 3]),
    ("FAM", &[1]),
    ("PRV", &[1, 2, 3]),
    ("SEC", &[1, 2]),
];

#[test]
fn every_rule_is_named_by_a_test() {
    let mut sources = Vec::new();
    read_sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut sources);
    let named: BTreeSet<&str> = sources.iter().flat_map(|source| ids_in(source)).collect();
    let missing: Vec<String> = RULEBOOK
        .iter()
        .flat_map(|(chapter, rules)| rules.iter().map(move |rule| format!("R-{chapter}-{rule:02}")))
        .filter(|id| !named.contains(id.as_str()))
        .collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}

#[test]
fn an_id_is_found_whole() {
    let found: Vec<_> = ids_in("/// R-CHK-02, R-CHK-11\nfn r() {} // R-KSB-3 XR-SOC-012").collect();
    assert_eq!(found, ["R-CHK-02", "R-CHK-11"]);
}

/// What looks like `R-CHK-02`, and is not part of a longer word.
fn ids_in(source: &str) -> impl Iterator<Item = &str> {
    source.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| {
        let mut parts = word.split('-');
        let parts = (parts.next(), parts.next(), parts.next(), parts.next());
        matches!(parts, (Some("R"), Some(_), Some(number), None)
            if number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn read_sources(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(fs::read_to_string(path).unwrap());
        }
    }
}
