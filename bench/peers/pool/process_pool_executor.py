from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from driver import drive


@contextmanager
def open(workers, variant):
    chunk = 1_000 if variant == "chunks" else 1
    with ProcessPoolExecutor(workers) as pool:
        yield lambda task, items: list(pool.map(task, items, chunksize=chunk))


if __name__ == "__main__":
    drive(open)
