import diskcache
from driver import drive


def open(folder, name, fn):
    return diskcache.Cache(folder, eviction_policy="none").memoize(name=name)(fn)


drive(open)
