"""How kernels are compiled and cached, and the few machine instructions that NumPy code cannot spell.

Numba compiles each kernel at its first call and keeps the machine code on disk. The folder is, in this order:
``NUMBA_CACHE_DIR`` if set; ``__pycache__`` beside this file; the user's cache folder (``XDG_CACHE_HOME`` or
``~/.cache``); a private folder below the system's temporary one. The first that can be written is taken, so a
read-only installation works. The folder's name carries a hash of the kernels' sources, because Numba itself only
notices a change of the file that holds the outermost function.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])
_HERE = Path(__file__).resolve().parent


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private_temporary() -> Path:
    """A folder that only this user can write: cached machine code is run, so nobody else may plant it."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"trustward-kernels-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        owned = not hasattr(os, "getuid") or (status.st_uid == user and status.st_mode & 0o077 == 0)
        if owned and not folder.is_symlink() and _writable(folder):
            return folder
    except OSError:
        # Somebody else's file of that name: fall through to a fresh folder.
        return Path(tempfile.mkdtemp(prefix="trustward-kernels-"))
    return Path(tempfile.mkdtemp(prefix="trustward-kernels-"))


@cache
def cache_folder(room: Path) -> Path:
    """Where the compiled kernels of a room (a folder of sources) are kept."""
    digest = hashlib.blake2b(digest_size=8)
    # Kernels take pieces from the room around theirs as well.
    for source in sorted({Path(__file__).resolve(), *room.glob("*.py"), *room.parent.glob("*.py")}):
        digest.update(source.read_bytes())
    name = f"trustward-{digest.hexdigest()}"
    told = os.environ.get("NUMBA_CACHE_DIR")
    if told:
        return Path(told) / name
    bases = [_HERE / "__pycache__"]
    try:
        bases.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trustward")
    except RuntimeError:
        # No home: an account that only runs services.
        bases = bases[:1]
    for base in bases:
        if _writable(base / name):
            return base / name
    return _private_temporary() / name


def kernel(function: Function) -> Function:
    """Compile an outermost kernel at its first call and cache it."""
    return _kernel(function, release=True)


def held_kernel(function: Function) -> Function:
    """``kernel`` for those that touch Python's objects, or are over at once: the interpreter's lock stays held."""
    return _kernel(function, release=False)


def _kernel(function: Function, *, release: bool) -> Function:
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder(Path(inspect.getfile(function)).resolve().parent))
    try:
        return cast(Function, numba.njit(cache=True, error_model="numpy", nogil=release)(function))
    finally:
        settings.CACHE_DIR = before


def part(function: Function) -> Function:
    """A piece of a kernel: always inlined."""
    return cast(Function, _piece(forceinline=True)(function))


def shared(function: Function) -> Function:
    """A piece of a kernel that is called, not inlined: the rare paths."""
    return cast(Function, _piece()(function))


def _piece(**more: Any) -> Callable[..., Any]:
    # Only kernels call pieces: without what lets Python call them, compiling takes a quarter less.
    compile_: Any = numba.njit
    made: Callable[..., Any] = compile_(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, **more)
    return made


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Something that only LLVM can say: ``function`` gives the types and the code."""
    return cast(Callable[..., Any], intrinsic(function))


@instruction
def pointer(typingctx: Any, array: Any) -> Any:
    """Where an array's items begin; indexed like the array.

    Kernels index pointers only. An array's index may count from the end, and asking that at each of the many small
    steps made a kernel half as fast; and arrays given to functions are counted references.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    kind: Any = types.CPointer
    return kind(array.dtype)(array), code


