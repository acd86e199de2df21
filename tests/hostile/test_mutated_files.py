"""Files that are almost right: refused in the right way, or read as what they are."""

import tempfile
from pathlib import Path
from random import Random

import pytest
from hostile_loaders import LOADERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loading import Loader, put
from mutations import change_bytes, mutate

SLOW = {"checkpoint": 60, "housing table": 40, "model": 150}
"""How many examples, where one takes milliseconds; `make fuzz` runs a million."""


def mutants(loader: Loader) -> st.SearchStrategy[bytes]:
    """Draw files: a right one, changed once or a few times."""

    def changed(content: bytes, times: int, random: Random) -> bytes:
        for _ in range(times):
            content = mutate(loader.form, content, random)
        return content

    # Hypothesis' Random shrinks, and costs a choice for every number that is drawn.
    randoms = st.integers(0, 2**64 - 1).map(Random)
    return st.builds(changed, st.sampled_from(loader.seeds), st.integers(1, 4), randoms)


@pytest.mark.parametrize("name", LOADERS)
def test_mutants(name):
    loader = LOADERS[name]

    @settings(
        max_examples=SLOW.get(name, 300),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutants(loader))
    def check(content: bytes) -> None:
        loader.try_out(put(path, content))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / loader.file_name
        check()


@pytest.mark.parametrize("name", LOADERS)
@given(content=st.binary(max_size=200))
@settings(max_examples=50, deadline=None, database=None)
def test_any_bytes(name, content):
    loader = LOADERS[name]
    with tempfile.TemporaryDirectory() as folder:
        loader.try_out(put(Path(folder) / loader.file_name, content))


@pytest.mark.parametrize("name", LOADERS)
def test_most_mutants_are_new_and_some_are_accepted(name):
    """Or the tests above would try the same again and again, or nothing but the first line."""
    loader, random = LOADERS[name], Random(1)
    found = {mutate(loader.form, loader.seeds[0], random) for _ in range(100)}
    assert len(found) > 40
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / loader.file_name
        outcomes = {loader.try_out(put(path, content)) for content in found}
    assert "accepted" in outcomes
    assert len(outcomes) > 1 or not loader.refusals


@given(content=st.binary(max_size=50), seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None, database=None)
def test_no_bytes_stop_the_mutations(content, seed):
    assert isinstance(change_bytes(content, Random(seed)), bytes)
    for form in ("safetensors", "json", "idx", "gzip", "text"):
        assert isinstance(mutate(form, content, Random(seed)), bytes)
