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
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "prodcat_requests",
            "Number of requests answered.",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "prodcat_request_seconds",
            "Seconds to answer a request.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.titles = Counter(
            "prodcat_titles", "Number of titles answered.", registry=self.registry
        )
        self.easy = Counter(
            "prodcat_easy_titles",
            "Number of titles answered by n-grams alone, without waiting for a batch.",
            registry=self.registry,
        )
        self.batches = Histogram(
            "prodcat_batch_titles",
            "Number of titles in a batch.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )
        self.device = Counter(
            "prodcat_device_seconds",
            "Seconds in which the device was busy.",
            registry=self.registry,
        )

    def watch(
        self, waiting: Callable[[], float], models: Callable[[], float], taken: Callable[[], float]
    ) -> None:
        """Add gauges whose values are computed whenever the metrics are read.

        Args:
            waiting: Returns the number of titles that wait or are being answered.
            models: Returns the number of loaded models.
            taken: Returns the memory of the models in bytes.
        """
        for name, text, call in (
            (
                "prodcat_waiting_titles",
                "Number of titles that wait or are being answered.",
                waiting,
            ),
            ("prodcat_models", "Number of loaded models.", models),
            ("prodcat_model_bytes", "Memory of the models in bytes.", taken),
        ):
            Gauge(name, text, registry=self.registry).set_function(call)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Args:
            route: The name of the route.
            status: The HTTP status code of the answer.
            seconds: The time to answer it, in seconds.
        """
        self.requests.labels(route, status).inc()
        self.seconds.labels(route).observe(seconds)

    def batch(self, titles: int, seconds: float) -> None:
        """Count a batch that was answered.

        Args:
            titles: The number of titles in the batch.
            seconds: The time that the batch took, in seconds.
        """
        self.batches.observe(titles)
        self.device.inc(seconds)

    def text(self) -> tuple[bytes, str]:
        """All metrics in the text format of Prometheus, and the media type of that format."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
