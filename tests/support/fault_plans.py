"""Plans of a FaultProxy: which requests go wrong, and how often."""


def times(count, fault, method="GET", ending=""):
    """A plan: the first so many requests of a kind go wrong."""
    left = [count]

    def plan(found, path, headers):
        if found == method and path.split("?")[0].endswith(ending) and left[0]:
            left[0] -= 1
            return fault
        return None

    return plan


def always(fault, method="GET", ending=""):
    return times(1_000_000, fault, method, ending)
