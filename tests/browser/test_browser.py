"""The site in a real browser: it loads, asks nobody, fits a phone, and can be read in the dark."""

import pytest
from site_files import PAGES, SITE

pytestmark = pytest.mark.site

WIDE, NARROW = 1280, 400
NAMES = [str(page.relative_to(SITE)) for page in PAGES]
WRITTEN = [name for name in NAMES if not name.startswith("source/")]
SOURCES = [name for name in NAMES if name.startswith("source/")][::20]  # all come from one template
KERNELS = [name for name in WRITTEN if name.startswith("generated/kernels/")]


@pytest.fixture(params=[*WRITTEN, *SOURCES])
def page(request):
    return request.param


def test_a_page_loads_asks_nobody_and_fits_a_phone(browser, page):
    browser.errors(), browser.requests()  # what was before
    browser.resize(WIDE)
    browser.open(page)
    assert browser.run("return document.readyState") == "complete"
    assert browser.driver.title.endswith("diglot")
    assert browser.errors() == []
    asked = browser.requests()
    home = SITE.resolve().as_uri()
    assert asked, "the log is empty, so that nothing is known"
    assert [url for url in asked if not url.startswith((home, "data:"))] == []

    browser.resize(NARROW)
    width, seen = browser.run(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert width <= seen == NARROW, f"{width} px stand on a screen of {NARROW}"


def columns(browser):
    """Give the boxes (left, top, right, bottom) of each two facing columns."""
    return browser.run("""
        return [...document.querySelectorAll(".pair-part:not(.pair-alone) .pair-columns")].map(
            pair => [...pair.querySelectorAll(".pair-side")].map(side => {
                const box = side.getBoundingClientRect();
                return [box.left, box.top, box.right, box.bottom];
            }));
    """)


@pytest.mark.parametrize("page", [name for name in KERNELS if not name.endswith("index.html")])
def test_columns_stand_side_by_side_and_stack_on_a_phone(browser, page):
    browser.resize(WIDE)
    browser.open(page)
    pairs = columns(browser)
    assert pairs
    for left, right in pairs:
        assert left[2] <= right[0], "the columns overlap"
        assert left[1] == right[1], "the columns begin at different heights"
        assert right[2] <= WIDE
        assert abs((left[2] - left[0]) - (right[2] - right[0])) < 2, "one is wider"
    browser.resize(NARROW)
    for first, second in columns(browser):
        assert first[3] <= second[1], "the columns do not stack"
        assert second[2] <= NARROW


@pytest.mark.parametrize("page", [name for name in KERNELS if not name.endswith("index.html")])
def test_mathematics_is_drawn(browser, page):
    browser.resize(WIDE)
    browser.open(page)
    sizes = browser.run("""
        return [...document.querySelectorAll(".equation math")].map(math => {
            const box = math.getBoundingClientRect();
            return [box.width, box.height, math.namespaceURI];
        });
    """)
    assert sizes
    for width, height, space in sizes:
        assert width > 50
        assert height > 15
        assert space == "http://www.w3.org/1998/Math/MathML"


def test_a_fraction_is_higher_than_a_line(browser):
    """A browser without MathML would set its letters in one line."""
    browser.open("generated/kernels/activations.html")
    higher = browser.run("""
        const fraction = document.querySelector(".equation mfrac").getBoundingClientRect();
        const letter = document.querySelector(".equation mfrac mi, .equation mfrac mn");
        return fraction.height / letter.getBoundingClientRect().height;
    """)
    assert higher > 1.7


def test_search_finds_lstm(browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    browser.resize(WIDE)
    browser.open("index.html")
    field = browser.driver.find_element(By.CSS_SELECTOR, "input.sidebar-search")
    field.send_keys("lstm", Keys.ENTER)
    goal = "#search-results ul.search li a[href*='generated/kernels/recurrent.html']"
    link = WebDriverWait(browser.driver, 20).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, goal)
    )[0]
    browser.run("arguments[0].click()", link)
    assert "lstm" in browser.driver.page_source.lower()
    assert browser.errors() == []


def test_the_keyboard_reaches_the_search_and_the_first_link(browser):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser.resize(WIDE)
    browser.open("errata.html")
    reached = []
    for _ in range(60):
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        reached.append(
            browser.run("""
            const now = document.activeElement;
            const shown = now.getBoundingClientRect();
            return [now.matches("input.sidebar-search"),
                    now.matches("article a, .content a") && !now.matches(".headerlink"),
                    shown.width > 0 && shown.height > 0];
        """)
        )
        if reached[-1][1]:
            break
    assert any(search and shown for search, _, shown in reached)
    assert any(link and shown for _, link, shown in reached)


@pytest.mark.parametrize("page", ["index.html", "generated/kernels/conv.html"])
def test_dark_and_light_differ_and_both_can_be_read(browser, page):
    seen = {}
    for theme in ("light", "dark"):
        browser.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": theme}]},
        )
        browser.open(page)
        seen[theme] = browser.run("""
            // A canvas turns any way to write a colour into red, green, blue.
            const light = colour => {
                const pen = document.createElement("canvas").getContext("2d");
                pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
                const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
                return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
            };
            const paper = light(getComputedStyle(document.body).backgroundColor);
            const inks = [...document.querySelectorAll("article p, .pair-code .line")].map(
                thing => light(getComputedStyle(thing).color));
            const code = document.querySelector(".pair-code, .highlight pre, .highlight");
            return [paper, Math.min(...inks), Math.max(...inks),
                    light(getComputedStyle(code).backgroundColor)];
        """)
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    paper, _, palest, code = seen["light"]
    assert paper > 0.9 > 0.5 > palest
    assert code > 0.8
    paper, darkest, _, code = seen["dark"]
    assert paper < 0.15 < 0.5 < darkest
    assert code < 0.2
