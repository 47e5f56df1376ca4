"""What went wrong with an object store, in words that say what to do and never show a credential."""

from __future__ import annotations

from minio.error import InvalidResponseError, MinioException, S3Error
from urllib3.exceptions import HTTPError, NameResolutionError, SSLError

from components.core.errors import StorageError
from components.core.storage.settings import S3Settings
from components.core.storage.uris import Uri

_NOT_S3 = ("the server at this address does not speak S3", "check AWS_ENDPOINT_URL: host, port, and http or https")
_CREDENTIALS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_SIGNING = "the store does not accept the credentials"

# S3's error code: the rule, and the fix.
_RULES = {
    "BadRequest": _NOT_S3,
    "MethodNotAllowed": _NOT_S3,
    "NoSuchBucket": ("the bucket does not exist", "create it, or correct the URI"),
    "BucketAlreadyExists": ("another account has a bucket of this name", "choose another name"),
    "NoSuchKey": ("there is no such object", "check the key; if it was there before, it has been deleted since"),
    "AccessDenied": (
        "the store refuses access",
        f"{_CREDENTIALS}, and that this identity may do this to the bucket",
    ),
    "InvalidAccessKeyId": (_SIGNING, _CREDENTIALS),
    "SignatureDoesNotMatch": (_SIGNING, _CREDENTIALS),
    "InvalidToken": (_SIGNING, "check AWS_SESSION_TOKEN"),
    "ExpiredToken": ("the temporary credentials have expired", "get new ones"),
    "RequestTimeTooSkewed": ("this machine's clock and the store's differ too much", "set the clock"),
    "AuthorizationHeaderMalformed": ("the request was signed for another region", "set AWS_REGION to the bucket's"),
    "PermanentRedirect": ("the bucket is in another region", "set AWS_REGION to the bucket's"),
    "PreconditionFailed": ("the object was replaced while it was read", "run this again"),
    "NotImplemented": (
        "the store lacks what was asked of it",
        "use one that has writes under conditions (If-Match), or a newer release of it",
    ),
    "EntityTooLarge": ("the object is larger than the store accepts", "raise the store's limit"),
}


def explain(error: Exception, settings: S3Settings, action: str, place: Uri) -> StorageError:
    """Say what an error of the minio client or of its connection means.

    Args:
        error: What was raised.
        settings: The store that was talked to.
        action: What was tried, such as "read".
        place: The bucket and key.

    Returns:
        The error to raise; it names the place, the endpoint, the rule and the fix.
    """
    rule, fix = _rule_and_fix(error, settings, place)
    text = f"{place} at {settings.endpoint_url}: cannot {action} it: {rule}; {fix}"
    return StorageError(settings.redacted(text))


def _rule_and_fix(error: Exception, settings: S3Settings, place: Uri) -> tuple[str, str]:
    if isinstance(error, S3Error):
        code = error.code or "unknown error"
        if code == "AccessDenied" and settings.access_key is None:
            return "the store refuses unsigned requests (AccessDenied)", (
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        rule, fix = _RULES.get(code, (f"the store answers '{error.message}'", "see the store's own log"))
        return f"{rule} ({code}, bucket '{place.bucket}', key '{place.key}')", fix
    if isinstance(error, InvalidResponseError):
        return _NOT_S3
    if isinstance(error, NameResolutionError):
        return "the endpoint's host name is not known", "correct AWS_ENDPOINT_URL, or DNS"
    if isinstance(error, SSLError):
        return f"the TLS handshake failed ({error})", (
            "check http or https in AWS_ENDPOINT_URL, and AWS_CA_BUNDLE for a certificate of one's own"
        )
    if isinstance(error, HTTPError):
        return f"the endpoint cannot be reached ({type(error).__name__})", (
            "check AWS_ENDPOINT_URL and that the store runs; STORAGE_WAIT_SECONDS and "
            "STORAGE_CONNECT_WAIT_SECONDS set how long to wait for it"
        )
    if isinstance(error, MinioException):
        return f"the store returned an error ({error})", "see the store's own log"
    return str(error), "see the store's own log"
