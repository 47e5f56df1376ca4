import pytest
import torch

from components.core.errors import ConfigError
from components.core.network.gpus import usable_devices


def test_fewer_gpus_than_a_step_was_placed_on_are_an_error() -> None:
    wanted = torch.cuda.device_count() + 1
    with pytest.raises(ConfigError, match=f"gpus: the step asked for {wanted} and sees {wanted - 1}; check"):
        usable_devices(wanted, [0])


@pytest.mark.parametrize("named", [[], [0], [2, 0]])
def test_where_nothing_is_placed_the_config_names_the_gpus(named: list[int]) -> None:
    assert usable_devices(0, named) == named


@pytest.mark.parametrize("named", [[], [0], [0, 1, 2], [5]])
def test_a_placed_step_uses_all_its_gpus_whatever_the_config_names(
    named: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    with caplog.at_level("INFO"):
        assert list(usable_devices(3, named)) == [0, 1, 2]
    assert ("is ignored: this step was placed on 3 GPU" in caplog.text) == (named != [0, 1, 2])
