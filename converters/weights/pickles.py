"""Pickles from strangers, read without Python's unpickler: nothing in them is imported, called or built.

`pickletools` of the standard library splits a pickle into its opcodes; a few of them are all that a file of weights
needs, and they are carried out here on plain data; every other opcode ends the reading. What stands for the names that
weights need is in a table. Names of programs end the reading too; any other is an `Opaque`, which holds nothing.
Nothing is hashed or shown before its type is known, for a small nest of tuples that each hold the one before twice
would take for ever; and whatever takes its operands from the memo, which a file may repeat at two bytes a time, is
charged to a `Budget` or of bounded length.
"""

import pickletools
from collections.abc import Callable, Mapping
from pickle import UnpicklingError
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from converters.weights.budget import Budget
from converters.weights.opaque import LONGEST, Opaque, is_program

ARGUMENTS = 64
"""Values that a call, a state or an identifier may have; torch's longest call has seven."""

DIMENSIONS = 64
"""What numpy allows."""

KEY = 2**60
"""Whole numbers up to here may be keys of dictionaries; of larger ones, many may have one hash."""

DTYPES = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "b1"})
"""What numpy calls the types of numbers that weights, counters and flags come in."""


class Lazy(Protocol):
    """A tensor that a pickle describes; its numbers are only looked at when somebody wants them."""

    def array(self) -> npt.NDArray[Any]:
        """The numbers.

        Raises:
            ValueError: the description does not fit the data.
        """

    @property
    def nbytes(self) -> int:
        """How many bytes they take."""


class NumpyType:
    """Stands for a numpy dtype."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or code not in DTYPES:
            what = repr(code) if isinstance(code, str) else type(code).__name__
            raise UnpicklingError(f"it holds numbers of type {what}, which weights are not made of")
        self._code, self._order = code, "="

    def build(self, state: Any) -> None:
        """Take the byte order."""
        _, order, *_ = operands(state)
        self._order = order if isinstance(order, str) and order in ("<", ">") else "="

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype itself."""
        return np.dtype(self._order + self._code)


class NumpyArray:
    """Stands for a numpy array: it keeps what it is given."""

    __slots__ = ("_state",)

    def __init__(self, *_: object) -> None:
        self._state: Any = None

    def build(self, state: Any) -> None:
        """Take version, shape, dtype, whether it is stored by column, and the bytes."""
        _, *self._state = operands(state)

    @classmethod
    def from_buffer(cls, data: bytes, dtype: NumpyType, shape: tuple[int, ...], order: str) -> "NumpyArray":
        """As pickle protocol 5 writes one."""
        array = cls()
        array.build((1, shape, dtype, order == "F", data))
        return array

    def array(self) -> npt.NDArray[Any]:
        """The numbers; the data must have exactly the size that the shape says."""
        shape, dtype, by_column, data = self._state
        return np.frombuffer(data, dtype.dtype).reshape(checked_shape(shape), order="F" if by_column else "C")

    @property
    def nbytes(self) -> int:
        """How many bytes its numbers take."""
        return len(self._state[3])


def operands(values: object) -> tuple[Any, ...]:
    """`values`, a short tuple, such as the arguments of a call.

    Raises:
        UnpicklingError: it is none.
    """
    if type(values) is not tuple or len(values) > ARGUMENTS:
        raise UnpicklingError(
            f"it has a {type(values).__name__} of too many parts, or none, where a short tuple belongs"
        )
    return values


def checked_shape(shape: object, *others: object) -> tuple[int, ...]:
    """`shape`, or strides: a few whole numbers. A nest of tuples, or huge numbers, could keep numpy busy for ever.

    Args:
        others: numbers that must be plain too.

    Raises:
        UnpicklingError: it is no such tuple.
    """
    if not isinstance(shape, tuple | list) or len(shape) > DIMENSIONS:
        raise UnpicklingError("a shape is not made of a few whole numbers")
    if not all(type(number) is int and abs(number) < 2**62 for number in (*shape, *others)):
        raise UnpicklingError("a shape is not made of whole numbers of reasonable size")
    return tuple(shape)


def _latin1(budget: Budget, text: str, *_: str) -> bytes:
    """How old pickle protocols spell bytes."""
    if not isinstance(text, str):
        raise UnpicklingError("it encodes what is no text")
    budget.charge(size=len(text))
    return text.encode("latin1")


def _tuple(budget: Budget, items: Any = ()) -> tuple[Any, ...]:
    if not isinstance(items, tuple | list):
        raise UnpicklingError("it makes a tuple of what is no list")
    budget.charge(len(items))
    return tuple(items)


def _mapping(budget: Budget, items: Any = ()) -> dict[Any, Any]:
    """An ordered dictionary."""
    if not isinstance(items, tuple | list):
        raise UnpicklingError("it makes a dictionary of what is no list of pairs")
    budget.charge(4 * len(items))
    made: dict[Any, Any] = {}
    for pair in items:
        key, value = pair if isinstance(pair, list) and len(pair) == 2 else operands(pair)
        _put(made, key, value)
    return made


def _default_mapping(*_: Any) -> dict[Any, Any]:
    """A dictionary that makes entries by itself, when it is in use."""
    return {}


CHARGED = frozenset({_latin1, _tuple, _mapping})
"""What makes copies, and so takes the budget first."""


def _nothing(*_: object) -> None:
    """What is no weight and of no use here, such as a learning rate that numpy computed."""


