"""The metrics of a server, for Prometheus."""

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """The metrics of one server, in a registry that no other server shares."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "prodcat_requests", "Requests.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "prodcat_request_seconds",
            "From a request's first byte to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.titles = Counter("prodcat_titles", "Titles answered.", registry=self.registry)
        self.batches = Histogram(
            "prodcat_batch_titles",
            "Titles in a batch.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )
        self.device = Counter(
            "prodcat_device_seconds", "Seconds in which the device worked.", registry=self.registry
        )

    def watch(
        self, waiting: Callable[[], float], models: Callable[[], float], taken: Callable[[], float]
    ) -> None:
        """Add gauges whose values are computed whenever the metrics are read.

        Args:
            waiting: Returns the number of titles that wait.
            models: Returns the number of models.
            taken: Returns the bytes that models take.
        """
        for name, text, call in (
            ("prodcat_waiting_titles", "Titles that wait or are being answered.", waiting),
            ("prodcat_models", "Models that are loaded.", models),
            ("prodcat_model_bytes", "Memory that models take.", taken),
        ):
            Gauge(name, text, registry=self.registry).set_function(call)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Args:
            route: The name of the route.
            status: The status code of the answer.
            seconds: The time from its first byte to its answer.
        """
        self.requests.labels(route, status).inc()
        self.seconds.labels(route).observe(seconds)

    def batch(self, titles: int, seconds: float) -> None:
        """Count a batch that was answered.

        Args:
            titles: The number of titles in it.
            seconds: The time that it took.
        """
        self.batches.observe(titles)
        self.device.inc(seconds)

    def text(self) -> tuple[bytes, str]:
        """All metrics as Prometheus reads them, and their media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
