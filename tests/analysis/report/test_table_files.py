import csv
import io
import math

import pytest

from analysis.report.table_files import Head, Table, csv_text, escaped, frame, latex, save, shown
from analysis.statistics.intervals import Interval


def interval(estimate, low, high):
    return Interval(estimate, low, high, 16, "by hand", "seeds")


def table(**changes):
    settings = {
        "name": "quality",
        "caption": "Quality, 100 %.",
        "rows_of": "trials.parquet: phase = confirm",
        "heads": (Head("arm"), Head("n", "count"), Head("converged", "share"), Head("fid", "number"), Head("p", "p")),
        "rows": (
            ("hinge_r1", 16, 0.9375, interval(0.01, 0.005, math.inf), None),
            ("a&b", 1600, interval(0.5, 0.25, 0.75), interval(0.02, 0.01, 0.03), 0.0004),
            ("<script>", 16, 0.0, math.nan, 0.21),
        ),
        "best": 0,
        "tied": frozenset({0, 1}),
    }
    return Table(**{**settings, **changes})


GOLDEN = r"""% Needs \usepackage{booktabs} and \usepackage{textcomp} in the preamble.
% trials.parquet: phase = confirm
\begin{table}
  \centering
  \caption{Quality, 100 \%.}
  \label{tab:quality}
  \begin{tabular}{lrrrr}
    \toprule
    arm & n & converged & fid & p \\
    \midrule
    \textbf{hinge\_r1} & \textbf{16} & \textbf{94~\%} & \textbf{0.0100 [0.0050, $\infty$]} & \textbf{--} \\
    a\&b\textsuperscript{\textdagger} & 1\,600 & 50~\% [25~\%, 75~\%] & 0.020 [0.010, 0.030] & \textless{}~0.001 \\
    \textless{}script\textgreater{} & 16 & 0~\% & -- & 0.21 \\
    \bottomrule
  \end{tabular}
  \par\smallskip\footnotesize\raggedright
  Bold: ahead in these data. \textsuperscript{\textdagger}: cannot be told apart from it.
\end{table}
"""


@pytest.mark.golden
def test_latex_is_booktabs_with_the_best_and_its_equals_marked():
    assert latex(table()) == GOLDEN


def test_of_a_long_caption_the_first_sentence_stands_above_and_the_others_are_notes():
    text = latex(table(caption="Quality of 3.5 kinds. Medians of 100 %. Never pooled.", best=None, tied=frozenset()))
    assert r"\caption{Quality of 3.5 kinds.}" in text
    assert "\n".join([r"  \par\smallskip\footnotesize\raggedright", r"  Medians of 100 \%. Never pooled.", ""]) in text
    assert "footnotesize" not in latex(table(caption="Quality.", best=None, tied=frozenset()))


def test_a_row_that_begins_with_a_bracket_is_no_argument_of_the_line_before():
    named = table(rows=(("[1] ours", 16, 0.9, 0.1, None), ("[2]", 16, 0.5, 0.2, None)), best=0, tied=frozenset())
    assert [line.split(" & ")[0].strip() for line in latex(named).splitlines() if "[" in line and "&" in line] == [
        r"\textbf{[1] ours}",
        "{}[2]",
    ]


def test_without_a_best_row_nothing_is_marked():
    plain = latex(table(best=None, tied=frozenset()))
    assert "textbf" not in plain
    assert "dagger" not in plain


@pytest.mark.golden
def test_csv_has_full_precision_and_an_interval_as_three_columns():
    rows = list(csv.DictReader(io.StringIO(csv_text(table()))))
    assert rows[0] == {
        "arm": "hinge_r1", "n": "16", "converged": "0.9375", "converged low": "", "converged high": "",
        "fid": "0.01", "fid low": "0.005", "fid high": "inf", "p": "", "best": "True", "indistinguishable": "True",
    }  # fmt: skip
    assert rows[2]["fid"] == ""
    assert rows[1]["converged low"] == "0.25"
    assert [row["indistinguishable"] for row in rows] == ["True", "True", "False"]


