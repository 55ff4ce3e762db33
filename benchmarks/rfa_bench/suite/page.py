"""One HTML page with all results, its plots drawn by plotly, whose code is inside: it opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jinja2
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rfa_bench.suite.charts import Chart, charts_of
from rfa_bench.suite.results import Result
from rfa_bench.suite.tables import cells_of, columns_of, shared_of
from rfa_runtime.bundle.whole_file import written_whole

TEMPLATE = Path(__file__).with_name("page.html")
RFA = "rfa"
OURS = "#0a9d6e"
"""The line of RFA, where there is one of it."""
GRID = {"gridcolor": "#8883", "zerolinecolor": "#8886"}
POWERS: dict[str, object] = {"type": "log", "dtick": 1}
BETWEEN_POWERS: dict[str, object] = {"type": "log", "dtick": "D2"}
"""With 2 and 5 times each power of ten."""
NARROW = 100
"""An axis has few powers of ten whose ends are less than this many times apart."""
FROM_ZERO: dict[str, object] = {"type": "linear", "rangemode": "tozero"}
RESIZES = {"responsive": True, "displaylogo": False, "displayModeBar": False}


def write_page(results: Sequence[Result], conditions: Sequence[str], file: Path) -> None:
    """Write the page.  conditions: machines and versions, a line each."""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(TEMPLATE.read_text())
    text = template.render(conditions=conditions, parts=[section(result) for result in results], plotly=get_plotlyjs())
    with written_whole(file) as stream:
        stream.write(text.encode("utf-8"))


def section(result: Result) -> dict[str, object]:
    """What the template shows of a part."""
    columns = columns_of(result.rows)
    return {
        "name": result.name,
        "command": result.command,
        "seconds": result.seconds,
        "error": result.error,
        "shared": shared_of(result.rows),
        "columns": columns,
        "lines": cells_of(result.rows, columns),
        "charts": [drawn(chart) for chart in charts_of(result)],
    }


def drawn(chart: Chart) -> str:
    """A chart as HTML without plotly's code."""
    figure = go.Figure()
    ours = [system for system in chart.lines if system.startswith(RFA)]
    for system, points in chart.lines.items():
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            name=system,
            mode="lines+markers",
            line={"color": OURS, "width": 3} if system.startswith(RFA) and len(ours) == 1 else {},
            hovertemplate=f"{system}<br>%{{x:,}} {chart.x}<br>%{{y:,.4g}} {chart.y}<extra></extra>",
        )
    lengths = sorted({x for points in chart.lines.values() for x, _ in points})
    figure.update_layout(
        title={"text": chart.title, "font": {"size": 15}},
        xaxis={"title": chart.x, "type": "log", "tickvals": lengths, "tickformat": ",", **GRID},
        yaxis={"title": chart.y, **scale_of(chart), **GRID},
        legend={"orientation": "h", "y": -0.25},
        margin={"l": 60, "r": 10, "t": 40, "b": 40},
        height=420,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#808080"},
    )
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=RESIZES)
    return html


def scale_of(chart: Chart) -> dict[str, object]:
    """How the upright axis is divided."""
    if not chart.log_y:
        return FROM_ZERO
    heights = [y for points in chart.lines.values() for _, y in points]
    return BETWEEN_POWERS if max(heights) < NARROW * min(heights) else POWERS
