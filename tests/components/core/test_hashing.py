from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from components.core.hashing import as_text, digest, hash_integer, is_text, short_name, uniform

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
    program = "from components.core.hashing import uniform; print(uniform(7, 'tag', 'austin1'))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert float(said) == uniform(7, "tag", "austin1")


def test_draws_are_spread_evenly() -> None:
    draws = [uniform(0, "if", f"image{i}") for i in range(2000)]
    assert abs(sum(draws) / len(draws) - 0.5) < 0.03
    for tenth in range(10):
        assert 140 < sum(tenth / 10 <= draw < (tenth + 1) / 10 for draw in draws) < 260


def test_integers_have_64_bits() -> None:
    drawn = [hash_integer(0, str(i)) for i in range(200)]
    assert max(drawn) < 2**64
    assert max(drawn) >= 2**63


@given(st.text(max_size=90), st.text(max_size=90), st.integers(20, 200))
def test_short_names_are_short_and_differ_where_names_do(first: str, second: str, most_bytes: int) -> None:
    short = short_name(first, most_bytes)
    assert len(short.encode()) <= most_bytes
    assert (short == first) == (len(first.encode()) <= most_bytes)
    assert (short == short_name(second, most_bytes)) == (first == second)


def test_a_name_of_ideographs_is_cut_between_them() -> None:
    assert short_name("正" * 70).startswith("正" * 47 + "-")
    assert short_name("正" * 53) == "正" * 53


@given(st.binary(min_size=1, max_size=20).filter(lambda name: not {0, 47} & set(name)))
def test_every_file_name_can_be_written_down(name: bytes) -> None:
    text = os.fsdecode(name)
    assert as_text(text).encode()
    assert is_text(text) == (as_text(text) == text)
