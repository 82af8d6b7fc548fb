//! The nearest of several names: for "did you mean" in diagnostics.

/// The candidate with the smallest edit distance to `name`, if it is near enough to be a slip: a third of the name's
/// length at most.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let bound = best.map_or(limit, |(distance, _)| distance - 1);
        if candidate == name || candidate.len().abs_diff(name.len()) > bound {
            continue;
        }
        if let Some(distance) = distance_within(name.as_bytes(), candidate.as_bytes(), bound) {
            best = Some((distance, candidate));
            if distance == 1 {
                break;
            }
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

/// The edit distance (insert, delete, replace, swap neighbours) when it is at most `bound`.
fn distance_within(a: &[u8], b: &[u8], bound: usize) -> Option<usize> {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let replace = row[j] + usize::from(a[i] != b[j]);
            next[j + 1] = replace.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        if next.iter().min().is_some_and(|least| *least > bound) {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    (row[b.len()] <= bound).then_some(row[b.len()])
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let names = ["filename", "flags", "mode", "dfd"];
        assert_eq!(nearest("filenam", names.into_iter()), Some("filename".into()));
        assert_eq!(nearest("flgas", names.into_iter()), Some("flags".into()));
        assert_eq!(nearest("nothing", names.into_iter()), None);
    }
}
