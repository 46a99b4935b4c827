//! A bar chart of ratios as SVG: a panel a span, a group of bars a program, a bar an engine.
//!
//! Colours are of middle lightness, so that the chart can be read on a light and on a dark page; it has no background of its own.
//! Where ratios span more than a decade, the axis is logarithmic and bars begin at one: up is slower than the base, down faster.

use super::results::{Results, Span, Statistic};

const BAR: f64 = 9.0;
const GAP: f64 = 14.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const LEGEND: f64 = 34.0;
const TITLE: f64 = 30.0;
const PLOT: f64 = 190.0;
/// For the programs' names, which are slanted.
const NAMES: f64 = 96.0;
const PANEL: f64 = TITLE + PLOT + NAMES;

const INK: &str = "#7b8088";
const LINES: &str = "#7b808855";
const COLOURS: [&str; 8] = ["#4a7ebb", "#d9822b", "#2f9e8f", "#9467bd", "#c8545f", "#8a9a3b", "#b0762a", "#5f8aa0"];

/// One group of bars: a program, or the mean of all. A bar for each engine but the base.
struct Group<'a> {
    name: &'a str,
    ratios: Vec<Option<f64>>,
}

/// Draws the chart.
pub(super) fn svg(results: &Results) -> String {
    let engines: Vec<usize> = (0..results.engines.len()).filter(|&engine| engine != results.base).collect();
    let group = group_width(engines.len());
    let width = LEFT + RIGHT + (group * (results.programs.len() + 1) as f64).max(360.0);
    let height = LEGEND + PANEL * Span::ALL.len() as f64;
    let base = &results.engines[results.base];
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"{INK}\">\n<title>Times as ratios to {}</title>\n",
        escaped(base)
    );
    out += &legend(results, &engines);
    for (number, span) in Span::ALL.into_iter().enumerate() {
        let top = LEGEND + PANEL * number as f64;
        out += &format!("<g transform=\"translate(0 {top:.0})\">\n");
        let title = format!("{}, ratio to {base} (lower is better)", span.title());
        out += &text(LEFT, 16.0, "font-size=\"13\" font-weight=\"600\"", &title);
        out += &panel(&groups(results, &engines, span), width);
        out += "</g>\n";
    }
    out + "</svg>\n"
}

fn group_width(bars: usize) -> f64 {
    BAR * bars as f64 + GAP
}

fn groups<'a>(results: &'a Results, engines: &[usize], span: Span) -> Vec<Group<'a>> {
    let of_program = |program| {
        let ratio = |&engine: &usize| results.ratio(program, engine, span, Statistic::Best);
        Group { name: &program.name, ratios: engines.iter().map(ratio).collect() }
    };
    let means = engines.iter().map(|&engine| results.mean(engine, span, Statistic::Best)).collect();
    results.programs.iter().map(of_program).chain([Group { name: "geometric mean", ratios: means }]).collect()
}

fn legend(results: &Results, engines: &[usize]) -> String {
    let mut out = String::new();
    let mut x = LEFT;
    for (&engine, colour) in engines.iter().zip(COLOURS.iter().cycle()) {
        let name = &results.engines[engine];
        out += &format!("<rect x=\"{x:.1}\" y=\"10\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\n");
        out += &text(x + 15.0, 19.0, "", name);
        x += 35.0 + 6.5 * name.chars().count() as f64;
    }
    out
}

