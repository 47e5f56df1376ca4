from components.core.reporting.text import counted_noun, share_text, thousands


def test_numbers_are_grouped_and_missing_shares_are_dashes() -> None:
    assert thousands(1_234_567) == "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"
    assert (share_text(0.12345), share_text(None), share_text(float("nan"))) == ("0.123", "–", "–")
    assert (counted_noun(1, "scene"), counted_noun(12, "scene")) == ("1 scene", "12 scenes")
