"""Receive the body of a request, with limits on its size and its time."""

import asyncio

from starlette.requests import Request

from prodcat.serving.held_bytes import Share
from prodcat.serving.refusal import Refusal, too_large
from prodcat.serving.settings import Pace


async def arrived_body(
    request: Request, most: int, share: Share, pace: Pace, patience: float
) -> bytes:
    """Receive the whole body of a request.

    Args:
        request: The request, whose body was not read yet.
        most: Maximum size of the body, in bytes.
        share: Counts the bytes while they arrive.
        pace: How fast the body must arrive.
        patience: Maximum time for the whole body, in seconds.

    Returns:
        The bytes of the body.

    Raises:
        Refusal: With status 408 if the body arrives too slowly, 413 if it is too large, or 429 if
            all requests together hold too many bytes.
        ClientDisconnect: The client has closed the connection.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise too_large(int(announced[:20]), most)
    clock = asyncio.get_running_loop().time
    began = clock()
    pieces, size = [], 0
    try:
        async with asyncio.timeout(min(patience, pace.stall)) as timer:
            share.arrives(timer)
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    raise too_large("more", most)
                share.add(len(piece))
                pieces.append(piece)
                now = clock()
                slowest = began + pace.stall + size / pace.bytes_a_second
                timer.reschedule(min(began + patience, now + pace.stall, slowest))
    except TimeoutError as error:
        raise Refusal(
            408,
            f"Only {size:,} bytes of the body arrived in {clock() - began:.1f} s. Send it faster, "
            "or in several requests.",
            1.0,
        ) from error
    finally:
        share.has_arrived()
    return b"".join(pieces)
