"""One script per page, layout only; `app/script.py` runs them.

The folder must not be called `pages`: whoever opens a link to a page first, before any other, would get its script
alone, without `script.py`.
"""
