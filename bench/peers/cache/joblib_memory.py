import joblib
from driver import drive


def open(folder, name, fn):
    return joblib.Memory(folder, verbose=0).cache(fn)


drive(open)
