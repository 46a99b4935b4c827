//! The module that a fuzzer has found, as text, as small as it gets: `module TARGET FILE [MODE...]`, or `module FILE.wasm MODE...` for any module.
//!
//! With modes, expressions are left out, and replaced by their operands and by constants, as long as mj and the interpreter disagree in one of the modes.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use mj_fuzzing::{compare_under, module_of};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let bytes = |file: &str| fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (wasm, modes) = match &arguments[..] {
        [file, modes @ ..] if file.ends_with(".wasm") || file.ends_with(".wat") => {
            (wat::parse_bytes(&bytes(file)).expect("a module").into_owned(), modes)
        }
        [target, file, modes @ ..] => {
            (module_of(target, &bytes(file)).unwrap_or_else(|| panic!("{target} makes no module of {file}")), modes)
        }
        _ => {
            eprintln!("module TARGET FILE [MODE...]\nmodule FILE.wasm [MODE...]");
            process::exit(2);
        }
    };
    let text = printed(&wasm);
    if modes.is_empty() {
        return println!("{text}");
    }
    set_hook(Box::new(|_| {}));
    let kind = kind(&text, modes).unwrap_or_else(|| {
        eprintln!("all agree in {}", modes.join(", "));
        process::exit(1);
    });
    eprintln!("{kind}");
    println!("{}", Shrinking { tree: parse(&text), kind, modes: modes.to_vec(), began: Instant::now() }.run());
}

/// The text of a module, folded.
fn printed(wasm: &[u8]) -> String {
    let mut text = String::new();
    let mut config = wasmprinter::Config::new();
    config.fold_instructions(true).name_unnamed(true);
    config.print(wasm, &mut wasmprinter::PrintFmtWrite(&mut text)).expect("a valid module has a text");
    text
}

/// What is wrong with a module in one of the modes, apart from numbers; `None` if nothing is, or it is no module.
fn kind(text: &str, modes: &[String]) -> Option<String> {
    let wasm = wat::parse_str(text).ok()?;
    mj_decode::validate(&wasm, &mj_decode::Features::supported()).ok()?;
    let message = match catch_unwind(AssertUnwindSafe(|| compare_under(&wasm, modes))) {
        Ok(Ok(())) => return None,
        Ok(Err(divergence)) => divergence.difference.split(['[', ',']).next().unwrap_or_default().replace(|c: char| c.is_ascii_digit(), ""),
        Err(panic) => panic
            .downcast_ref::<String>()
            .map_or("a panic", |text| text.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default())
            .to_owned(),
    };
    Some(message)
}

/// A piece of text: a word, or what stands in parentheses.
#[derive(Clone, PartialEq)]
enum Piece {
    Word(String),
    List(Vec<Piece>),
}

fn parse(text: &str) -> Vec<Piece> {
    let mut open = vec![Vec::new()];
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            '"' => {
                2 + rest[1..]
                    .char_indices()
                    .scan(false, |escaped, (at, c)| {
                        let ends = c == '"' && !*escaped;
                        *escaped = c == '\\' && !*escaped;
                        Some((at, ends))
                    })
                    .find(|&(_, ends)| ends)
                    .expect("a string ends")
                    .0
            }
            _ => rest.find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(rest.len()),
        };
        match first {
            '(' if rest.starts_with("(;") => {
                rest = rest[rest.find(";)").expect("a comment ends") + 2..].trim_start();
                continue;
            }
            '(' => open.push(Vec::new()),
            ')' => {
                let list = open.pop().expect("parentheses match");
                open.last_mut().expect("parentheses match").push(Piece::List(list));
            }
            _ => open.last_mut().expect("the outermost").push(Piece::Word(rest[..length].to_owned())),
        }
        rest = rest[length..].trim_start();
    }
    open.pop().expect("the outermost")
}

fn show(pieces: &[Piece], depth: usize, text: &mut String) {
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Word(word) => {
                if index > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
            Piece::List(list) => {
                text.push_str(&if size(list) > 12 { format!("\n{:1$}", "", 2 * depth) } else { " ".to_owned() });
                text.push('(');
                show(list, depth + 1, text);
                text.push(')');
            }
        }
    }
}

