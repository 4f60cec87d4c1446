"""What stands on a page."""

from streamlit.testing.v1 import AppTest


def texts(app: AppTest) -> str:
    """Everything that stands on the page, without the escapes of Markdown."""
    parts = (
        app.title,
        app.header,
        app.subheader,
        app.caption,
        app.markdown,
        app.error,
        app.info,
        app.warning,
        app.success,
        app.code,
    )
    return "\n".join(str(element.value) for kind in parts for element in kind).replace("\\", "")
