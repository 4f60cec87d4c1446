"""Commands, codes and files as they are, to be copied; `st.code` loads 1.5 MB that colour words.

Where a copy is made, the browser says so; without a right to the clipboard the text is selected instead.
"""

import streamlit as st

_HTML = """<div class="frame"><pre tabindex="0"></pre><button type="button">Copy</button></div>"""

_CSS = """
.frame { display: flex; align-items: flex-start; background: var(--st-secondary-background-color);
  border-radius: var(--st-base-radius); }
pre { flex: 1; min-width: 0; margin: 0; padding: 0.6rem 0.8rem; overflow: auto; font-family: var(--st-code-font);
  font-size: 0.8125rem; line-height: 1.5; color: var(--st-text-color); }
button { border: 0; margin: 0.5rem 0.7rem; padding: 0; background: none; cursor: pointer; line-height: 1.5;
  font-family: var(--st-font); font-size: 0.8125rem; color: var(--st-text-color); }
button:hover { color: var(--st-primary-color); }
pre:focus-visible, button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""

_JS = """
export default function({ data, parentElement }) {
  const pre = parentElement.querySelector("pre"), button = parentElement.querySelector("button");
  pre.textContent = data.words;
  pre.style.maxHeight = data.height ? `${data.height}px` : "";
  pre.style.whiteSpace = data.wrap ? "pre-wrap" : "pre";
  button.textContent = "Copy";
  button.onclick = async () => {
    getSelection().selectAllChildren(pre);
    try {
      await navigator.clipboard.writeText(data.words);
      button.textContent = "Copied";
    } catch { /* it is selected */ }
  };
}
"""

_component = st.components.v2.component("supernet_verbatim", html=_HTML, css=_CSS, js=_JS)


def verbatim(words: str, key: str, *, height: int | None = None, wrap: bool = False) -> None:
    """Show it.

    Args:
        key: no other on the page has it.
        height: at most, in pixels; what is longer scrolls.
        wrap: long lines.
    """
    data = {"words": words.strip(), "height": height, "wrap": wrap}
    _component(key=f"verbatim-{key}", data=data, width="stretch", height="content")
