"""The dashboard's server: `streamlit run app/main.py [-- RUNS_FOLDER]`. `script.py` is what every visit runs."""

import streamlit as st
from starlette.middleware import Middleware

from app.ready import Preload, ready

app = st.App("script.py", lifespan=ready, middleware=[Middleware(Preload)])