GLOBALS: dict[str, Any] = {
    "collections.OrderedDict": _mapping,
    "collections.defaultdict": _default_mapping,
    "builtins.tuple": _tuple,
    "__builtin__.tuple": _tuple,
    "_codecs.encode": _latin1,
    "numpy.ndarray": None,
    "numpy.dtype": NumpyType,
    **{
        f"numpy.{core}.{name}": value
        for core in ("core", "_core")
        for name, value in {
            "multiarray._reconstruct": NumpyArray,
            "multiarray.scalar": _nothing,
            "numeric._frombuffer": NumpyArray.from_buffer,
        }.items()
    },
}
"""The names that any file of weights may mention, and what stands for each."""


def read_pickle(
    file: IO[bytes], globals_: Mapping[str, Any], budget: Budget, persistent: Callable[[Any], Any] | None = None
) -> Any:
    """The object of the pickle at the position of `file`, which is left behind its end.

    Args:
        globals_: what stands for the names that weights need; only what is callable in here is ever called.
        budget: of the file, which counts what is opaque, too.
        persistent: what an identifier outside of the pickle refers to.

    Raises:
        UnpicklingError: it mentions a name of a program, or needs an opcode that weights do not.
        OverBudget: it asks for more than a file of its size may cost.
        Exception: of nearly any kind, if it is damaged.
    """
    stack: list[Any] = []
    outer: list[list[Any]] = []
    memo: dict[Any, Any] = {}

    def since_mark() -> list[Any]:
        nonlocal stack
        items, stack = stack, outer.pop()
        return items

    def known(name: str) -> Any:
        if name in globals_:
            return globals_[name]
        if len(name) > LONGEST or is_program(name):
            raise UnpicklingError(f"it refers to {name}, which no file of weights needs; nothing was executed")
        budget.opaque[name] = budget.opaque.get(name, 0) + 1
        return Opaque(name)

    for opcode, argument, _ in pickletools.genops(file):
        budget.charge()
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                outer.append(stack)
                stack = []
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
            case (
                "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINUNICODE"
                | "BINUNICODE8" | "BINSTRING" | "SHORT_BINSTRING" | "BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8"
                | "BYTEARRAY8"
            ):  # fmt: skip
                stack.append(argument)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "EMPTY_SET":
                stack.append(Opaque("builtins.set"))
            case "FROZENSET":
                since_mark()
                stack.append(Opaque("builtins.frozenset"))
            case "ADDITEMS":
                since_mark()
                if not isinstance(stack[-1], Opaque):
                    raise UnpicklingError("it adds to something that is no set")
            case "TUPLE":
                items = since_mark()
                stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(opcode.name[-1])
                items = [stack.pop() for _ in range(count)]
                stack.append(tuple(reversed(items)))
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _put(stack[-1], key, value)
            case "SETITEMS":
                items = since_mark()
                for key, value in zip(items[::2], items[1::2], strict=True):
                    _put(stack[-1], key, value)
            case "APPEND":
                _extend(stack, [stack.pop()])
            case "APPENDS":
                items = since_mark()
                _extend(stack, items)
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(known(str(argument).replace(" ", ".", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                if not isinstance(name, str) or not isinstance(module, str):
                    raise UnpicklingError("it refers to something that has no name")
                stack.append(known(f"{module}.{name}"))
            case "REDUCE" | "NEWOBJ":
                arguments, function = operands(stack.pop()), stack.pop()
                if isinstance(function, Opaque):
                    stack.append(Opaque(function.name))
                elif callable(function) and function in CHARGED:
                    stack.append(function(budget, *arguments))
                else:
                    stack.append(function(*arguments))
            case "NEWOBJ_EX":
                _keywords, _arguments, function = stack.pop(), stack.pop(), stack.pop()
                if not isinstance(function, Opaque):
                    raise UnpicklingError("it makes an object in a way that no file of weights needs")
                stack.append(Opaque(function.name))
            case "BUILD":
                state = stack.pop()
                if isinstance(stack[-1], NumpyType | NumpyArray):
                    stack[-1].build(state)
                elif not isinstance(stack[-1], dict | Opaque):  # what is said of these is of no use here
                    raise UnpicklingError("it sets the inner state of an object")
            case "BINPERSID" if persistent is not None:
                stack.append(persistent(operands(stack.pop())))
            case _:
                raise UnpicklingError(f"it uses the opcode {opcode.name}, which no file of weights needs")
    raise UnpicklingError("it has no end")


def _put(mapping: Any, key: Any, value: Any) -> None:
    """`mapping[key] = value`, where both are what they seem: hashing a nest of tuples could take for ever.

    What is opaque holds nothing; and an entry under something opaque, such as a member of an enumeration, is no weight.
    """
    if isinstance(mapping, Opaque) or (type(mapping) is dict and isinstance(key, Opaque)):
        return
    if type(mapping) is not dict or not isinstance(key, str | int | float | None):
        raise UnpicklingError(f"it has an entry under a {type(key).__name__} in a {type(mapping).__name__}")
    if isinstance(key, int) and abs(key) > KEY:
        raise UnpicklingError("it has an entry under a number that is far too large")
    mapping[key] = value


def _extend(stack: list[Any], items: list[Any]) -> None:
    if isinstance(stack[-1], Opaque):
        return
    if type(stack[-1]) is not list:
        raise UnpicklingError("it appends to something that is no list")
    stack[-1].extend(items)
