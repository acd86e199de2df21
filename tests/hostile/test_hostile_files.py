"""Every hostile file is refused: by the right error, in 50 MB, and it does not hang."""

import ast
import copy
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile_files import NO_FILES, Row, rows
from hostile_loaders import LOADERS
from in_child import ROOM

from diglot.chance import set_bits

ROWS = rows(LOADERS)
ROOT = Path(__file__).parents[2]
SECONDS = 300  # for all files together, on a machine that is busy; a pipe takes forever

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it"
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Make all files, and read them in a child."""
    folder = tmp_path_factory.mktemp("hostile")
    tasks = []
    for number, row in enumerate(ROWS):
        loader = LOADERS[row.loader]
        (folder / str(number)).mkdir()
        row.make(folder / str(number) / loader.file_name, good_of(row))
        tasks.append(f"{number}\t{row.loader}\n")
    child = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("in_child.py"), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        told, errors = child.communicate("".join(tasks), timeout=SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        told, errors = child.communicate()
        errors += "\nit hangs"
    found = {number: rest for number, *rest in map(json.loads, told.splitlines())}
    return found, errors


def good_of(row: Row) -> bytes:
    """Give the file that a row's is made from."""
    seeds = LOADERS[row.loader].seeds
    return seeds[2] if row.loader == "checkpoint" else seeds[0]


@pytest.mark.parametrize(
    "number", range(len(ROWS)), ids=[f"{row.loader}: {row.what}" for row in ROWS]
)
def test_is_refused(outcomes, number):
    found, errors = outcomes
    row = ROWS[number]
    assert number in found, f"the child ended, or hung, at file {len(found)}:\n{errors}"
    outcome, message, used = found[number]
    assert outcome in [error.__name__ for error in LOADERS[row.loader].refusals], message
    assert row.message in message
    assert used < ROOM / 2, f"{used / 1e6:.1f} MB"  # in another process it may be more


@pytest.mark.parametrize("name", ["model", "checkpoint", "idx", "idx.gz", "vocabulary"])
def test_a_file_that_is_cut_off_anywhere_is_refused(name, tmp_path):
    loader = LOADERS[name]
    good = min(loader.seeds, key=len)
    path = tmp_path / loader.file_name
    step = 1 if len(good) < 500 else 61
    for length in range(0, len(good), step):
        path.write_bytes(good[:length])
        assert loader.try_out(path) != "accepted", f"{length} of {len(good)} bytes"


@pytest.mark.parametrize("name", LOADERS)
def test_the_good_files_are_accepted(name, tmp_path):
    """So the tests above fail for their reason."""
    loader = LOADERS[name]
    for content in loader.seeds:
        (tmp_path / loader.file_name).write_bytes(content)
        assert loader.try_out(tmp_path / loader.file_name) == "accepted"


def test_a_file_that_shrinks_while_it_is_read(tmp_path, monkeypatch):
    """Sizes were compared with a file that was longer then."""
    sizes = {}
    true_size = os.fstat

    def longer(descriptor):
        status = list(true_size(descriptor))
        status[stat.ST_SIZE] = sizes.get("claimed", status[stat.ST_SIZE])
        return os.stat_result(status)

    for name in ("model", "checkpoint", "idx"):
        loader = LOADERS[name]
        path = tmp_path / loader.file_name
        good = loader.seeds[0]
        path.write_bytes(good[:-1])
        sizes["claimed"] = len(good)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fstat", longer)
            with pytest.raises(loader.refusals, match=r"ends within|ends too early"):
                loader.read(path)


@pytest.mark.parametrize("what", NO_FILES)
def test_a_note_of_passed_exercises_that_is_no_file_says_nothing(what, tmp_path):
    loader = LOADERS["passed"]
    make, _ = NO_FILES[what]
    make(tmp_path / loader.file_name, b"")
    assert loader.read(tmp_path / loader.file_name) == "started"


@pytest.mark.parametrize("kind", ["MT19937", "Philox"])
@pytest.mark.parametrize("place", [-1, 5000, 10**8, 1.5])
def test_no_position_leads_a_generator_out_of_its_table(kind, place):
    generator = np.random.Generator(getattr(np.random, kind)(1))
    state = copy.deepcopy(generator.bit_generator.state)
    whose, name = (state["state"], "pos") if kind == "MT19937" else (state, "buffer_pos")
    set_bits(generator, state)
    whose[name] = place
    with pytest.raises(ValueError, match=f"{name} is"):
        set_bits(generator, state)


@pytest.mark.parametrize("threads", ["²", "9" * 5000, "-1", "two", "", "1e3"])
def test_no_setting_keeps_the_library_from_being_imported(threads):
    """`"²".isdigit()` is true, and no integer."""
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    code = "import diglot; diglot.get_num_threads()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert not done.returncode, done.stderr.decode()


def test_the_page_of_promises_counts_them():
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    assert f"{len(ROWS)} files for {len({row.loader for row in ROWS})} loaders" in page


def test_every_loader_is_fuzzed():
    body = ast.parse((ROOT / "fuzz" / "run.py").read_text(encoding="utf-8")).body
    (shares,) = (
        node.value
        for node in body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SHARES"
    )
    assert {ast.literal_eval(key) for key in shares.keys} == set(LOADERS)
    assert sum(ast.literal_eval(value) for value in shares.values) == 100
