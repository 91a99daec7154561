//! The headers of Standard Webhooks 1.0: which notice, when, and the proof.

use crate::config::Secret;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

/// The headers of one attempt. `at` is the attempt's time by the machine's own
/// clock in Unix seconds, since the receiver compares it with its own. Without a
/// secret there is no signature; with a secret that cannot sign it is an error,
/// never an unsigned request.
pub fn headers(
    secret: Option<&Secret>,
    uid: &str,
    at: i64,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, String> {
    let mut headers =
        vec![(HEADER_WEBHOOK_ID, uid.to_owned()), (HEADER_WEBHOOK_TIMESTAMP, at.to_string())];
    if let Some(secret) = secret {
        let signature =
            signer(secret)?.sign(uid, at, body).map_err(|e| format!("cannot be signed: {e}"))?;
        headers.push((HEADER_WEBHOOK_SIGNATURE, signature));
    }
    Ok(headers)
}

/// Whether a secret can sign: `whsec_` and a key in base 64.
pub fn check(secret: &Secret) -> Result<(), String> {
    signer(secret).map(drop)
}

fn signer(secret: &Secret) -> Result<Webhook, String> {
    let key = secret.reveal().trim();
    let wrong = "the receiver's secret cannot sign; give `whsec_` followed by a key of 24 to 64 bytes in base64";
    if !key.starts_with("whsec_") {
        return Err(wrong.to_owned());
    }
    Webhook::new(key).map_err(|_| wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        let secret = Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let headers =
            headers(Some(&secret), "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap();
        assert_eq!(
            headers,
            [
                ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".to_owned()),
                ("webhook-timestamp", "1649367553".to_owned()),
                ("webhook-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=".to_owned()),
            ]
        );
    }

    #[test]
    fn without_a_secret_there_is_no_signature_and_with_a_bad_one_no_request() {
        assert_eq!(headers(None, "n", 1, b"{}").unwrap().len(), 2);
        for bad in ["whsec_!!!", "plain", "whsk_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"] {
            let said = headers(Some(&Secret::new(bad)), "n", 1, b"{}").unwrap_err();
            assert!(said.contains("whsec_") && !said.contains(bad), "{said}");
        }
    }
}