fn panel(groups: &[Group], width: f64) -> String {
    let axis = Axis::of(groups.iter().flat_map(|group| group.ratios.iter().flatten().copied()));
    let mut out = String::new();
    for tick in axis.ticks() {
        let y = axis.y(tick);
        let line = if tick == 1.0 { INK } else { LINES };
        out += &format!("<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{line}\"/>\n", width - RIGHT);
        out += &text(LEFT - 6.0, y + 4.0, "text-anchor=\"end\"", &format!("{tick}×"));
    }
    let scale = if axis.is_logarithmic { "logarithmic" } else { "linear" };
    let middle = TITLE + PLOT / 2.0;
    out += &text(14.0, middle, &format!("text-anchor=\"middle\" transform=\"rotate(-90 14 {middle:.1})\""), &format!("ratio, {scale}"));
    for (number, group) in groups.iter().enumerate() {
        let left = LEFT + GAP / 2.0 + group_width(group.ratios.len()) * number as f64;
        for (bar, (ratio, colour)) in group.ratios.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let Some(ratio) = *ratio else { continue };
            let x = left + BAR * bar as f64;
            let (value, foot) = (axis.y(ratio), axis.y(axis.foot()));
            let (top, height) = (value.min(foot), (value - foot).abs().max(1.0));
            let (name, width) = (escaped(group.name), BAR - 1.0);
            out += &format!(
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width}\" height=\"{height:.1}\" fill=\"{colour}\"><title>{name}: {ratio:.3}×</title></rect>\n"
            );
        }
        let (x, y) = (left + BAR * group.ratios.len() as f64 / 2.0 + 3.0, TITLE + PLOT + 14.0);
        let weight = if number + 1 == groups.len() { " font-weight=\"600\"" } else { "" };
        out += &text(x, y, &format!("text-anchor=\"end\" transform=\"rotate(-35 {x:.1} {y:.1})\"{weight}"), group.name);
    }
    out
}

fn text(x: f64, y: f64, attributes: &str, content: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{}</text>\n", escaped(content))
}

/// Text as it stands in XML, in content and in attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// From ratios to heights.
#[derive(Debug, PartialEq)]
struct Axis {
    lowest: f64,
    highest: f64,
    is_logarithmic: bool,
}

