"""Whether an object store answers for a place, and if not, how far the trouble reaches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from components.core.errors import StorageError
from components.core.storage.client import check_bucket, client_for
from components.core.storage.s3_errors import explain
from components.core.storage.settings import S3Settings
from components.core.storage.uris import Uri

_OF_THE_BUCKET = frozenset({"NoSuchBucket", "AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidBucketName"})
_REFUSING_WHO_ASKS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"})
_OF_THE_STORE = _REFUSING_WHO_ASKS | {"BadRequest", "MethodNotAllowed", "RequestTimeTooSkewed"}
REFUSED = "AccessDenied"


class Reach(IntEnum):
    """What else a trouble concerns."""

    PLACE = 0
    BUCKET = 1
    STORE = 2


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a place cannot be listed.

    Attributes:
        reach: What else fails in the same way.
        text: What is wrong and what to do, without any credential.
        refused: Whether the store answers, and turns down who asks.
    """

    reach: Reach
    text: str
    refused: bool = False


def check_reachable(place: Uri, settings: S3Settings) -> Trouble | None:
    """Ask a store for the first name below a place.

    Args:
        place: In object storage; there may be nothing.
        settings: Of the store.

    Returns:
        What is wrong; None where the store answers.
    """
    try:
        check_bucket(place)
        client_for(settings).list_page(place.bucket, place.folder_key, "/", None, max_keys=1)
    except StorageError as error:
        return Trouble(Reach.BUCKET, str(error))
    except (MinioException, HTTPError) as error:
        code = (error.code or "") if isinstance(error, S3Error) else ""
        refused = code in {REFUSED, *_REFUSING_WHO_ASKS}
        reach = _reach(code, unsigned=settings.access_key is None)
        return Trouble(reach, str(explain(error, settings, "list", place)), refused)
    return None


def _reach(code: str, unsigned: bool) -> Reach:
    """How far an error reaches; an empty code stands for a store that gives no answer of S3's."""
    if not code or code in _OF_THE_STORE:
        return Reach.STORE
    return Reach.BUCKET if code in _OF_THE_BUCKET or (code == REFUSED and unsigned) else Reach.PLACE
