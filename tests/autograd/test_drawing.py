"""The drawing of a graph: valid XML, everything inside, nothing on top of another thing."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise

import numpy as np
import pytest

from diglot.autograd import NumberWithGrad
from diglot.autograd.layout import layered

SVG = "{http://www.w3.org/2000/svg}"


def twice():
    a = NumberWithGrad(3, name="a")
    b = a * 4
    return b + b


def neuron():
    x, w = [NumberWithGrad(v) for v in (0.5, -1.25)], [NumberWithGrad(v) for v in (0.3, 0.8)]
    y = (x[0] * w[0] + x[1] * w[1] + 0.1).tanh()
    return (y - 1) ** 2 + 0.01 * (w[0] ** 2 + w[1] ** 2)


def tangle():
    rng = np.random.default_rng(3)
    numbers = [NumberWithGrad(value) for value in rng.normal(size=5)]
    for _ in range(40):
        i, j = rng.integers(len(numbers), size=2)
        numbers.append((numbers[i] * 0.5 + numbers[j]).tanh())
    return sum(numbers[5:], start=numbers[0])


GRAPHS = {"one number": lambda: NumberWithGrad(7), "twice": twice, "neuron": neuron}
GRAPHS |= {"tangle": tangle}


@pytest.fixture(params=GRAPHS)
def output(request):
    output = GRAPHS[request.param]()
    output.backward()
    return output


def parse(drawing):
    return ElementTree.fromstring(drawing.svg)


def boxes(root):
    """Give left, top, right, bottom of each box."""
    found = []
    for rect in root.iter(f"{SVG}rect"):
        x, y, width, height = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


def strokes(path):
    """Follow an arrow, without its head: straight pieces between points that lie close together."""
    shaft = path.get("d").split(" M ")[0]
    tokens = re.findall(r"[MCH]|-?[\d.]+", shaft)
    points, i = [], 0
    while i < len(tokens):
        count = {"M": 2, "C": 6, "H": 1}[tokens[i]]
        v = [float(token) for token in tokens[i + 1 : i + 1 + count]]
        i += 1 + count
        if count == 2:
            points.append(tuple(v))
        elif count == 1:
            points += [
                (points[-1][0] + s * (v[0] - points[-1][0]), points[-1][1]) for s in (0.5, 1)
            ]
        else:
            x, y = points[-1]
            for s in np.linspace(0, 1, 17)[1:]:
                weights = (1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3
                xs, ys = (x, *v[0::2]), (y, *v[1::2])
                points.append((float(np.dot(weights, xs)), float(np.dot(weights, ys))))
    return points


def uses(output):
    seen, stack, count = set(), [output], 0
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            count += len(node.depends_on)
            stack.extend(node.depends_on)
    return len(seen), count


def test_each_number_is_one_box_and_each_use_one_arrow(output):
    root = parse(output.draw())
    numbers, arrows = uses(output)
    assert len(boxes(root)) == numbers
    assert len(list(root.iter(f"{SVG}path"))) == arrows


def test_a_number_used_twice_has_two_arrows_that_end_apart():
    root = parse(twice().draw())
    ends = [strokes(path)[-1] for path in root.iter(f"{SVG}path")]
    assert len(ends) == 4  # a and 4 into b, b and b into c
    for one, other in combinations(ends, 2):
        assert one != other


def test_boxes_do_not_overlap_and_arrows_cross_none(output):
    root = parse(output.draw())
    for a, b in combinations(boxes(root), 2):
        assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1], (a, b)
    for path in root.iter(f"{SVG}path"):
        for x, y in strokes(path):
            for left, top, right, bottom in boxes(root):
                assert not (left + 0.2 < x < right - 0.2 and top - 1 < y < bottom + 1)


def test_each_arrow_leads_from_a_box_to_a_box_from_left_to_right(output):
    root = parse(output.draw())
    rights = {round(box[2], 1): box for box in boxes(root)}
    lefts = {round(box[0], 1): box for box in boxes(root)}
    for path in root.iter(f"{SVG}path"):
        points = strokes(path)
        assert points[0][0] in rights
        assert points[-1][0] in lefts
        assert all(before[0] <= after[0] for before, after in pairwise(points))


def test_everything_is_inside_the_picture(output):
    root = parse(output.draw())
    x, y, width, height = map(float, root.get("viewBox").split())
    assert (x, y) == (0, 0)
    assert (float(root.get("width")), float(root.get("height"))) == (width, height)
    for left, top, right, bottom in boxes(root):
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    for path in root.iter(f"{SVG}path"):
        for px, py in strokes(path):
            assert 0 <= px <= width
            assert 0 <= py <= height


def test_a_text_fits_into_its_box(output):
    root = parse(output.draw())
    for group in root.iter(f"{SVG}g"):
        (left, top, right, bottom), texts = boxes(group)[0], list(group.iter(f"{SVG}text"))
        assert len(texts) == 3
        for text in texts:
            x, y = float(text.get("x")), float(text.get("y"))
            assert left < x < x + 7.83 * len(text.text) < right  # the widest common font at 13 px
            assert top + 10 < y < bottom - 4


def test_a_box_tells_what_made_it_its_value_and_its_gradient():
    a = NumberWithGrad(3, name="a")
    b = a**2
    b.name = "b"
    b.backward()
    texts = [text.text for text in parse(b.draw()).iter(f"{SVG}text")]
    assert texts == ["a", "num 3", "grad 6", "b (** 2)", "num 9", "grad 1"]


def test_a_name_may_hold_anything():
    a = NumberWithGrad(1, name='<b> & "c" ü \x00\x1b\ud800')
    text = next(parse(a.draw()).iter(f"{SVG}text")).text
    assert text.startswith('<b> & "c" ü ')
    a.draw().svg.encode("utf-8")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    """Compare as the accessibility guidelines (WCAG 2.1) do: 4.5 for text, 3 for lines."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_it_can_be_read_on_a_light_page_and_on_a_dark_one(output):
    root = parse(output.draw())
    for group in root.iter(f"{SVG}g"):
        fill = next(group.iter(f"{SVG}rect")).get("fill")
        for text in group.iter(f"{SVG}text"):
            assert contrast(fill, text.get("fill")) > 4.5
    for path in root.iter(f"{SVG}path"):
        for page in ("#ffffff", "#111111", "#1e1e1e"):
            assert contrast(page, path.get("stroke")) > 3


def test_a_notebook_shows_it_and_a_file_keeps_it(tmp_path):
    drawing = twice().draw()
    assert drawing._repr_svg_() == str(drawing) == drawing.svg
    drawing.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == drawing.svg
    assert len(repr(drawing)) < 100


def test_the_same_graph_gives_the_same_drawing():
    assert neuron().draw() == neuron().draw()


def test_a_number_stands_right_of_all_that_it_was_made_from():
    sources = [(), (), (0, 1), (2, 0), (3, 3), (4, 1, 2)]
    layout = layered(sources, height=60, waypoint=10, gap=20)
    for node, its_sources in enumerate(sources):
        assert all(layout.column[source] < layout.column[node] for source in its_sources)
    assert [route[0] for route in layout.routes] == [s for each in sources for s in each]
    for route in layout.routes:  # no column is left out
        columns = [layout.column[item] for item in route]
        assert columns == list(range(columns[0], columns[-1] + 1))


def test_a_long_chain_can_be_drawn():
    a = NumberWithGrad(1)
    for _ in range(2000):  # deeper than Python's calls may be nested
        a = -a
    assert len(boxes(parse(a.draw()))) == 2001
