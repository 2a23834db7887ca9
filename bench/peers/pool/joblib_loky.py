from contextlib import contextmanager

from driver import drive
from joblib import Parallel, delayed


@contextmanager
def open(workers, variant):
    batch = 1 if variant == "one by one" else "auto"
    # With one worker joblib runs jobs in this process.
    with Parallel(max(workers, 2), batch_size=batch) as parallel:
        yield lambda task, items: parallel(delayed(task)(item) for item in items)


if __name__ == "__main__":
    drive(open)
