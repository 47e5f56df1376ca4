import pytest
import torch

from components.core.errors import ConfigError
from components.core.network.gpus import check_gpus


def test_missing_gpus_are_an_error_where_they_are_required():
    wanted = torch.cuda.device_count() + 1
    with pytest.raises(ConfigError, match=f"gpus: {wanted} are asked for and {wanted - 1} are present"):
        check_gpus(wanted, required=True)


def test_missing_gpus_are_tolerated_where_they_are_not():
    check_gpus(torch.cuda.device_count() + 1, required=False)


def test_the_gpus_that_are_there_suffice():
    check_gpus(torch.cuda.device_count(), required=True)
