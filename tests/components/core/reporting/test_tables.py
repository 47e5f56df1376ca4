from components.core.reporting.tables import Cell, Column, table
from tests.components.core.reporting.looking import tags_of, text_of


def test_a_table_has_a_cell_a_column() -> None:
    html = str(table([Column("name", is_text=True), Column("count")], [("a<b", Cell("1", "of 2")), ("c", "3")]))

    assert text_of(html).strip() == "name count a<b 1 of 2 c 3"
    assert html.count('class="text"') == 3
    assert tags_of(html).count("tr") == 3


def test_rows_beyond_the_most_are_counted() -> None:
    columns = [Column("", is_text=True)]

    assert "The first 2 of 3 scenes." in table(columns, [("a",), ("b",), ("c",)], most=2, noun="scenes")
    assert "The first" not in table(columns, [("a",), ("b",)], most=2)


def test_a_table_without_titles_has_no_head() -> None:
    html = str(table([Column(""), Column("")], [("a", "b")], style="about"))

    assert "thead" not in tags_of(html)
    assert '<table class="about">' in html


def test_a_total_stands_last_and_apart_however_many_rows_are_left_out() -> None:
    html = str(table([Column("town")], [("a",), ("b",), ("c",)], most=1, total=("all",)))
    assert html.count("<tr") == 3 and "The first 1 of 3 rows." in html
    assert '<tr class="overall"><td>all</td></tr>' in html
    assert "overall" not in table([Column("town")], [("a",)])
