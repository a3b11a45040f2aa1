"""The nested dictionaries of arrays that pose data sets come as, read from `.npz` files without running anything.

The field saves them by `np.savez(file, positions_3d={subject: {action: array}})`: numpy pickles the dictionary, and
`np.load(..., allow_pickle=True)` would run whatever code the file names. No pickle is loaded here. The standard
library's disassembler (`pickletools.genops`) splits the stream into its opcodes, which by itself builds nothing, and
`_Builder` makes plain data of those that stand for data: dictionaries, lists, tuples, strings, bytes, numbers, arrays.
A name in the file is compared with the few that numpy writes for arrays and never looked up; every other name or opcode
is refused. Nothing that the file says is imported or called.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ...jobs import MotionLiftError

Tree = Any
"""None, bool, int, float, str, bytes, an array, or a list, tuple or dict of these."""

ByteOrder = Literal["<", ">", "|", "="]
_DTYPES = re.compile(r"[fiub]\d{1,2}|[US]\d{1,4}|O8")
_DEEPEST = 16
"""Levels of nesting; the data sets need six."""


def read_archive(path: Path, *members: str) -> list[Tree]:
    """The named members of an `.npz` file, a member that holds one object as that object.

    Raises `MotionLiftError`: `no_data_set` where the file is missing, `bad_data_set` for a file that is no such
    archive, lacks a member, or holds anything but plain data.
    """
    if not path.is_file():
        raise MotionLiftError(
            "no_data_set", f"There is no file {path.name} in {path.parent}.", "Give the folder that holds the data set."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            missing = [member for member in members if member not in names]
            if missing:
                raise bad_data_set(path, f"the arrays {', '.join(members)}", f"only {', '.join(names) or 'nothing'}")
            return [_member(archive.read(f"{member}.npy")) for member in members]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
        raise bad_data_set(path, "a .npz archive", f"a file that cannot be read as one ({error})") from error
    except ValueError as error:
        raise bad_data_set(path, "arrays in dictionaries", str(error)) from error


def bad_data_set(path: Path, expected: str, found: str) -> MotionLiftError:
    """The error for a data file of another layout."""
    return MotionLiftError(
        "bad_data_set",
        f"{path.name} is not laid out as it should be: expected {expected}, found {found}.",
        "Prepare the data set as its loader in core/evaluation/datasets describes.",
    )


def _member(data: bytes) -> Tree:
    """One `.npy` file: a header that says what follows, and it. Raises `ValueError`."""
    wide = 2 if data[6:7] == b"\x01" else 4
    start = 8 + wide + int.from_bytes(data[8 : 8 + wide], "little")
    if b"'descr': '|O'" in data[8 + wide : start]:
        value = _plain(_Builder().build(data[start:]))
    else:
        try:
            value = np.load(io.BytesIO(data), allow_pickle=False)
        except (SyntaxError, tokenize.TokenError, TypeError, OverflowError, MemoryError) as error:
            raise ValueError(f"a damaged array ({error})") from error
    # One object, or number, is saved as an array without dimensions.
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


class _Mark:
    """Where a collection's items begin on the stack."""


class _Name(str):
    """A dotted name in the file: text, never looked up."""


class _Dtype:
    """A dtype in the making: its byte order comes after it."""

    def __init__(self, code: str) -> None:
        if not _DTYPES.fullmatch(code):
            raise ValueError(f"arrays of type {code!r}")
        self.code = code
        self.order: ByteOrder = "="

    def value(self) -> np.dtype[Any]:
        return np.dtype("O") if self.code == "O8" else np.dtype(self.code).newbyteorder(self.order)


class _Array:
    """An array in the making: others may refer to it before its values are known."""

    value: Tree = None


