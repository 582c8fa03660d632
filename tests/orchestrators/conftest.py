"""The tests here need other people's tools, and are left alone where nobody says where these are."""

import os

collect_ignore_glob = [] if os.environ.get("FRESHSALES_ORCHESTRATORS") else ["test_*.py"]
