"""What stands on a page."""

import json

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
    )
    said = [str(element.value) for kind in parts for element in kind]
    return "\n".join([*said, *verbatim(app)]).replace("\\", "")


def verbatim(app: AppTest) -> list[str]:
    """What can be copied from the page."""
    drawn = [each.proto for each in app.get("bidi_component")]
    return [json.loads(each.json)["words"] for each in drawn if each.component_name == "supernet_verbatim"]
