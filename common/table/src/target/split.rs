//! Where a list has its commas: quotes, backslashes and comments in parentheses as sendmail reads them.

use stafette_control::Mistake;

use super::strip_prefix_ignoring_case;

/// The words of a list. A comma in quotes or in a comment is none; `error:` takes all the rest.
pub(super) fn split(line: &str) -> Result<Vec<&str>, Mistake> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        if strip_prefix_ignoring_case(rest, "error:").is_some() {
            words.push(rest.trim());
            break;
        }
        let end = end_of_word(rest)?;
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        words.push(word.trim());
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    words.retain(|word| !word.is_empty());
    Ok(words)
}

/// Where the comma is, or the end. In a program line parentheses belong to the shell.
fn end_of_word(text: &str) -> Result<usize, Mistake> {
    let is_program = text.starts_with('|');
    let (mut in_quotes, mut depth) = (false, 0_usize);
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            '"' if depth == 0 => in_quotes = !in_quotes,
            _ if in_quotes => {}
            '(' if !is_program => depth += 1,
            ')' if !is_program && depth > 0 => depth -= 1,
            ',' if depth == 0 => return Ok(at),
            _ => {}
        }
    }
    if in_quotes {
        return Err(Mistake::new(
            "a double quote without its second",
            "close it, or write \\\" for one that is meant",
        ));
    }
    if depth > 0 {
        return Err(Mistake::new(
            "a comment without its end",
            "close the parenthesis",
        ));
    }
    Ok(text.len())
}

/// What stands in quotes if nothing else does.
pub(super) fn unquote_whole(word: &str) -> Option<Result<String, Mistake>> {
    let inner = word.strip_prefix('"')?;
    let mut text = String::with_capacity(inner.len());
    let mut signs = inner.chars();
    while let Some(sign) = signs.next() {
        match sign {
            // A shell has its own use for other backslashes.
            '\\' => match signs.next() {
                Some(next @ ('"' | '\\')) => text.push(next),
                next => {
                    text.push('\\');
                    text.extend(next);
                }
            },
            '"' if signs.as_str().is_empty() => return Some(Ok(text)),
            '"' => return None,
            sign => text.push(sign),
        }
    }
    Some(Err(Mistake::new(
        "a double quote without its second",
        "close it",
    )))
}

/// The word without comments in parentheses.
pub(super) fn without_comments(word: &str) -> Result<String, Mistake> {
    let mut text = String::with_capacity(word.len());
    let (mut in_quotes, mut depth) = (false, 0_usize);
    let mut signs = word.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => {
                let next = signs.next();
                if depth == 0 {
                    text.push(sign);
                    text.extend(next);
                }
                continue;
            }
            '"' if depth == 0 => in_quotes = !in_quotes,
            '(' if !in_quotes => depth += 1,
            ')' if !in_quotes && depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            text.push(sign);
        }
    }
    if in_quotes || depth > 0 {
        return Err(Mistake::new(
            "a quote or a comment without its end",
            "close it",
        ));
    }
    Ok(text)
}

/// As it stands between double quotes.
pub(super) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
