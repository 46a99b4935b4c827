//! As much JSON as a line of `mj bench --json` needs: one object of strings, numbers, booleans and nulls.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// A member's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

/// The members of an object.
pub(super) type Object = BTreeMap<String, Value>;

/// Reads an object (RFC 8259) that has no objects or arrays in it.
///
/// # Errors
///
/// What was wanted and what is there instead.
pub(super) fn parse(text: &str) -> Result<Object, String> {
    let mut rest = text.chars().peekable();
    let mut object = Object::new();
    expect(&mut rest, '{')?;
    if next_is(&mut rest, '}') {
        return Ok(object);
    }
    loop {
        skip_space(&mut rest);
        let name = string(&mut rest)?;
        expect(&mut rest, ':')?;
        object.insert(name, value(&mut rest)?);
        if !next_is(&mut rest, ',') {
            break;
        }
    }
    expect(&mut rest, '}')?;
    skip_space(&mut rest);
    rest.next().map_or(Ok(object), |c| Err(format!("{c:?} behind the object")))
}

/// The text as a JSON string, quotes included.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\""
}

fn value(rest: &mut Peekable<Chars>) -> Result<Value, String> {
    skip_space(rest);
    match rest.peek() {
        Some('"') => string(rest).map(Value::Text),
        Some('-' | '0'..='9') => {
            let digits = word(rest, |c| c.is_ascii_digit() || "+-.eE".contains(c));
            digits.parse().map(Value::Number).map_err(|_| format!("{digits:?} is no number"))
        }
        _ => match word(rest, |c| c.is_ascii_alphabetic()).as_str() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            other => Err(format!("{other:?} instead of a value")),
        },
    }
}

fn string(rest: &mut Peekable<Chars>) -> Result<String, String> {
    if rest.next() != Some('"') {
        return Err("a string is missing".to_owned());
    }
    let mut out = String::new();
    loop {
        match rest.next().ok_or("a string has no end")? {
            '"' => return Ok(out),
            '\\' => out.push(escape(rest)?),
            c => out.push(c),
        }
    }
}

fn escape(rest: &mut Peekable<Chars>) -> Result<char, String> {
    Ok(match rest.next().ok_or("a string has no end")? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let digits: String = rest.by_ref().take(4).collect();
            let code = u32::from_str_radix(&digits, 16).map_err(|_| format!("\\u{digits} is no character"))?;
            // Halves of surrogate pairs: nobody measures such files.
            char::from_u32(code).ok_or_else(|| format!("\\u{digits} is no character"))?
        }
        c @ ('"' | '\\' | '/') => c,
        c => return Err(format!("\\{c} is no escape")),
    })
}

fn word(rest: &mut Peekable<Chars>, belongs: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    while let Some(c) = rest.next_if(|&c| belongs(c)) {
        out.push(c);
    }
    out
}

fn skip_space(rest: &mut Peekable<Chars>) {
    while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
}

fn next_is(rest: &mut Peekable<Chars>, wanted: char) -> bool {
    skip_space(rest);
    rest.next_if_eq(&wanted).is_some()
}

fn expect(rest: &mut Peekable<Chars>, wanted: char) -> Result<(), String> {
    if next_is(rest, wanted) { Ok(()) } else { Err(format!("{wanted:?} is missing before {:?}", rest.collect::<String>())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_members_is_read() {
        let object = parse(r#"{"engine": "mj", "compile_us": 12.5, "ok": null, "good":true, "exit": -3, "e":1e2} "#).unwrap();
        assert_eq!(object["engine"], Value::Text("mj".to_owned()));
        assert_eq!(object["compile_us"], Value::Number(12.5));
        assert_eq!(object["ok"], Value::Null);
        assert_eq!(object["good"], Value::Bool(true));
        assert_eq!(object["exit"], Value::Number(-3.0));
        assert_eq!(object["e"], Value::Number(100.0));
        assert!(parse("{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_quoted_is_read_as_it_was() {
        let text = "a\"b\\c\n\u{1}/é";
        let line = format!("{{{}: {}}}", quoted("name"), quoted(text));
        assert_eq!(parse(&line).unwrap()["name"], Value::Text(text.to_owned()));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "{", "{\"a\"}", "{\"a\": }", "{\"a\": 1", "{\"a\": 1} x", "{\"a\": \"b}", "[1]", "{\"a\": 1-}", "{\"a\": \"\\q\"}"]
        {
            assert!(parse(text).is_err(), "{text} was read");
        }
    }
}