@instruction
def load64(typingctx: Any, place: Any, index: Any) -> Any:
    """The 8 bytes from ``place[index]`` of a byte pointer as one little-endian unsigned word, aligned or not."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        here = builder.gep(args[0], [args[1]])
        return builder.load(builder.bitcast(here, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(place, types.int64), code


@instruction
def prefetch(typingctx: Any, place: Any, index: Any) -> Any:
    """Ask for the cache line of ``place[index]``; a wrong index does no harm."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        here = builder.bitcast(builder.gep(args[0], [args[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        declare: Any = cgutils.get_or_insert_function
        function = declare(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [here, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(place, types.int64), code


@instruction
def trailing_zeros(typingctx: Any, word: Any) -> Any:
    """How many low bits of a non-zero unsigned word are 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.int64(types.uint64), code


@instruction
def leading_zeros(typingctx: Any, word: Any) -> Any:
    """How many high bits of a non-zero unsigned word are 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.IntType(1)(1))

    return types.int64(types.uint64), code


@instruction
def bits_of(typingctx: Any, number: Any) -> Any:
    """The bits of a float64 as int64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), code


@instruction
def float_of(typingctx: Any, word: Any) -> Any:
    """The float64 whose bits are an int64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), code


@instruction
def opaque(typingctx: Any, word: Any) -> Any:
    """The same int64, but the compiler cannot know what it says: arithmetic with it stays free of branches."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = ir.IntType(64)
        return builder.asm(ir.FunctionType(number, [number]), "", "=r,0", [args[0]], side_effect=False)

    return types.int64(types.int64), code


@instruction
def stack_words(typingctx: Any, count: Any) -> Any:
    """Room for so many unsigned words (a constant) until the function ends; what they hold is not defined."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    size = count.literal_value

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        reserve: Any = cgutils.alloca_once
        room = reserve(builder, ir.ArrayType(ir.IntType(64), size))
        return builder.bitcast(room, ir.IntType(64).as_pointer())

    kind: Any = types.CPointer
    return kind(types.uint64)(count), code


_BYTES = ir.IntType(8).as_pointer()
_WORD = ir.IntType(64)


def _ask_python(builder: Any, name: str, result: Any, args: list[Any]) -> Any:
    """Call a function of CPython's stable interface."""
    declare: Any = cgutils.get_or_insert_function
    return builder.call(declare(builder.module, ir.FunctionType(result, [one.type for one in args]), name), args)


@instruction
def list_item(typingctx: Any, items: Any, index: Any) -> Any:
    """The address of an item of the list at an address; 0 if there is none, with an error set.

    Whoever asks must hold the interpreter's lock, and keep the list.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = _ask_python(builder, "PyList_GetItem", _BYTES, [builder.inttoptr(args[0], _BYTES), args[1]])
        return builder.ptrtoint(found, _WORD)

    return types.int64(types.int64, types.int64), code


@instruction
def text_of(typingctx: Any, item: Any, size_at: Any) -> Any:
    """Where the UTF-8 of the str at an address lies, its length put at ``size_at``; 0, with an error set, for none."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = [builder.inttoptr(args[0], _BYTES), args[1]]
        return builder.ptrtoint(_ask_python(builder, "PyUnicode_AsUTF8AndSize", _BYTES, given), _WORD)

    return types.int64(types.int64, size_at), code


@instruction
def whole_of(typingctx: Any, item: Any, failed_at: Any) -> Any:
    """The int64 of the int at an address; ``failed_at`` says (1 or 0) whether it has none, with an error set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = _ask_python(builder, "PyLong_AsLongLong", _WORD, [builder.inttoptr(args[0], _BYTES)])
        builder.store(_WORD(0), args[1])
        # -1 may be a number, or say that there is none.
        with builder.if_then(builder.icmp_signed("==", number, _WORD(-1)), likely=False):
            error = builder.ptrtoint(_ask_python(builder, "PyErr_Occurred", _BYTES, []), _WORD)
            builder.store(builder.zext(builder.icmp_unsigned("!=", error, _WORD(0)), _WORD), args[1])
        return number

    return types.int64(types.int64, failed_at), code


@instruction
def clear_error(typingctx: Any) -> Any:
    """Forget the error that is set, if any."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _ask_python(builder, "PyErr_Clear", ir.VoidType(), [])
        return context.get_dummy_value()

    return types.void(), code


@instruction
def bytes_at(typingctx: Any, address: Any) -> Any:
    """A pointer to the bytes at an address."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], _BYTES)

    kind: Any = types.CPointer
    return kind(types.uint8)(types.int64), code