class _Builder:
    """Makes data of a pickle's opcodes: a stack and a memo, as the format's documentation (`pickletools`) says."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def build(self, data: bytes) -> Any:
        """The object; names, arrays and dtypes still in the making. Raises `ValueError`."""
        try:
            for opcode, argument, _ in pickletools.genops(data):
                if opcode.name == "STOP":
                    break
                self._step(opcode.name, argument)
            (result,) = self.stack
        except (IndexError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a damaged stream of objects ({error})") from error
        return result

    def _step(self, opcode: str, argument: Any) -> None:
        stack = self.stack
        if opcode in _LITERALS:
            stack.append(argument)
        elif opcode in _CONSTANTS:
            stack.append(_CONSTANTS[opcode]())
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif opcode == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif opcode in _COLLECTIONS:
            stack.append(_COLLECTIONS[opcode](self._since_mark()))
        elif opcode in _TUPLES:
            count = _TUPLES[opcode]
            stack[-count:] = [tuple(stack[-count:])]
        elif opcode in ("APPEND", "APPENDS"):
            items = [stack.pop()] if opcode == "APPEND" else self._since_mark()
            _as(list, stack[-1]).extend(items)
        elif opcode in ("SETITEM", "SETITEMS"):
            items = [stack.pop(-2), stack.pop()] if opcode == "SETITEM" else self._since_mark()
            _as(dict, stack[-1]).update(_pairs(items))
        elif opcode == "GLOBAL":
            stack.append(_Name(argument.replace(" ", ".")))
        elif opcode == "STACK_GLOBAL":
            stack[-2:] = [_Name(f"{stack[-2]}.{stack[-1]}")]
        elif opcode == "REDUCE":
            stack[-2:] = [_made(stack[-2], _as(tuple, stack[-1]))]
        elif opcode == "BUILD":
            _complete(stack[-2], _as(tuple, stack.pop()))
        elif opcode not in ("PROTO", "FRAME"):
            raise ValueError(f"the opcode {opcode}, which stands for more than data")

    def _since_mark(self) -> list[Any]:
        mark = max(i for i, value in enumerate(self.stack) if isinstance(value, _Mark))
        items = self.stack[mark + 1 :]
        del self.stack[mark:]
        return items


_LITERALS = frozenset(
    ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
     "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
     "BINBYTES8")
)  # fmt: skip
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "MARK": _Mark,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_COLLECTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "TUPLE": tuple,
    "LIST": list,
    "DICT": lambda items: _pairs(items),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _pairs(items: Sequence[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _as(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{type(value).__name__} in the place of {kind.__name__}")
    return value


def _made(name: Any, arguments: tuple[Any, ...]) -> Any:
    """What numpy's names stand for; `_core` since numpy 2."""
    match str(name).replace("._core.", ".core.") if isinstance(name, _Name) else None:
        case "numpy.core.multiarray._reconstruct" if arguments[0] == "numpy.ndarray":
            return _Array()
        case "numpy.dtype":
            return _Dtype(arguments[0])
        case "numpy.core.multiarray.scalar":
            dtype, data = arguments
            return _numbers((), dtype, data, False).item()
        # Bytes, as Python 2 and protocol 2 write them.
        case "_codecs.encode" if arguments[1] == "latin1":
            return str(arguments[0]).encode("latin1")
        case "__builtin__.bytes" if not arguments:
            return b""
    raise ValueError(f"the name {str(name)!r}, which is none of an array's")


def _complete(target: Any, state: tuple[Any, ...]) -> None:
    """Put the state into an array or dtype in the making."""
    if isinstance(target, _Dtype):
        if state[1] not in get_args(ByteOrder):
            raise ValueError(f"the byte order {state[1]!r}")
        target.order = state[1]
    elif isinstance(target, _Array):
        _, shape, dtype, fortran, data = state
        target.value = _numbers(shape, dtype, data, fortran)
    else:
        raise ValueError(f"a {type(target).__name__} with a state")


def _numbers(shape: tuple[int, ...], dtype: Any, data: Any, fortran: bool) -> Any:
    """An array of a dtype in the making: from its bytes, or from a list where it holds objects."""
    shape = tuple(int(length) for length in shape)
    order: Literal["C", "F"] = "F" if fortran else "C"
    kind = dtype.value()
    if kind.hasobject:
        array = np.empty(len(data), object)
        array[:] = data
        return array.reshape(shape, order=order)
    data = data.encode("latin1") if isinstance(data, str) else data
    if min(shape, default=0) < 0 or len(data) != math.prod(shape) * kind.itemsize:
        raise ValueError(f"{len(data)} bytes for an array of shape {shape}")
    return np.frombuffer(data, kind).reshape(shape, order=order)


def _plain(value: Any, depth: int = 0) -> Tree:
    """The data, with everything that was in the making made."""
    if depth > _DEEPEST:
        raise ValueError("objects nested without end")
    if isinstance(value, _Array):
        return _plain(value.value, depth + 1)
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        made = np.empty(value.size, object)
        made[:] = [_plain(item, depth + 1) for item in value.ravel()]
        return made.reshape(value.shape)
    if isinstance(value, dict):
        return {_plain(key, depth + 1): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item, depth + 1) for item in value)
    if isinstance(value, _Name | _Dtype | _Mark):
        raise ValueError("a name without a value")
    return value
