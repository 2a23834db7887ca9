"""The jobs that every pool in Python runs; those of tasks.mjs."""
import time


def square(x):
    return x * x


def nap(ms):
    time.sleep(ms / 1e3)
    return ms


def burn(steps):
    """Computes for so many steps."""
    x = 1
    for _ in range(steps):
        x = (x * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
    return x


def doubled(array):
    return array * 2


def touched(argument):
    array, i = argument
    return i + array[::512].sum()
