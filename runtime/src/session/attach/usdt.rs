//! `usdt`: all places of a probe, each with a cookie that says which probe it is and how its arguments are described. The
//! kernel raises the semaphores (4.20) in every process that has the file mapped, and lowers them when the link goes.

use super::link::Link;
use super::user_function::{Place, attach_place, attach_places};
use super::{Attaching, Reason};
use lancet_manifest::{Target, UsdtLocation};

/// One probe: a link for each of its places.
pub fn attach(attaching: Attaching, path: &str, locations: &[UsdtLocation]) -> Result<Vec<Link>, Reason> {
    let probe = attaching.cookie();
    locations.iter().map(|location| attach_place(attaching, path, place(probe, location), false)).collect()
}

/// Probes of one file: one link (6.6) for all places.
pub fn attach_multi(attaching: Attaching, path: &str) -> Result<Link, Reason> {
    let mut places = Vec::new();
    for attachment in attaching.attachments {
        if let Target::Usdt { locations, .. } = &attachment.target {
            places.extend(locations.iter().map(|location| place(u64::from(attachment.probe), location)));
        }
    }
    attach_places(attaching, path, &places, false)
}

fn place(probe: u64, location: &UsdtLocation) -> Place {
    let cookie = probe | u64::from(location.variant) << 32;
    Place { file_offset: location.file_offset, semaphore: location.semaphore, cookie }
}
