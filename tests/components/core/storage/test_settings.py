from pathlib import Path

import pytest

from components.core.errors import StorageError
from components.core.storage import S3Settings, gdal_environment

SECRETS = {
    "AWS_ACCESS_KEY_ID": "the-access-key",
    "AWS_SECRET_ACCESS_KEY": "the-secret-key",
    "AWS_SESSION_TOKEN": "the-token",
}


def test_nothing_set_means_amazon_unsigned() -> None:
    settings = S3Settings.from_environment({})
    assert settings.endpoint_url == "https://s3.amazonaws.com"
    assert settings.access_key is None
    assert settings.region == "us-east-1"
    assert not settings.path_style
    assert settings.wait_s == 300


def test_the_scheme_decides_on_tls_and_the_service_variable_wins() -> None:
    plain = S3Settings.from_environment({"AWS_ENDPOINT_URL": "http://seaweedfs.kubeflow:9000"})
    assert (plain.endpoint, plain.secure, plain.path_style) == ("seaweedfs.kubeflow:9000", False, True)
    both = {"AWS_ENDPOINT_URL": "http://other", "AWS_ENDPOINT_URL_S3": "https://store:443/"}
    assert S3Settings.from_environment(both).endpoint_url == "https://store:443"


def test_regions_and_path_style() -> None:
    assert S3Settings.from_environment({"AWS_DEFAULT_REGION": "eu-west-1"}).region == "eu-west-1"
    both = {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert S3Settings.from_environment(both).region == "eu-north-1"
    assert S3Settings.from_environment({"AWS_S3_FORCE_PATH_STYLE": "TRUE"}).path_style


def test_an_empty_variable_counts_as_absent() -> None:
    settings = S3Settings.from_environment({"AWS_ENDPOINT_URL": "", "AWS_SESSION_TOKEN": " "})
    assert settings.endpoint == "s3.amazonaws.com"
    assert settings.session_token is None


def test_no_credential_in_the_repr() -> None:
    settings = S3Settings.from_environment(SECRETS)
    assert (settings.access_key, settings.secret_key, settings.session_token) == tuple(SECRETS.values())
    for secret in SECRETS.values():
        assert secret not in repr(settings)
        assert secret not in str(settings)
        assert secret not in settings.redacted(f"text with {secret}")


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"AWS_ACCESS_KEY_ID": "the-access-key"}, "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": "the-secret-key"}, "AWS_ACCESS_KEY_ID"),
        ({"AWS_ENDPOINT_URL": "seaweedfs.kubeflow:9000"}, "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "http://store/path"}, "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "http://user:the-secret-key@store"}, "AWS_ENDPOINT_URL"),
        ({"AWS_CA_BUNDLE": "/no/such/file.pem"}, "AWS_CA_BUNDLE"),
        ({"AWS_S3_FORCE_PATH_STYLE": "perhaps"}, "AWS_S3_FORCE_PATH_STYLE"),
        ({"STORAGE_WAIT_SECONDS": "long"}, "STORAGE_WAIT_SECONDS"),
        ({"STORAGE_WAIT_SECONDS": "86400"}, "STORAGE_WAIT_SECONDS"),
        ({"STORAGE_CONNECT_WAIT_SECONDS": "-1"}, "STORAGE_CONNECT_WAIT_SECONDS"),
        ({"STORAGE_PART_SIZE_MIB": "4"}, "STORAGE_PART_SIZE_MIB"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(StorageError, match=name) as caught:
        S3Settings.from_environment(environ)
    assert "the-secret-key" not in str(caught.value)
    assert "the-access-key" not in str(caught.value)


def test_gdal_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    environ = {
        **SECRETS,
        "AWS_ENDPOINT_URL": "https://store:9000",
        "AWS_CA_BUNDLE": str(bundle),
        "AWS_REGION": "eu-west-1",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    options = gdal_environment()
    assert options["AWS_S3_ENDPOINT"] == "store:9000"
    assert options["AWS_HTTPS"] == "YES"
    assert options["AWS_VIRTUAL_HOSTING"] == "FALSE"
    assert options["AWS_REGION"] == "eu-west-1"
    assert options["CURL_CA_BUNDLE"] == str(bundle)
    assert "AWS_NO_SIGN_REQUEST" not in options
    assert not set(options.values()) & set(SECRETS.values())
    assert gdal_environment("/data/a.tif") == {}
