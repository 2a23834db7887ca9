import logging
from contextlib import contextmanager

from distributed import Client, LocalCluster
from driver import drive


def paired(task, array, i):
    return task((array, i))


@contextmanager
def open(workers, variant):
    with LocalCluster(
        workers, threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster, Client(cluster) as client:
        def submit(task, items):
            # Large arguments are scattered, as its manual advises.
            if isinstance(items[0], tuple):
                array = client.scatter(items[0][0], hash=False)
                return [client.submit(paired, task, array, i, pure=False) for _, i in items]
            if hasattr(items[0], "nbytes"):
                items = client.scatter(items, hash=False)
            return client.map(task, items, pure=False)

        yield lambda task, items: client.gather(submit(task, list(items)))


if __name__ == "__main__":
    drive(open)
