//! "Did you mean …?": the candidate that a mistyped name most likely stands for.

/// The candidate nearest to `name`, if it is near enough that suggesting it helps: at most a third of the name, and four
/// letters, wrong.
/// Of equally near ones, the one of the same length (letters are swapped more often than left out), then the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    let mut best: Option<((usize, bool), &str)> = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        let limit = best.map_or(limit, |((distance, _), _)| distance);
        let Some(distance) = distance_within(name, candidate, limit) else { continue };
        let rank = (distance, candidate.len() != name.len());
        if best.is_none_or(|(nearest, _)| rank < nearest) {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

/// The number of bytes to insert, delete, replace or swap with their neighbour, unless that is more than `limit`. Names
/// that differ in case only have distance 1.
fn distance_within(name: &str, candidate: &str, limit: usize) -> Option<usize> {
    let (a, b) = (name.as_bytes(), candidate.as_bytes());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let same = a[i - 1].eq_ignore_ascii_case(&b[j - 1]);
            row[j] = (last[j - 1] + usize::from(!same)).min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        if row.iter().all(|distance| *distance > limit) {
            return None;
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    let distance = last[b.len()].max(1);
    (distance <= limit).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_what_was_meant() {
        let names = ["vfs_read", "vfs_write", "vfs_readv", "tcp_sendmsg", "pid", "tid", "print", "printf"];
        for (typed, meant) in [
            ("vfs_raed", Some("vfs_read")),
            ("vfs_wriet", Some("vfs_write")),
            ("vfs_redv", Some("vfs_readv")),
            ("VFS_READ", Some("vfs_read")),
            ("tcp_sendmessage", Some("tcp_sendmsg")),
            ("pdi", Some("pid")),
            ("prinft", Some("printf")),
            ("uidd", None),
            ("cpu", None),
            ("entirely_other", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names).as_deref(), meant, "{typed}");
        }
    }
}
