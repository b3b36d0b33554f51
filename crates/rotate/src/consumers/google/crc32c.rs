//! CRC-32C (Castagnoli, RFC 3720 appendix B.4), with which Google checks that a value came whole.

/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The checksum of the bytes.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
    !bytes.iter().fold(!0_u32, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The values of RFC 3720, and the usual one for nine digits.
    #[rstest]
    #[case(&[0; 32], 0x8a91_36aa)]
    #[case(&[0xff; 32], 0x62a8_ab43)]
    #[case(b"123456789", 0xe306_9283)]
    #[case(b"", 0)]
    fn the_published_sums_come_out(#[case] bytes: &[u8], #[case] expected: u32) {
        assert_eq!(crc32c(bytes), expected);
    }
}
