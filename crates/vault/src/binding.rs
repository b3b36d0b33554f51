//! Where a sealed secret belongs.

use paddock_core::id::{AccessKeyId, ConnectionId, DekId, UserId};

/// What a secret is: a part of a credential, or what requests with an access key are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The Key ID of an API key pair.
    KeyId,
    /// The Secret Key of an API key pair.
    SecretKey,
    /// An OAuth token.
    OauthToken,
    /// The key with which requests of this access key are signed.
    SigningKey(AccessKeyId),
}

impl Field {
    /// Part of the format of sealed secrets: never changed, never used twice.
    const fn tag(self) -> u8 {
        match self {
            Self::KeyId => 1,
            Self::SecretKey => 2,
            Self::OauthToken => 3,
            Self::SigningKey(_) => 4,
        }
    }
}

/// The one place to which a sealed secret belongs. Sealed for one place, it opens in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// Whose it is.
    pub user: UserId,
    /// Which connection it opens.
    pub connection: ConnectionId,
    /// Which part of the credential it is.
    pub field: Field,
    /// The credential's version, counted up by one at each replacement.
    pub version: u32,
}

const LABEL: &[u8; 18] = b"paddock sealed v1\0";

impl Binding {
    /// The additional authenticated data. Every part has a fixed length, and what follows a field is told by the field, so two
    /// different places never look the same.
    pub(crate) fn additional_data(&self, dek: DekId) -> Vec<u8> {
        let mut data = Vec::with_capacity(LABEL.len() + 4 * 16 + 1 + 4);
        data.extend_from_slice(LABEL);
        data.extend_from_slice(dek.as_uuid().as_bytes());
        data.extend_from_slice(self.user.as_uuid().as_bytes());
        data.extend_from_slice(self.connection.as_uuid().as_bytes());
        data.push(self.field.tag());
        if let Field::SigningKey(access_key) = self.field {
            data.extend_from_slice(access_key.as_uuid().as_bytes());
        }
        data.extend_from_slice(&self.version.to_be_bytes());
        data
    }
}
