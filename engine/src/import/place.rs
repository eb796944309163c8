//! Account and Region of a file, from the folders it lies in: `[accounts/<12 digits>/][<region>/]x.json`.

/// Where the resources of a file are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
}

impl Place {
    /// From the folders of `path`; the innermost one of each kind counts. The file's own name says nothing.
    pub(super) fn of(path: &str) -> Self {
        let mut place = Self::default();
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        for folder in folders.split('/') {
            if let Some(account) = account(folder) {
                place.account = Some(account);
            } else if is_region(folder) {
                place.region = Some(folder.to_owned());
            }
        }
        place
    }
}

/// The id that begins with `prefix` in the name of a file, as in `search-transit-gateway-routes.tgw-rtb-0123.json`:
/// some answers do not say what they are about.
pub(super) fn id_in_name(path: &str, prefix: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let id = &name[name.find(prefix)?..];
    let tail = &id[prefix.len()..];
    let end = prefix.len() + tail.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(tail.len());
    (end > prefix.len()).then(|| id[..end].to_owned())
}

/// `text` if it is an account: 12 digits.
pub(super) fn account(text: &str) -> Option<String> {
    (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
}

/// True for `us-east-1`, `us-gov-west-1`, `ap-southeast-2`.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return false };
    first.len() >= 2
        && !middle.is_empty()
        && [first].into_iter().chain(middle).all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()))
        && matches!(last.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'9', b'0'..=b'9'])
}

/// The Region of a zone: `us-east-1` of `us-east-1a`, `us-west-2` of `us-west-2-lax-1a`.
pub(super) fn region_of_zone(zone: &str) -> Option<String> {
    let digits = zone.find(|c: char| c.is_ascii_digit())?;
    let end = zone[digits..].find(|c: char| !c.is_ascii_digit()).map_or(zone.len(), |at| digits + at);
    is_region(&zone[..end]).then(|| zone[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_name_ids() {
        let list = |path: &str| id_in_name(path, "pl-");
        assert_eq!(list("a/get-managed-prefix-list-entries.pl-0a1.json").as_deref(), Some("pl-0a1"));
        assert_eq!(list("pl-1/x.json"), None);
        assert_eq!(list("pl-.json"), None);
        let table = id_in_name("x/search-transit-gateway-routes.tgw-rtb-09f.json", "tgw-rtb-");
        assert_eq!(table.as_deref(), Some("tgw-rtb-09f"));
    }

    #[test]
    fn folders_name_account_and_region() {
        let place = Place::of("aws_configs/accounts/028403472736/us-east-1/Vpcs.json");
        assert_eq!((place.account.as_deref(), place.region.as_deref()), (Some("028403472736"), Some("us-east-1")));
        assert_eq!(Place::of("us-east-1.json"), Place::default());
        assert_eq!(Place::of("028403472736/x.json").account.as_deref(), Some("028403472736"));
        assert_eq!(Place::of("prod/eu-west-3/x.json").region.as_deref(), Some("eu-west-3"));
        for text in ["us-gov-west-1", "ap-southeast-2"] {
            assert!(is_region(text), "{text}");
        }
        for text in ["", "-", "us-1", "us-east", "my-lab-100", "us--1", "US-EAST-1"] {
            assert!(!is_region(text), "{text}");
        }
        assert_eq!(region_of_zone("us-west-2-lax-1a").as_deref(), Some("us-west-2"));
        assert_eq!(region_of_zone("us-east-1a").as_deref(), Some("us-east-1"));
        assert_eq!(region_of_zone("a"), None);
    }
}
