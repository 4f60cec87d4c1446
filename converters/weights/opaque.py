"""Objects in a pickle that are no weights: a training script's arguments, its configuration, a path, an enumeration."""

_PROGRAMS = frozenset(
    """
    os posix nt posixpath ntpath subprocess sys shutil socket ssl runpy importlib imp code codeop pty pdb bdb
    timeit cProfile profile trace doctest ctypes _ctypes cffi mmap signal threading _thread multiprocessing
    concurrent asyncio pickle _pickle cPickle marshal shelve dill cloudpickle joblib types inspect operator
    _operator functools itertools webbrowser http urllib urllib2 httplib requests aiohttp ftplib smtplib
    telnetlib poplib imaplib xmlrpc socketserver tempfile glob fileinput linecache zipimport zipfile tarfile pip
    pkgutil site venv ensurepip pydoc commands popen2 platform resource gc atexit builtins __builtin__
    __builtins__ io _io tkinter idlelib lib2to3 distutils setuptools logging sqlite3
    """.split()  # noqa: SIM905 (one name a line would be a screen)
)
"""First parts of names that nobody needs to keep weights or settings, and that programs hidden in pickles use."""

_VALUES = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "__builtin__")
    for name in ("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "range", "set",
                 "slice", "str", "tuple", "object", "Ellipsis", "NotImplemented")
)  # fmt: skip
"""Of those, the ones that are plain values."""

_FUNCTIONS = ("torch.hub.", "torch.jit.", "torch.package.", "torch.serialization.", "torch.utils.cpp_extension.")
"""Of frameworks, what loads or builds programs."""

LONGEST = 200
"""Characters of a name."""


class Opaque:
    """An object of which only the name of its class is known: nothing is imported, called or kept."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def is_program(name: str) -> bool:
    """Whether a name is one that a hidden program would call, so that the file is an attack and is refused as such."""
    return (name.split(".", 1)[0] in _PROGRAMS and name not in _VALUES) or name.startswith(_FUNCTIONS)
