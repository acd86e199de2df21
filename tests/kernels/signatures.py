"""The arguments of a function, as each side writes them: (name, is keyword-only, default)."""

import inspect
import re


def native_signature(function):
    """Read them from what pybind11 writes into the docstring."""
    text = re.match(r"\w+\((.*)\) -> ", function.__doc__).group(1)
    keyword_only, arguments = False, []
    for part in re.split(r", (?=\w+:|\*)", text) if text else []:
        if part == "*":
            keyword_only = True
            continue
        name, _, default = re.match(r"(\w+): [^=]*?( = (.*))?$", part).groups()
        arguments.append((name, keyword_only, default))
    return arguments


def reference_signature(function):
    return [
        (
            name,
            parameter.kind is inspect.Parameter.KEYWORD_ONLY,
            None if parameter.default is inspect.Parameter.empty else repr(parameter.default),
        )
        for name, parameter in inspect.signature(function).parameters.items()
    ]
