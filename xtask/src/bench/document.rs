//! `docs/performance.md`: the part between the markers is written from results, what is around it stays.

const BEGIN: &str = "<!-- written by `cargo xtask bench --doc`: begin -->";
const END: &str = "<!-- written by `cargo xtask bench --doc`: end -->";

/// The page with other content between its markers.
///
/// # Errors
///
/// If the page does not have both markers, each once and in order.
pub(super) fn replaced(page: &str, content: &str) -> Result<String, String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match parts {
        Some((before, after)) if [BEGIN, END].iter().all(|marker| page.matches(marker).count() == 1) => {
            Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", content.trim()))
        }
        _ => Err(format!("the page must have one line `{BEGIN}` and behind it one line `{END}`")),
    }
}

/// The version of a package in a `Cargo.lock`.
pub(super) fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_the_markers_stays() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nMore.\n");
        let new = replaced(&page, "\nnew\n").unwrap();
        assert_eq!(new, format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nMore.\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
    }

    #[test]
    fn damaged_markers_are_refused() {
        for page in ["", BEGIN, END, &format!("{END}{BEGIN}"), &format!("{BEGIN}{BEGIN}{END}"), &format!("{BEGIN}{END}{END}")] {
            assert!(replaced(page, "new").is_err(), "{page}");
        }
    }

    #[test]
    fn versions_are_those_of_the_package_itself() {
        let lock = "[[package]]\nname = \"wasmi_core\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wasmi\"\nversion = \"2.0.0\"\n";
        assert_eq!(locked_version(lock, "wasmi"), Some("2.0.0"));
        assert_eq!(locked_version(lock, "wasmtime"), None);
    }

    #[test]
    fn the_page_in_the_repository_has_its_markers() {
        assert!(replaced(include_str!("../../../docs/performance.md"), "new").is_ok());
    }
}
