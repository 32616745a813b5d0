"""The process of one program: ``python -I -m gemwire_emulator.engines.sandbox_worker``, started by `sandbox`.

Standard input has the program, standard output its end as JSON. Three walls stand between a program and the
machine: RestrictedPython refuses what leads out of the language (names and attributes with underscores,
frames, `str.format`); an audit hook ends every attempt to open, import, connect or start anything; and limits
of the operating system bound its CPU time, memory and files.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import os
import sys
import types
import warnings
from collections.abc import Callable, Mapping

from RestrictedPython.compile import compile_restricted
from RestrictedPython.Eval import default_guarded_getitem, default_guarded_getiter
from RestrictedPython.Guards import (
    full_write_guard,
    guarded_iter_unpack_sequence,
    guarded_unpack_sequence,
    safe_builtins,
    safer_getattr,
)

#: Seconds of CPU time, and bytes of memory.
_CPU, _MEMORY = 2, 512 * 2**20
#: Characters of output.
_OUTPUT = 20_000
_OPERATORS: Mapping[str, Callable[[object, object], object]] = {
    "Add": operator.iadd,
    "Sub": operator.isub,
    "Mult": operator.imul,
    "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv,
    "Mod": operator.imod,
    "Pow": operator.ipow,
    "LShift": operator.ilshift,
    "RShift": operator.irshift,
    "BitAnd": operator.iand,
    "BitOr": operator.ior,
    "BitXor": operator.ixor,
}
_SYMBOLS = {
    "+=": "Add",
    "-=": "Sub",
    "*=": "Mult",
    "/=": "Div",
    "//=": "FloorDiv",
    "%=": "Mod",
    "**=": "Pow",
    "<<=": "LShift",
    ">>=": "RShift",
    "&=": "BitAnd",
    "|=": "BitOr",
    "^=": "BitXor",
}
_MATH = types.SimpleNamespace(
    **{name: value for name, value in vars(math).items() if not name.startswith("_")}
)
_FURTHER = (
    *(all, any, bytes, dict, enumerate, filter, frozenset, iter, list, map, max, min, next, range, reversed),
    *(set, sorted, sum),
)


class _Simplified(ast.NodeTransformer):
    """A program without what RestrictedPython leaves out.

    That is ``values[i] += 1``, ``name.attribute += 1``, and annotated variables.
    """

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        target, operation = node.target, ast.Constant(type(node.op).__name__)
        changed: ast.stmt = node
        if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
            arguments = [target.value, target.slice, operation, node.value]
            changed = ast.Expr(ast.Call(ast.Name("change_item", ast.Load()), arguments, []))
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            before = ast.Attribute(target.value, target.attr, ast.Load())
            value = ast.Call(ast.Name("combine", ast.Load()), [operation, before, node.value], [])
            changed = ast.Assign([target], value)
        return ast.copy_location(changed, node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), self.generic_visit(node))


class _Printer:
    """The output of a program, in place of standard output."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._left = _OUTPUT

    def __call__(self, _getattr: object = None) -> _Printer:
        # RestrictedPython would have a printer for each function.
        return self

    def _call_print(self, *values: object, sep: str | None = " ", end: str | None = "\n") -> None:
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        self.parts.append(text[: self._left])
        self._left -= len(text)
        if self._left < 0:
            raise RuntimeError(f"the output is longer than {_OUTPUT} characters")


def _change_variable(symbol: str, value: object, other: object) -> object:
    return _combine(_SYMBOLS[symbol], value, other)


def _combine(operation: str, value: object, other: object) -> object:
    return _OPERATORS[operation](value, other)


def _change_item(values: dict[object, object], key: object, operation: str, other: object) -> None:
    if not isinstance(values, (list, dict)):
        raise TypeError(f"an item of {type(values).__name__} cannot be changed")
    values[key] = _combine(operation, values[key], other)


def _import(name: str, *_: object) -> object:
    if name == "math":
        return _MATH
    raise ImportError(f"the sandbox has no module {name}; it has math alone")


def _build_globals(printer: _Printer) -> dict[str, object]:
    builtins = {**safe_builtins, **{one.__name__: one for one in _FURTHER}}
    builtins["__import__"] = _import
    return {
        "__builtins__": builtins,
        "__name__": "__main__",
        "__metaclass__": _make_class,
        "_getattr_": safer_getattr,
        "_getitem_": default_guarded_getitem,
        "_getiter_": default_guarded_getiter,
        "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
        "_unpack_sequence_": guarded_unpack_sequence,
        "_write_": full_write_guard,
        "_inplacevar_": _change_variable,
        "change_item": _change_item,
        "combine": _combine,
        "_print_": printer,
    }


def _make_class(name: str, bases: tuple[type, ...], members: dict[str, object]) -> type:
    # Objects of a program's own classes may be changed by it.
    return type(name, bases, {**members, "_guarded_writes": True})


def limit_resources() -> None:
    """Limit what the process can use; it cannot open a file or start a process from now on."""
    import resource

    # At the soft limit the process gets SIGXCPU, by which its parent knows; at the hard one it is killed.
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU, _CPU + 1))
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def forbid_everything() -> None:
    """Have every audited event raise; the first, which starts the program, is let through."""
    started = False

    def refuse(event: str, _: object) -> None:
        nonlocal started
        if event == "exec" and not started:
            started = True
            return
        raise PermissionError(f"the sandbox does not allow {event}")

    sys.addaudithook(refuse)


def _run(code: str) -> tuple[str, str]:
    """Run a program, and return the name of its outcome, and its output."""
    printer = _Printer()
    names = _build_globals(printer)
    try:
        with warnings.catch_warnings():
            # RestrictedPython expects programs to read what they print.
            warnings.simplefilter("ignore")
            tree = ast.fix_missing_locations(_Simplified().visit(ast.parse(code)))
            program = compile_restricted(tree, "<program>", "exec")
        forbid_everything()
        exec(program, names)  # noqa: S102 - this is what the process is for
    except BaseException as error:
        # RestrictedPython gives a list of what it refuses.
        reasons = error.args[0] if error.args and isinstance(error.args[0], tuple) else (error,)
        text = "\n".join(map(str, reasons))
        return "OUTCOME_FAILED", f"{''.join(printer.parts)}{type(error).__name__}: {text}"
    return "OUTCOME_OK", "".join(printer.parts)


def main() -> None:
    """Run the program of standard input."""
    code = sys.stdin.buffer.read().decode(errors="replace")
    limit_resources()
    outcome, output = _run(code)
    answer = json.dumps({"outcome": outcome, "output": output[: 2 * _OUTPUT]})
    sys.stdout.write(answer)
    sys.stdout.flush()
    # Without clean-up, which the audit hook would not allow.
    os._exit(0)


if __name__ == "__main__":
    main()
