//! Values of options: truth, durations, sizes.

use std::time::Duration;

/// `y`, `yes`, `true`, `n`, `no`, `false`; no value means yes.
pub(crate) fn truth(value: Option<&str>) -> Result<bool, String> {
    match value {
        None | Some("y" | "yes" | "true") => Ok(true),
        Some("n" | "no" | "false") => Ok(false),
        Some(other) => Err(format!("`{other}` is neither `y` nor `n`")),
    }
}

/// A number, in decimal or after `0x`.
pub(crate) fn number(value: Option<&str>) -> Result<u64, String> {
    let text = value.ok_or("a number is missing: write OPTION=N")?;
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is not a number"))
}

/// A number of bytes: `65536`, `64K`, `64KiB`, `10M`, `2G` (powers of 1024).
pub(crate) fn size(value: Option<&str>) -> Result<usize, String> {
    let text = value.ok_or("a size is missing: write OPTION=BYTES, OPTION=64M or the like")?;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (digits, unit) = if text.starts_with("0x") { (text, "") } else { (digits, &text[digits.len()..]) };
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(format!("`{unit}` is no unit of size: K, M and G are")),
    };
    let bytes = number(Some(digits))?;
    let bytes = bytes.checked_mul(1 << shift).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.ok_or_else(|| format!("`{text}` is more than can be addressed"))
}

/// A duration: `2` or `2s`, `1.5s`, `100ms`, `50us`, `20ns`, `3m`.
pub(crate) fn duration(value: Option<&str>) -> Result<Duration, String> {
    let text = value.ok_or("a duration is missing: write OPTION=2s or the like")?;
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    if digits.is_empty() {
        return Err(format!("`{text}` is not a duration such as 2s or 100ms"));
    }
    let unit = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "ms" => 1e-3,
        "us" | "μs" => 1e-6,
        "ns" => 1e-9,
        other => return Err(format!("`{other}` is no unit of time: ns, us, ms, s and m are")),
    };
    let count: f64 = digits.parse().map_err(|_| format!("`{text}` is not a duration such as 2s or 100ms"))?;
    Duration::try_from_secs_f64(count * unit).map_err(|_| format!("`{text}` is not a duration"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration(Some("2")), Ok(Duration::from_secs(2)));
        assert_eq!(duration(Some("100ms")), Ok(Duration::from_millis(100)));
        assert_eq!(duration(Some("1.5s")), Ok(Duration::from_millis(1500)));
        assert_eq!(duration(Some("20ns")), Ok(Duration::from_nanos(20)));
        for bad in ["", "s", "-1s", "2h", "1e400", "NaNs"] {
            assert!(duration(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size(Some("65536")), Ok(65536));
        assert_eq!(size(Some("64KiB")), Ok(65536));
        assert_eq!(size(Some("2G")), Ok(2 << 30));
        assert_eq!(size(Some("0x10000")), Ok(65536));
        for bad in ["", "K", "-1", "1T", "99999999999G", "1.5M"] {
            assert!(size(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_option_alone_means_yes() {
        assert_eq!(truth(None), Ok(true));
        assert_eq!(truth(Some("n")), Ok(false));
        assert!(truth(Some("maybe")).is_err());
    }
}
