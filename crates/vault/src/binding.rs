//! Where a sealed secret belongs.

use paddock_core::id::{AccessKeyId, ConnectionId, ConsumerId, DekId, RotationId, UserId};
use uuid::Uuid;

/// What a secret is: a part of a credential, what requests with an access key are signed with, or what a rotation needs.
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
    /// With what Paddock logs in to this consumer.
    ConsumerSecret(ConsumerId),
    /// The Key ID of the pair that was pasted in this rotation.
    CandidateKeyId(RotationId),
    /// The Secret Key of the pair that was pasted in this rotation.
    CandidateSecretKey(RotationId),
    /// The Key ID of the pair that this rotation replaces, kept until Alpaca refuses it.
    RetiringKeyId(RotationId),
    /// The Secret Key of the pair that this rotation replaces.
    RetiringSecretKey(RotationId),
}

impl Field {
    /// Part of the format of sealed secrets: never changed, never used twice.
    const fn tag(self) -> u8 {
        match self {
            Self::KeyId => 1,
            Self::SecretKey => 2,
            Self::OauthToken => 3,
            Self::SigningKey(_) => 4,
            Self::ConsumerSecret(_) => 5,
            Self::CandidateKeyId(_) => 6,
            Self::CandidateSecretKey(_) => 7,
            Self::RetiringKeyId(_) => 8,
            Self::RetiringSecretKey(_) => 9,
        }
    }

    /// What the field belongs to besides its connection.
    const fn of(&self) -> Option<&Uuid> {
        match self {
            Self::KeyId | Self::SecretKey | Self::OauthToken => None,
            Self::SigningKey(access_key) => Some(access_key.as_uuid()),
            Self::ConsumerSecret(consumer) => Some(consumer.as_uuid()),
            Self::CandidateKeyId(rotation)
            | Self::CandidateSecretKey(rotation)
            | Self::RetiringKeyId(rotation)
            | Self::RetiringSecretKey(rotation) => Some(rotation.as_uuid()),
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
        if let Some(of) = self.field.of() {
            data.extend_from_slice(of.as_bytes());
        }
        data.extend_from_slice(&self.version.to_be_bytes());
        data
    }
}
