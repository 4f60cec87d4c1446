"""Parallel coordinates that are brushed by clicking options: as many ribbons as there are pairs, not networks."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import theme
from app.views.decisions.flows import Axis, Brush

KEY = "parallel"

_HTML = """<div class="frame" tabindex="-1"></div>"""

_CSS = """
.frame { overflow-x: auto; }
svg { display: block; font-family: var(--st-font); font-size: 12px; }
text { fill: var(--st-text-color); }
text.name { font-weight: 600; }
.option { cursor: pointer; }
.option rect { fill: var(--st-background-color); stroke: var(--st-border-color); rx: 4px; }
.option:hover rect, .option:focus rect { stroke: var(--st-primary-color); stroke-width: 2; }
.option:focus { outline: none; }
.option[aria-pressed="true"] rect { fill: var(--st-primary-color); }
.option[aria-pressed="true"] text { fill: var(--st-background-color); }
path { fill: none; stroke-linecap: butt; }
path.all { stroke: var(--st-text-color); opacity: 0.09; }
path.kept { opacity: 0.75; }
"""

_JS = """
export default function({ data, parentElement, setStateValue }) {
  const frame = parentElement.querySelector(".frame");
  const { axes, flows, brush, colors } = data;
  const make = (name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const draw = () => {
    const step = Math.max(104, (frame.clientWidth - 84) / Math.max(axes.length - 1, 1));
    const width = step * (axes.length - 1) + 84, height = 380, top = 40;
    const x = (axis) => 42 + axis * step;
    const y = (axis, place) => {
      const gap = (height - top - 20) / axes[axis].options.length;
      return height - 16 - gap * (place + 0.5);
    };
    const most = Math.max(...flows.map((flow) => flow[3]));
    const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group",
      "aria-label": "Parallel coordinates; press an option to keep only the networks that have it" });
    for (const kind of ["all", "kept"]) for (const [axis, left, right, all, kept, level] of flows) {
      const count = kind === "all" ? all : kept;
      if (!count) continue;
      const [x0, x1, y0, y1] = [x(axis) + 30, x(axis + 1) - 30, y(axis, left), y(axis + 1, right)];
      const middle = (x0 + x1) / 2;
      const path = make("path", { class: kind, d: `M${x0},${y0}C${middle},${y0} ${middle},${y1} ${x1},${y1}`,
        "stroke-width": Math.max(0.6, 16 * count / most) });
      if (kind === "kept") path.setAttribute("stroke",
        colors[Math.min(colors.length - 1, Math.floor(level * colors.length))]);
      path.append(make("title", {}, `${axes[axis].options[left]} to ${axes[axis + 1].options[right]}: ` +
        `${kept.toLocaleString("en")} of ${all.toLocaleString("en")} networks`));
      svg.append(path);
    }
    axes.forEach((axis, number) => {
      svg.append(make("text", { class: "name", x: x(number), y: 16, "text-anchor": "middle" }, axis.name));
      axis.options.forEach((option, place) => {
        const wanted = brush[axis.name] || [];
        const pressed = wanted.includes(option);
        const group = make("g", { class: "option", role: "button", tabindex: 0, "aria-pressed": pressed,
          "aria-label": `${axis.name} ${option}`, "data-option": `${axis.name}=${option}` });
        const at = y(number, place);
        group.append(make("rect", { x: x(number) - 30, y: at - 10, width: 60, height: 20 }));
        const label = option.length > 9 ? option.slice(0, 8) + "…" : option;
        group.append(make("text", { x: x(number), y: at + 4, "text-anchor": "middle" }, label));
        group.append(make("title", {}, option));
        const toggle = () => {
          const now = pressed ? wanted.filter((each) => each !== option) : [...wanted, option];
          const next = { ...brush, [axis.name]: now };
          if (!next[axis.name].length) delete next[axis.name];
          setStateValue("brush", next);
        };
        group.onclick = toggle;
        group.onkeydown = (event) => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); }
        };
        svg.append(group);
      });
    });
    const focused = frame.getRootNode().activeElement?.getAttribute?.("data-option");
    frame.replaceChildren(svg);
    if (focused) frame.querySelector(`[data-option="${CSS.escape(focused)}"]`)?.focus();
  };
  draw();
  const watch = new ResizeObserver(draw);
  watch.observe(frame);
  return () => watch.disconnect();
}
"""

_component = st.components.v2.component("supernet_parallel", html=_HTML, css=_CSS, js=_JS)


def brush() -> Brush:
    """What is brushed now, whatever the browser says it is."""
    state = st.session_state.get(KEY)
    said = state.get("brush") if state else None
    if not isinstance(said, dict):
        return {}
    return {str(name): [str(each) for each in wanted] for name, wanted in said.items() if isinstance(wanted, list)}


def parallel(drawn: Sequence[Axis], table: pd.DataFrame) -> None:
    """Draw `views.decisions.flows.flows` of some axes, and let its options be pressed."""
    columns = [table[name].tolist() for name in ("axis", "left", "right", "all", "kept")]
    rows = list(zip(*columns, table["level"].fillna(0.0).round(3).tolist(), strict=True))
    data = {
        "axes": [{"name": axis.name, "options": list(axis.options)} for axis in drawn],
        "flows": rows,
        "brush": dict(brush()),
        "colors": list(theme.VIRIDIS),
    }
    _component(key=KEY, data=data, on_brush_change=lambda: None, width="stretch", height="content")
