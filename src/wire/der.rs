//! As much of DER as it takes to find a certificate's signature algorithm and the name of whom it is for.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// The version, which may be absent.
const CONTEXT_0: u8 = 0xa0;
/// UTF8String, PrintableString, IA5String: what is UTF-8 as it stands.
const STRINGS: [u8; 3] = [0x0c, 0x13, 0x16];
/// 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];

/// The object identifier (its encoded bytes) of a certificate's signatureAlgorithm; `None` if this is no certificate.
pub fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (body, _) = element(certificate, SEQUENCE)?;
    let (_to_be_signed, rest) = element(body, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER).map(|(identifier, _)| identifier)
}

/// The common name of a certificate's subject, the first if there are several, as PostgreSQL takes it. `None` without one, or with
/// one that is no plain text.
pub fn common_name(certificate: &[u8]) -> Option<String> {
    let (body, _) = element(certificate, SEQUENCE)?;
    let (signed, _) = element(body, SEQUENCE)?;
    let rest = element(signed, CONTEXT_0).map_or(signed, |(_version, rest)| rest);
    let (_serial, rest) = element(rest, INTEGER)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    let (_issuer, rest) = element(rest, SEQUENCE)?;
    let (_validity, rest) = element(rest, SEQUENCE)?;
    let (mut subject, _) = element(rest, SEQUENCE)?;
    while let Some((mut attributes, others)) = element(subject, SET) {
        subject = others;
        while let Some((attribute, others)) = element(attributes, SEQUENCE) {
            attributes = others;
            let (identifier, value) = element(attribute, OBJECT_IDENTIFIER)?;
            if identifier == COMMON_NAME {
                let text = STRINGS.iter().find_map(|tag| element(value, *tag))?.0;
                let text = std::str::from_utf8(text).ok()?;
                // A NUL in it would end it for others that read it.
                return (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned());
            }
        }
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_is_the_subjects_not_the_issuers() {
        let named = |name: &str| {
            let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(rcgen::DnType::OrganizationName, "o");
            if !name.is_empty() {
                params.distinguished_name.push(rcgen::DnType::CommonName, name);
            }
            params
        };
        let key = rcgen::KeyPair::generate().expect("key");
        let issuer = rcgen::Issuer::new(named("the issuer"), &key);
        let of = |name: &str| common_name(named(name).signed_by(&key, &issuer).expect("signed").der());
        assert_eq!(of("Käthe"), Some("Käthe".into()));
        assert_eq!(of(""), None);
        assert_eq!(of("kim\0ann"), None);
        assert_eq!(common_name(b"nonsense"), None);
    }
}
