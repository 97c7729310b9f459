"""`python hasty_server.py FOLDER PORT`: a server with little patience for slow clients."""

import sys

from prodcat.serving.run import serve
from prodcat.serving.settings import Limits, Pace, Settings

PACE, CONNECTIONS, PATIENCE = 0.5, 48, 4.0

if __name__ == "__main__":
    serve(
        sys.argv[1],
        port=int(sys.argv[2]),
        settings=Settings(
            Limits(2 << 20, 2_000),
            PATIENCE,
            pace=Pace(PACE, PACE, 64 << 10),
            connections=CONNECTIONS,
        ),
        device="cpu",
    )
