"""What every peer in Python does; the verbs are those of driver.mjs."""
import sys
import time

calls = 0


def square(argument):
    global calls
    calls += 1
    return argument["x"] * argument["x"]


def ramp(length):
    import numpy

    global calls
    calls += 1
    return numpy.arange(length, dtype=float)


def drive(open):
    """`open(folder, name, fn)` returns `fn` with a cache before it."""
    verb, folder, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    large = verb in ("store", "load")
    call = open(folder, "ramp", ramp) if large else open(folder, "square", square)
    start = time.perf_counter()
    if large:
        length = number // 8
        result = call(length)
        passed = time.perf_counter() - start
        assert result[length - 1] == length - 1
        print(passed * 1e3)
    else:
        for x in range(number):
            assert call({"x": x}) == x * x
        print((time.perf_counter() - start) * 1e6 / number)
    misses = number if verb == "fill" else 1 if verb == "store" else 0
    assert calls == misses, calls