def test_commas_and_newlines_stay_inside_their_csv_field():
    found = list(csv.reader(io.StringIO(csv_text(table(rows=(('a,"b"\nc', 1, 0.0, 0.0, 1.0),), best=None)))))
    assert found[1][0] == 'a,"b"\nc'


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1+1", "-1+1", "@SUM(A1)", "＝1+1", "＠SUM(A1)", "\tx", "\rx"])
def test_no_text_is_a_formula_and_numbers_stay_numbers(text):
    rows = ((text, -1, -0.5, interval(-1.0, -math.inf, 1.0), None),)
    heads = (Head(text), *table().heads[1:])
    found = list(csv.reader(io.StringIO(csv_text(table(rows=rows, heads=heads, best=None)), newline="")))
    assert found[0][0] == found[1][0] == "'" + text.replace("\r", "\n")
    assert [float(field) for field in found[1][1:6]] == [-1, -0.5, -1.0, -math.inf, 1.0]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("50 % & $x$ #1 a_b", r"50 \% \& \$x\$ \#1 a\_b"),
        ("~ ^", r"\textasciitilde{} \textasciicircum{}"),
        ("1.5·10⁻⁷", r"1.5$\cdot$10\textsuperscript{-7}"),
        ("data²", r"data\textsuperscript{2}"),
        ("two\nlines", "two lines"), ("−∞", r"$-$$\infty$"),
    ],
)  # fmt: skip
def test_text_is_no_latex(text, safe):
    assert escaped(text) == safe


def test_an_interval_without_an_estimate_is_a_dash():
    assert shown(interval(math.nan, math.nan, math.nan), "number") == "–"
    assert shown(interval(0.25, math.nan, math.nan), "number") == "0.250"  # as sentences have it
    assert shown(interval(0.25, math.nan, math.nan), "share") == "25\u00a0%"


def test_a_row_has_a_value_for_each_head():
    with pytest.raises(ValueError, match="table quality, row 0: expected 5 values, got 1"):
        table(rows=(("alone",),))


def test_both_files_are_written(tmp_path):
    paths = save(table(), tmp_path / "deep")
    assert [path.name for path in paths] == ["quality.csv", "quality.tex"]
    assert paths[1].read_text(encoding="utf-8") == GOLDEN


def test_a_frame_is_what_readers_see():
    found = frame(table())
    assert list(found.columns) == ["arm", "n", "converged", "fid", "p"]
    seen = [cell.replace("\u00a0", " ") for cell in found.iloc[1]]
    assert seen == ["a&b", "1\u202f600", "50 % [25 %, 75 %]", "0.020 [0.010, 0.030]", "< 0.001"]


@pytest.mark.parametrize(
    ("kind", "ends", "method", "expected"),
    [
        ("points", (0.08, -1.0, 1.0), "Student’s t of repeats", "8 (too few searches)"),
        ("points", (0.08, -0.09, 0.24), "Student’s t of repeats", "8 [−9, 24]"),
        ("ratio", (1.0, 0.0, math.inf), "Hodges and Lehmann’s of repeats, by inversion", "1.00 (too few searches)"),
        ("ratio", (1.0, 0.0, math.inf), "Hodges and Lehmann's, by inversion", "1.00 (no bound)"),
        ("ratio", (1.0, 0.5, math.inf), "Hodges and Lehmann's, by inversion", "1.00 [0.50, ∞]"),
        ("number", (1.0, -math.inf, math.inf), "Hodges and Lehmann's, by inversion", "1.00 (no bound)"),
        ("number", (1.0, 0.0, math.inf), "Hodges and Lehmann's, by inversion", "1.0 [0, ∞]"),
    ],
)
def test_an_interval_of_all_that_there_can_be_is_not_printed(kind, ends, method, expected):
    assert shown(Interval(*ends, 6, method, "both"), kind) == expected
