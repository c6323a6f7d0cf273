//! As much of DER as it takes to find a certificate's signature algorithm.

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// The object identifier (its encoded bytes) of a certificate's signatureAlgorithm; `None` if this is no certificate.
pub fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (body, _) = element(certificate, SEQUENCE)?;
    let (_to_be_signed, rest) = element(body, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER).map(|(identifier, _)| identifier)
}

/// The contents of the element that stands first, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = input.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let count = usize::from(*length & 0x7f);
        let bytes = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
        (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), &rest[count..])
    };
    Some((rest.get(..length)?, &rest[length..]))
}
