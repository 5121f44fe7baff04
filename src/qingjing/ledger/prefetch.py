"""One instruction that compiled Python has no name for: ask for a line of memory, and go on.

A plain look at the line would do the same, but it must end before much else can begin.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic

_emit: Any = cgutils  # untyped


def _prefetch(_typing: Any, table: Any, row: Any) -> Any:
    """Bring the line at the head of a row of a two-dimensional array into the cache.

    For compiled functions alone. Changes nothing, and nothing comes back.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, values[0])
        first = ir.Constant(values[1].type, 0)
        place = _emit.get_item_pointer(context, builder, kind, array, [values[1], first])
        address, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        instruction = _emit.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [address, flag, flag, flag]),
            "llvm.prefetch.p0i8",
        )
        # To be read, to be kept in every cache, and data, not code.
        flags = [ir.Constant(flag, value) for value in (0, 3, 1)]
        builder.call(instruction, [builder.bitcast(place, address), *flags])
        return context.get_dummy_value()

    return types.void(table, row), generate


prefetch: Any = intrinsic(_prefetch)
