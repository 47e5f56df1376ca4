from __future__ import annotations

from components.core.collection.layer.lru_cache import RecentlyRead


def test_what_was_used_last_is_kept_as_far_as_there_is_memory_for_it() -> None:
    read: list[str] = []

    def reading(name: str) -> str:
        read.append(name)
        return name * 3

    recent = RecentlyRead(reading, len, 7)
    assert [recent(name) for name in "abacab"] == ["aaa", "bbb", "aaa", "ccc", "aaa", "bbb"]
    assert read == ["a", "b", "c", "b"]  # b made way for c, which made way for b
    assert recent("long") == "longlonglong"
    assert recent("long") == "longlonglong"
    assert read[4:] == ["long"]
    assert recent("a") == "aaa"
    assert read[5:] == ["a"]
