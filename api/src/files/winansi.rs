//! Text as the standard fonts of PDF know it (WinAnsiEncoding), and how wide it is in Helvetica.
//! Source: PDF 1.7, annex D; widths from Adobe's font metrics, in thousandths of the size.

use unicode_normalization::UnicodeNormalization;

/// From the blank (32) to the tilde (126).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The width of every other character: no narrower than most.
const OTHER_WIDTH: u16 = 667;

/// The bytes of a text. A letter with an accent that the fonts lack loses it; what they know nothing
/// of becomes a question mark.
pub fn encoded(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| byte(c).or_else(|| c.nfd().next().and_then(byte)).unwrap_or(b'?'))
        .collect()
}

fn byte(c: char) -> Option<u8> {
    match c {
        ' '..='~' => u8::try_from(c).ok(),
        '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).ok(),
        '€' => Some(0x80),
        '‚' => Some(0x82),
        'ƒ' => Some(0x83),
        '„' => Some(0x84),
        '…' => Some(0x85),
        'Š' => Some(0x8a),
        'Œ' => Some(0x8c),
        'Ž' => Some(0x8e),
        '‘' => Some(0x91),
        '’' => Some(0x92),
        '“' => Some(0x93),
        '”' => Some(0x94),
        '•' => Some(0x95),
        '–' => Some(0x96),
        '—' => Some(0x97),
        '™' => Some(0x99),
        'š' => Some(0x9a),
        'œ' => Some(0x9c),
        'ž' => Some(0x9e),
        'Ÿ' => Some(0x9f),
        _ => None,
    }
}

/// The width of encoded text at a size, in points.
pub fn width(text: &[u8], size: f32) -> f32 {
    let of = |byte: &u8| match byte.checked_sub(32).map(usize::from) {
        Some(index) => WIDTHS.get(index).copied().unwrap_or(OTHER_WIDTH),
        None => OTHER_WIDTH,
    };
    text.iter().map(|byte| f32::from(of(byte))).sum::<f32>() * size / 1000.0
}

/// As much of a text as fits in a width, with an ellipsis where something was left out.
pub fn fitted(text: &str, size: f32, room: f32) -> Vec<u8> {
    let whole = encoded(text);
    if width(&whole, size) <= room {
        return whole;
    }
    let ellipsis = b'\x85';
    let mut part = whole;
    while part.pop().is_some() {
        let cut: Vec<u8> = [part.trim_ascii_end(), &[ellipsis]].concat();
        if width(&cut, size) <= room {
            return cut;
        }
    }
    vec![ellipsis]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_keep_their_accents_where_the_fonts_know_them() {
        assert_eq!(encoded("Zoë betaalt € 5"), b"Zo\xeb betaalt \x80 5");
        assert_eq!(encoded("Čech – 日"), b"Cech \x96 ?");
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(fitted("Film", 10.0, 100.0), b"Film");
        let cut = fitted("Een heel lange titel van een film", 10.0, 60.0);
        assert!(cut.ends_with(b"\x85") && width(&cut, 10.0) <= 60.0, "{cut:?}");
        assert_eq!(fitted("Film", 10.0, 0.0), b"\x85");
        assert!((width(b"10,00", 10.0) - 25.02).abs() < 0.001);
    }
}
