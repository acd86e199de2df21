"""OpenMP and threads: how many there are, how many can run, and what holds them up."""

import math
import os
import re
from collections.abc import Iterator

from diglot.doctor.finding import Finding, note, ok
from diglot.doctor.installation import Installation
from diglot.doctor.words import complaints
from diglot.quota import cpu_quota

_ENOUGH = 1.2  # what a second thread must gain, or it is worth a word

_BINDING = {  # values that bind threads to processors; of others OpenMP takes no notice
    "OMP_PROC_BIND": r"true|((close|spread|master|primary)\s*,?\s*)+",
    "OMP_PLACES": r"(threads|cores|sockets|ll_caches|numa_domains)\s*(\(\s*\d+\s*\))?|!?[{\d].*",
    "GOMP_CPU_AFFINITY": r"[\d\s,:-]+",
    "KMP_AFFINITY": r"(?!(none|disabled)\b).+",
}


def check(installation: Installation) -> Iterator[Finding]:
    """Look at the threads."""
    builds = [installation.builds[name].facts["build"] for name in installation.sound]
    if builds and not all(build["openmp"] for build in builds):
        yield note(
            "OpenMP",
            "the modules were compiled without it: they run on one thread",
            "install your compiler's OpenMP (libomp for Clang), then compile diglot again",
        )
    elif builds:
        yield ok("OpenMP", "compiled in, and its library was found")
    threads = installation.imported.facts.get("threads", installation.processors)
    yield count(threads, installation.processors, os.cpu_count() or 1, cpu_quota())
    rejected = complaints(installation.imported.said)
    for name, words in rejected.items():
        value = installation.environment.get(name, "")
        yield note(name, f"{value!r} is ignored (libgomp: {words})", "unset it")
    understood = {k: v for k, v in installation.environment.items() if k not in rejected}
    yield from variables(understood, threads, installation.processors)
    times = installation.imported.facts.get("milliseconds", [])
    if times and installation.imported.facts["backend"] != "reference":
        yield gain(*times)


def count(threads: int, usable: int, processors: int, quota: float | None) -> Finding:
    """Judge the number of threads.

    Args:
        threads: what diglot starts with.
        usable: how many processors this process may use.
        processors: how many there are.
        quota: how much of their time it may use, in processors; None if all.
    """
    found = f"{threads} of {processors} processors"
    if usable < processors:
        found += f", of which this process may use {usable}"
    if quota is not None:
        found += f"; its quota is the time of {quota:g}"
    sensible = usable if quota is None else min(usable, max(1, math.ceil(quota)))
    if threads > sensible:
        return note(
            "threads",
            f"{found}: threads will wait for each other",
            f"diglot.set_num_threads({sensible}), or the variable OMP_NUM_THREADS={sensible}",
        )
    return ok("threads", found)


def variables(environment: dict[str, str], threads: int, usable: int) -> Iterator[Finding]:
    """Judge the variables that OpenMP reads."""
    asked = environment.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked and not (asked.isdigit() and int(asked) > 0):
        yield note(
            "OMP_NUM_THREADS", f"{asked!r} is no number of threads, and is ignored", "unset it"
        )
    if environment.get("OMP_WAIT_POLICY", "").strip().lower() == "active":
        yield note(
            "OMP_WAIT_POLICY",
            "active: a thread that waits keeps its processor busy, and others out",
            "unset it",
        )
    for name, pattern in _BINDING.items():
        value = environment.get(name, "").strip()
        if re.fullmatch(pattern, value.lower()):
            yield note(
                name,
                f"{value}: binds Python's own thread to a processor as soon as diglot is "
                "imported, and all that it starts",
                "unset it",
            )
    limit = environment.get("OMP_THREAD_LIMIT", "").strip()
    if limit.isdigit() and int(limit) < min(threads, usable):
        yield note(
            "OMP_THREAD_LIMIT",
            f"{limit}: fewer threads than diglot asks for ({threads})",
            "unset it",
        )
    if environment.get("OMP_DYNAMIC", "").strip().lower() in ("true", "1"):
        yield note("OMP_DYNAMIC", "OpenMP may give fewer threads than diglot asks for", "unset it")


def gain(one: float, two: float) -> Finding:
    """Judge the time of a product of matrices with one thread and with two, in milliseconds."""
    found = f"a product of two 512 x 512 matrices takes {one:.2f} ms, with two {two:.2f} ms"
    if one < _ENOUGH * two:
        return note(
            "two threads",
            f"{found}: they gain little here",
            "if nothing else is running, look at the notes above; else run this again later",
        )
    return ok("two threads", found)
