//! A text as a picture that a phone reads.

use qrcode::{Color, EcLevel, QrCode};

/// White squares around the picture, which readers need (ISO/IEC 18004, section 9.1).
const MARGIN: usize = 4;

/// The text as an SVG picture, black on white in the dark as well, since that is what readers take. Nothing when it is too long.
pub(crate) fn svg(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let size = width + 2 * MARGIN;
    let mut path = String::with_capacity(colors.len() * 8);
    for (row, line) in colors.chunks(width).enumerate() {
        for (column, color) in line.iter().enumerate() {
            if *color == Color::Dark {
                path.push_str(&format!("M{} {}h1v1h-1z", column + MARGIN, row + MARGIN));
            }
        }
    }
    Some(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"QR code with the secret below\" \
         shape-rendering=\"crispEdges\"><rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_picture() {
        let svg =
            svg("otpauth://totp/Paddock:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Paddock").unwrap();
        assert!(svg.starts_with("<svg class=\"qr\" viewBox=\"0 0 "));
        // The three corners by which a reader finds it: their upper left modules are dark.
        assert!(svg.contains("M4 4h1v1h-1z"));
        assert!(!svg.contains("style="), "the policy allows no inline style");
        assert!(!svg.contains("otpauth"));
    }

    #[test]
    fn what_is_too_long_has_none() {
        assert_eq!(svg(&"x".repeat(5000)), None);
    }
}
