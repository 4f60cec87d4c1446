"""All runs in one dense table: sorted by any column, opened by name, ticked to be compared; also by the keyboard."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.ready import chunks

KEY = "runs table"
_OPENED = "run opened"

_HTML = """<div class="frame" tabindex="0" role="region" aria-label="Runs"></div>"""

_CSS = """
.frame { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-family: var(--st-font); font-size: 0.875rem; line-height: 1.35;
  color: var(--st-text-color); }
th, td { padding: 0.35rem 0.42rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--st-border-color); }
th { white-space: nowrap; font-weight: 600; }
th button { all: unset; cursor: pointer; font: inherit; }
th button:focus-visible, a:focus-visible, input:focus-visible { outline: 2px solid var(--st-primary-color); }
a { color: var(--st-link-color, var(--st-primary-color)); font-weight: 600; }
td.number:not(:last-child) { white-space: nowrap; }
small { opacity: 0.85; font-size: 0.8125rem; }
code { font-size: 0.8125rem; white-space: nowrap; }
[data-state="training"] { color: var(--st-blue-text-color); font-weight: 600; }
[data-state="damaged"] { color: var(--st-red-text-color); font-weight: 600; }
[data-state="stopped"] { color: var(--st-orange-text-color); }
svg { display: block; margin-top: 0.2rem; }
"""

# What comes from files is set as text, never as HTML.
_JS = """
export default function({ data, parentElement, setStateValue, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  const { columns, rows, ticked } = data;
  for (const name of data.chunks) {  // which the next page will need
    const href = new URL(`static/js/${name}`, document.baseURI).href;
    if (document.head.querySelector(`link[href="${href}"]`)) continue;
    const link = Object.assign(document.createElement("link"), { rel: "modulepreload", href });
    requestIdleCallback(() => document.head.append(link));
  }
  const make = (name, attributes = {}, text) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const spark = (values) => {
    const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const points = values.map((value, i) => `${(64 * i) / Math.max(values.length - 1, 1)},` +
      `${16 - 14 * (value - low) / ((high - low) || 1)}`).join(" ");
    for (const [key, value] of Object.entries({ width: 64, height: 18, "aria-hidden": "true" }))
      svg.setAttribute(key, value);
    const line = document.createElementNS(space, "polyline");
    line.setAttribute("points", points);
    line.setAttribute("fill", "none");
    line.setAttribute("stroke", "var(--st-primary-color)");
    line.setAttribute("stroke-width", "1.5");
    svg.append(line);
    return svg;
  };
  const order = (frame.order ??= { column: null, down: false });
  const before = (a, b) => {
    const [x, y] = [a.sort[order.column], b.sort[order.column]];
    if (x === null || y === null) return (x === null) - (y === null);
    const found = typeof x === "number" ? x - y : String(x).localeCompare(String(y));
    return order.down ? -found : found;
  };
  const draw = (focus) => {
    const table = make("table"), head = make("tr");
    head.append(make("th", { scope: "col", title: "Compared on all pages" }, "Compare"));
    columns.forEach((title, number) => {
      const here = order.column === number;
      const sorted = here ? (order.down ? "descending" : "ascending") : "none";
      const cell = make("th", { scope: "col", "aria-sort": sorted });
      const button = make("button", { type: "button", title: `Sort by ${title}`, "data-focus": `sort ${title}` },
        title + (here ? (order.down ? " ↓" : " ↑") : ""));
      button.onclick = () => {
        Object.assign(order, { column: number, down: here ? !order.down : false });
        draw(button.dataset.focus);
      };
      cell.append(button);
      head.append(cell);
    });
    const thead = make("thead"), body = make("tbody");
    thead.append(head);
    for (const row of order.column === null ? rows : [...rows].sort(before)) {
      const line = make("tr"), first = make("td");
      const box = make("input", { type: "checkbox", "aria-label": `Compare ${row.name}`,
        "data-focus": `tick ${row.name}` });
      box.checked = ticked.includes(row.name);
      box.onchange = () => setStateValue("ticked",
        box.checked ? [...ticked, row.name] : ticked.filter((each) => each !== row.name));
      first.append(box);
      line.append(first);
      row.cells.forEach((cell, number) => {
        const place = make("td", typeof row.sort[number] === "number" ? { class: "number" } : {});
        if (number === 0) {
          const link = make("a", { href: `verdict?run=${encodeURIComponent(row.name)}`,
            "data-focus": `open ${row.name}` }, cell);
          link.onclick = (event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            setTriggerValue("open", row.name);
          };
          place.append(link);
        } else if (columns[number] === "Next" && row.next) place.append(make("code", { title: row.next }, cell));
        else place.append(make("span", { "data-state": columns[number] === "State" ? cell : "" }, cell));
        if (row.below[number]) place.append(make("br"), make("small", {}, row.below[number]));
        if (columns[number] === "Loss" && row.losses.length > 1) place.append(spark(row.losses));
        line.append(place);
      });
      body.append(line);
    }
    table.append(thead, body);
    const kept = focus ?? frame.getRootNode().activeElement?.dataset?.focus;
    frame.replaceChildren(table);
    if (kept) frame.querySelector(`[data-focus="${CSS.escape(kept)}"]`)?.focus();
  };
  draw();
}
"""

_component = st.components.v2.component("supernet_runs", html=_HTML, css=_CSS, js=_JS)


def runs_table(columns: Sequence[str], rows: Sequence[dict[str, Any]], ticked: str) -> str | None:
    """Draw it.

    Args:
        rows: of each run its `name`, the `next` command or "", `losses`, and one a column: `cells` (texts), `below`
            (what stands in small below, or ""), `sort` (numbers, texts or None).
        ticked: where in the session the names of those stand that are compared.

    Returns:
        the run that was just opened, if one was.
    """
    names = [row["name"] for row in rows]

    def tick() -> None:
        said = st.session_state[KEY].get("ticked")
        others = [name for name in st.session_state.get(ticked, []) if name not in names]
        st.session_state[ticked] = others + [name for name in names if isinstance(said, list) and name in said]

    def open_() -> None:  # kept until a page has read it: a second event may end this script run before the table
        st.session_state[_OPENED] = st.session_state[KEY].get("open")

    data = {
        "chunks": chunks(),
        "columns": list(columns),
        "rows": list(rows),
        "ticked": st.session_state.get(ticked, []),
    }
    _component(key=KEY, data=data, on_open_change=open_, on_ticked_change=tick, width="stretch", height="content")
    opened = st.session_state.pop(_OPENED, None)
    return opened if opened in names else None