impl Axis {
    /// An axis for these ratios, and for one.
    fn of(ratios: impl Iterator<Item = f64>) -> Self {
        let (least, most) = ratios.fold((1.0_f64, 1.0_f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        if most / least <= 10.0 {
            return Self { lowest: 0.0, highest: (most * 1.05).max(1.25), is_logarithmic: false };
        }
        let (lowest, highest) = (10_f64.powf((least.log10() * 4.0).floor() / 4.0), 10_f64.powf((most.log10() * 4.0).ceil() / 4.0));
        Self { lowest, highest, is_logarithmic: true }
    }

    /// Where bars begin.
    fn foot(&self) -> f64 {
        if self.is_logarithmic { 1.0 } else { 0.0 }
    }

    /// The distance from the panel's top.
    fn y(&self, ratio: f64) -> f64 {
        let scale = |value: f64| if self.is_logarithmic { value.ln() } else { value };
        let share = (scale(ratio) - scale(self.lowest)) / (scale(self.highest) - scale(self.lowest));
        TITLE + PLOT * (1.0 - share)
    }

    /// Round ratios on the axis, one among them.
    fn ticks(&self) -> Vec<f64> {
        if self.is_logarithmic {
            let decades = (self.highest / self.lowest).log10();
            let steps: &[f64] = if decades > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let powers = self.lowest.log10().floor() as i32..=self.highest.log10().ceil() as i32;
            // Division by whole powers, so that one is one and a tenth is written 0.1.
            let power = |exponent: i32, step: f64| if exponent < 0 { step / 10_f64.powi(-exponent) } else { step * 10_f64.powi(exponent) };
            let all = powers.flat_map(|exponent| steps.iter().map(move |&step| power(exponent, step)));
            return all.filter(|tick| (self.lowest * 0.999..=self.highest * 1.001).contains(tick)).collect();
        }
        // Quarters, halves, ones or twos: the finest that gives at most six lines.
        let fits = |parts: &&f64| self.highest * **parts <= 6.0;
        let parts = [4.0, 2.0, 1.0, 0.5].iter().find(fits).copied().unwrap_or(0.5);
        (0..=(self.highest * parts) as u32).map(|tick| f64::from(tick) / parts).chain((parts < 1.0).then_some(1.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::results;
    use super::*;

    /// Checks tags, attributes and entities; returns how often each element occurs, or what is wrong.
    fn elements(text: &str) -> Result<Vec<(String, usize)>, String> {
        let (mut open, mut counts) = (Vec::new(), Vec::<(String, usize)>::new());
        let mut rest = text;
        while let Some((before, tag)) = rest.split_once('<') {
            check_text(before)?;
            let (tag, after) = tag.split_once('>').ok_or("a tag has no end")?;
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                let opened = open.pop();
                if opened.as_deref() != Some(name) {
                    return Err(format!("</{name}> closes {opened:?}"));
                }
                continue;
            }
            let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            check_attributes(attributes)?;
            match counts.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => *count += 1,
                None => counts.push((name.to_owned(), 1)),
            }
            if !is_empty {
                open.push(name.to_owned());
            }
        }
        check_text(rest)?;
        if open.is_empty() { Ok(counts) } else { Err(format!("{open:?} are never closed")) }
    }

    fn check_text(text: &str) -> Result<(), String> {
        if text.contains('>') {
            return Err(format!("a bare > in {text:?}"));
        }
        let is_entity = |part: &str| ["amp;", "lt;", "gt;", "quot;"].iter().any(|entity| part.starts_with(entity));
        if text.split('&').skip(1).all(is_entity) { Ok(()) } else { Err(format!("a bare & in {text:?}")) }
    }

    fn check_attributes(text: &str) -> Result<(), String> {
        let mut rest = text.trim();
        let mut names = Vec::new();
        while !rest.is_empty() {
            let (name, value) = rest.split_once("=\"").ok_or_else(|| format!("no value in {rest:?}"))?;
            let (value, after) = value.split_once('"').ok_or_else(|| format!("no end of {name}"))?;
            check_text(value)?;
            if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || names.contains(&name) || value.contains("NaN") {
                return Err(format!("attribute {name:?}={value:?}"));
            }
            names.push(name);
            rest = after.trim_start();
        }
        Ok(())
    }

    fn count(counts: &[(String, usize)], name: &str) -> usize {
        counts.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count)
    }

    #[test]
    fn the_check_finds_what_is_wrong() {
        assert!(elements("<a x=\"1\"><b/></a>").is_ok());
        for wrong in ["<a>", "<a></b>", "<a x=1/>", "<a x=\"1\" x=\"2\"/>", "<a>&</a>", "<a>1 > 0</a>", "<a", "<a x=\"NaN\"/>"] {
            assert!(elements(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_chart_is_well_formed_and_has_every_bar() {
        let counts = elements(&svg(&results())).unwrap();
        assert_eq!(count(&counts, "svg"), 1);
        assert_eq!(count(&counts, "g"), 3);
        // Two of the legend; in each panel two for each of two programs and two means, but for one failure.
        assert_eq!(count(&counts, "rect"), 2 + 3 * 5);
    }

    #[test]
    fn a_base_alone_makes_no_bars() {
        let mut results = results();
        results.engines.truncate(1);
        results.programs.iter_mut().for_each(|program| program.outcomes.truncate(1));
        assert_eq!(count(&elements(&svg(&results)).unwrap(), "rect"), 0);
    }

    #[test]
    fn axes_are_logarithmic_beyond_a_decade() {
        let linear = Axis::of([0.4, 2.0].into_iter());
        assert!(!linear.is_logarithmic);
        assert_eq!(linear.ticks(), [0.0, 0.5, 1.0, 1.5, 2.0]);
        let logarithmic = Axis::of([0.04, 2.0].into_iter());
        assert!(logarithmic.is_logarithmic);
        assert_eq!(logarithmic.ticks(), [0.05, 0.1, 0.2, 0.5, 1.0, 2.0]);
        assert_eq!(Axis::of([0.001, 30.0].into_iter()).ticks(), [0.001, 0.01, 0.1, 1.0, 10.0]);
    }

    #[test]
    fn one_is_a_tick_of_every_axis() {
        for most in [1.0, 1.5, 3.0, 5.0, 9.0, 11.0, 90.0, 5000.0] {
            for ratios in [[1.0, most], [1.0 / most, 1.0]] {
                let axis = Axis::of(ratios.into_iter());
                assert!(axis.ticks().contains(&1.0), "{axis:?}");
                assert!(ratios.iter().all(|&ratio| (TITLE..=TITLE + PLOT).contains(&axis.y(ratio))), "{axis:?}");
                assert!(axis.ticks().iter().all(|&tick| (TITLE - 0.5..=TITLE + PLOT + 0.5).contains(&axis.y(tick))), "{axis:?}");
            }
        }
    }
}
