//! Punycode (RFC 3492), in the one direction that a mail system needs: a U-label becomes an A-label.

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 0x80;

/// The label in ASCII (RFC 5890 section 2.3.2.1): as it is, or encoded with `xn--` in front. None if it is absurdly long.
pub(crate) fn to_a_label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    let mut out = String::from("xn--");
    encode(label, &mut out)?;
    Some(out)
}

/// RFC 3492 section 6.3.
fn encode(label: &str, out: &mut String) -> Option<()> {
    let basic: String = label.chars().filter(char::is_ascii).collect();
    out.push_str(&basic);
    if !basic.is_empty() {
        out.push('-');
    }
    let length = u32::try_from(label.chars().count()).ok()?;
    let first = u32::try_from(basic.len()).ok()?;
    let (mut n, mut delta, mut bias, mut done) = (INITIAL_N, 0u32, INITIAL_BIAS, first);
    while done < length {
        let next = label.chars().map(u32::from).filter(|c| *c >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for c in label.chars().map(u32::from) {
            if c < n {
                delta = delta.checked_add(1)?;
            }
            if c == n {
                put_number(delta, bias, out)?;
                bias = adapt(delta, done + 1, done == first);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(())
}

/// A number of variable length (RFC 3492 section 3.3).
fn put_number(mut number: u32, bias: u32, out: &mut String) -> Option<()> {
    let mut k = BASE;
    loop {
        let t = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if number < t {
            out.push(digit(number)?);
            return Some(());
        }
        out.push(digit(t + (number - t) % (BASE - t))?);
        number = (number - t) / (BASE - t);
        k += BASE;
    }
}

/// Letters are 0 to 25, digits 26 to 35 (RFC 3492 section 5).
fn digit(value: u32) -> Option<char> {
    let value = u8::try_from(value).ok()?;
    let byte = if value < 26 {
        b'a' + value
    } else {
        b'0' + (value - 26)
    };
    Some(char::from(byte))
}

/// RFC 3492 section 6.1.
fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
mod tests {
    use super::to_a_label;

    #[test]
    fn labels_are_encoded_as_the_rest_of_the_world_does() {
        for (label, wanted) in [
            ("plain", "plain"),
            ("bücher", "xn--bcher-kva"),
            ("ü", "xn--tda"),
            ("faß", "xn--fa-hia"),
            ("münchen-ost", "xn--mnchen-ost-9db"),
            // RFC 3492 section 7.1 (B), (E) and (L)
            ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
            ("למההםפשוטלאמדבריםעברית", "xn--4dbcagdahymbxekheh6e0a7fei0b"),
            ("3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b"),
        ] {
            assert_eq!(to_a_label(label).as_deref(), Some(wanted), "{label}");
        }
    }
}
