"""A real browser, without a window, which may ask nobody but the disk."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from site_files import PAGES, SITE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver") or shutil.which("chromium.chromedriver")


def pytest_collection_modifyitems(items):
    """Skip what needs the site or the browser where there is none."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        if not PAGES:
            item.add_marker(pytest.mark.skip(reason="there is no built site: make docs"))
        elif "browser" in item.fixturenames and not (CHROMIUM and DRIVER and find_spec("selenium")):
            reason = "chromium, chromium-driver or selenium is missing"
            item.add_marker(pytest.mark.skip(reason=reason))


class Browser:
    """One Chromium with a fresh profile."""

    def __init__(self, profile):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (
            "--headless=new",
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def resize(self, width, height=900):
        """Make the page so wide; a window cannot be as narrow as a phone, its screen can."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def open(self, page, anchor=""):
        self.driver.get((SITE / page).resolve().as_uri() + anchor)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def errors(self):
        """Give what the console has said since the last question."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] != "INFO"]

    def requests(self):
        """Give the addresses that pages asked for since the last question."""
        events = (json.loads(e["message"])["message"] for e in self.driver.get_log("performance"))
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
            and not event["params"]["documentURL"].startswith("chrome:")  # its own empty tab
        ]


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()
