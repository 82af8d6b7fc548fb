//! User names, from /etc/passwd: a static program has no name service.

use rustc_hash::FxHashMap;

/// Names by user id, read when first asked for.
#[derive(Default)]
pub struct Users {
    names: Option<FxHashMap<u64, String>>,
}

impl Users {
    /// The name of a user.
    pub fn name(&mut self, id: u64) -> Option<&str> {
        let names = self.names.get_or_insert_with(|| parse(&read()));
        names.get(&id).map(String::as_str)
    }
}

fn read() -> String {
    let bytes = std::fs::read("/etc/passwd").unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Of several users with one id the first counts.
fn parse(text: &str) -> FxHashMap<u64, String> {
    let mut names = FxHashMap::default();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next())
            && let Ok(id) = id.parse()
        {
            names.entry(id).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_user_of_an_id_gives_the_name() {
        let names = parse("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nbroken\nme:x:1000:1000\n");
        assert_eq!(names[&0], "root");
        assert_eq!(names[&1000], "me");
        assert_eq!(names.len(), 2);
    }
}
