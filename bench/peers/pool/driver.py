"""What every pool in Python does; verbs and passes are those of driver.mjs."""
import faulthandler
import statistics
import sys
import time

import tasks

PATIENCE = 600
PASSES = 3
STEPS = 100_000


def drive(open):
    """`open(workers, variant)` is a context manager that gives `map(task, arguments)`."""
    verb, variant, *numbers = sys.argv[1:]
    workers = {"naps": 4, "transfer": 1}.get(verb, 2)
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    with open(workers, variant) as map:
        number = VERBS[verb](map, *(int(number) for number in numbers))
        if number is not None:
            print(number)
    faulthandler.cancel_dump_traceback_later()


def dispatch(map, count):
    def work():
        results, passed = timed(lambda: map(tasks.square, range(count)))
        assert results == [x * x for x in range(count)]
        return passed

    map(tasks.square, range(500))
    return statistics.median(passes(work)) / count * 1e6


def sequential(map, count):
    def one_by_one():
        for x in range(count):
            assert map(tasks.square, [x]) == [x * x]

    map(tasks.square, range(500))
    return statistics.median(passes(lambda: timed(one_by_one)[1])) / count * 1e6


def cpu(map, count):
    map(tasks.burn, [STEPS, STEPS + 1])
    passed = min(timed(lambda: tasks.burn(STEPS))[1] for _ in range(PASSES))
    least = round(0.05 * STEPS / passed)
    lengths = [least + i for i in range(count)]
    expected, serial = timed(lambda: [tasks.burn(steps) for steps in lengths])
    results, parallel = timed(lambda: map(tasks.burn, lengths))
    assert results == expected
    return serial / parallel


def naps(map, count):
    milliseconds = [1_000 + i / 1_000 for i in range(count)]
    assert map(tasks.nap, milliseconds) == milliseconds


def transfer(map, length):
    import numpy

    def work(value):
        array = numpy.full(length // 8, float(value))
        results, passed = timed(lambda: map(tasks.doubled, [array]))
        assert len(results[0]) == length // 8 and results[0][-1] == 2 * value
        return passed

    return statistics.median([work(value) for value in range(1, PASSES + 2)][1:]) * 1e3


def shared(map, count, length):
    warm_up(map)
    return share(map, count, ones(length))


def memory(map, count, length):
    warm_up(map)
    array = ones(length)
    print("ready", flush=True)
    sys.stdin.readline()
    return share(map, count, array)


def warm_up(map):
    map(tasks.nap, [50 + i for i in range(8)])
    array = ones(8_000)
    map(tasks.touched, [(array, i) for i in range(8)])


def share(map, count, array):
    results, passed = timed(lambda: map(tasks.touched, [(array, i) for i in range(count)]))
    pages = -(-len(array) // 512)
    assert results == [pages + i for i in range(count)]
    return passed * 1e3


def ones(length):
    import numpy

    return numpy.ones(length // 8)


def passes(work):
    """At least one; more while they are quick."""
    times = []
    while len(times) < PASSES and sum(times) < 5:
        times.append(work())
    return times


def timed(work):
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


VERBS = dict(
    dispatch=dispatch, sequential=sequential, cpu=cpu, naps=naps,
    transfer=transfer, shared=shared, memory=memory,
)