fn size(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| if let Piece::List(list) = piece { 1 + size(list) } else { 1 }).sum()
}

struct Shrinking {
    tree: Vec<Piece>,
    kind: String,
    modes: Vec<String>,
    began: Instant,
}

/// Lists with more operands than that are not replaced by one of them.
const FEW: usize = 4;

/// After this time, what is left is good enough.
const LONGEST: Duration = Duration::from_secs(300);

/// What may stand for an expression.
const CONSTANTS: [&str; 4] = ["(i32.const 0)", "(i64.const 0)", "(f32.const 0)", "(f64.const 0)"];

impl Shrinking {
    /// Tries every place, the largest first, until nothing can be left out.
    fn run(mut self) -> String {
        loop {
            let before = size(&self.tree);
            let mut paths = Vec::new();
            find(&self.tree, &mut Vec::new(), &mut paths);
            paths.sort_by_key(|path| std::cmp::Reverse(at(&self.tree, path).map_or(0, size)));
            for path in paths {
                while self.try_at(&path) {}
            }
            eprintln!("{} pieces", size(&self.tree));
            if size(&self.tree) == before || self.began.elapsed() > LONGEST {
                return text(&self.tree);
            }
        }
    }

    /// Whether something smaller would do at this place; if so, it stands there now.
    fn try_at(&mut self, path: &[usize]) -> bool {
        let Some(list) = at(&self.tree, path).map(<[Piece]>::to_vec) else { return false };
        let lists: Vec<Piece> = list.iter().filter(|piece| matches!(piece, Piece::List(_))).cloned().collect();
        let mut instead: Vec<Vec<Piece>> = vec![Vec::new(), lists.clone()];
        instead.extend(CONSTANTS.iter().map(|text| parse(text)));
        if lists.len() <= FEW {
            instead.extend(lists.into_iter().map(|piece| vec![piece]));
        }
        if instead.into_iter().any(|pieces| size(&pieces) < 1 + size(&list) && self.accepts(path, pieces)) {
            return true;
        }
        // Without some in a row: ever fewer of them, and single ones when their turn comes.
        let mut length = list.len() / 2;
        while length > 1 {
            for at in (0..list.len() - length).step_by(length) {
                let mut rest = list.clone();
                rest.drain(at + 1..at + 1 + length);
                if self.accepts(path, vec![Piece::List(rest)]) {
                    return true;
                }
            }
            length /= 2;
        }
        false
    }

    fn accepts(&mut self, path: &[usize], pieces: Vec<Piece>) -> bool {
        if self.began.elapsed() > LONGEST {
            return false;
        }
        let mut tree = self.tree.clone();
        let (&last, around) = path.split_last().expect("a place");
        let parent = around.iter().fold(&mut tree, |list, &index| match &mut list[index] {
            Piece::List(list) => list,
            Piece::Word(_) => unreachable!("a path leads through lists"),
        });
        parent.splice(last..=last, pieces);
        let accepted = kind(&text(&tree), &self.modes).is_some_and(|kind| kind == self.kind);
        if accepted {
            self.tree = tree;
        }
        accepted
    }
}

fn text(tree: &[Piece]) -> String {
    let mut text = String::new();
    show(tree, 0, &mut text);
    text.trim_start().to_owned()
}

/// The places of all lists.
fn find(pieces: &[Piece], path: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    for (index, piece) in pieces.iter().enumerate() {
        if let Piece::List(list) = piece {
            path.push(index);
            found.push(path.clone());
            find(list, path, found);
            path.pop();
        }
    }
}

/// The list at a place, if there is still one.
fn at<'a>(tree: &'a [Piece], path: &[usize]) -> Option<&'a [Piece]> {
    path.iter().try_fold(tree, |list, &index| match list.get(index)? {
        Piece::List(list) => Some(&list[..]),
        Piece::Word(_) => None,
    })
}
