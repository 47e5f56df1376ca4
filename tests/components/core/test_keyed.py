from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from components.core.keyed import digest, keyed_integer, uniform

names = st.text(max_size=8)


@given(st.integers(), st.lists(names, max_size=4))
def test_uniform_depends_on_seed_and_keys_alone(seed: int, keys: list[str]) -> None:
    value = uniform(seed, *keys)
    assert 0 <= value < 1
    assert uniform(seed, *keys) == value
    assert uniform(seed + 1, *keys) != value


@given(st.lists(names, max_size=4), st.lists(names, max_size=4))
def test_digest_sees_where_parts_end(first: list[str], second: list[str]) -> None:
    assert (digest(*first) == digest(*second)) == (first == second)


def test_bytes_and_text_of_the_same_content_are_the_same() -> None:
    assert digest("tyrol-w1") == digest(b"tyrol-w1")


def test_another_process_draws_the_same() -> None:
    program = "from components.core.keyed import uniform; print(uniform(7, 'tag', 'austin1'))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert float(said) == uniform(7, "tag", "austin1")


def test_draws_are_spread_evenly() -> None:
    draws = [uniform(0, "if", f"image{i}") for i in range(2000)]
    assert abs(sum(draws) / len(draws) - 0.5) < 0.03
    for tenth in range(10):
        assert 140 < sum(tenth / 10 <= draw < (tenth + 1) / 10 for draw in draws) < 260


def test_integers_have_64_bits() -> None:
    drawn = [keyed_integer(0, str(i)) for i in range(200)]
    assert max(drawn) < 2**64
    assert max(drawn) >= 2**63
