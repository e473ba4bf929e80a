"""Does the console work in a real browser, under its own content policy? (T28)"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.connector.processes import Running, run, started

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("the console's tests need a Chromium: `make browser` installs Debian's", pytrace=False)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Running]:
    with started(folder, "up", "--port", "0") as running:
        assert running.url
        billing = ("--billing-name", "A", "--billing-email", "a@x.example", "--address-line1", "B 1")
        address = ("--address-city", "C", "--address-postal-code", "1", "--address-country", "SE")
        made = run(folder, "license", "add", "anyprint", "--quantity", "3", *billing, *address)
        assert made.returncode == 0, made.stderr
        assert run(folder, "directory", "add", "entra", "--kind", "entra").returncode == 0
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert [p for p in problems if "403" not in p] == []  # a policy that is broken shows up here


def sign_in(page: Page, folder: Path) -> str:
    link = run(folder, "sign-in").stdout.strip()
    page.goto(link)
    page.get_by_role("button", name="Sign in to the console").click()
    expect(page.get_by_role("heading", name="Licenses")).to_be_visible()
    return link


def test_one_signs_in_looks_around_and_signs_out(served: Running, page: Page, folder: Path) -> None:
    link = sign_in(page, folder)
    expect(page.locator("#license-anyprint")).to_contain_text("AnyPrint")
    expect(page.locator("#license-anyprint")).to_contain_text("price unknown")
    for name in ("Prompts", "Holds", "Runs", "Directories"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.locator("table").first).to_contain_text("entra")
    page.get_by_role("link", name="Runs", exact=True).click()
    page.locator("tbody tr").last.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Run 1")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(served.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("used already")


def test_the_page_looks_again_by_itself(served: Running, page: Page, folder: Path) -> None:
    sign_in(page, folder)
    quantity = page.locator("#license-anyprint")
    expect(quantity).not_to_contain_text("pending")
    assert run(folder, "license", "quantity", "anyprint", "8").returncode == 0
    expect(quantity).to_contain_text("pending", timeout=15_000)


def test_what_a_directory_wrote_is_text_not_markup(served: Running, page: Page, folder: Path) -> None:
    made = json.loads(run(folder, "token", "create", "entra", "--json").stdout)
    hostile = "<img src=x onerror=document.title='owned'>"
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": f"{hostile}", "value": "1"}],
    }
    headers = {"Authorization": f"Bearer {made['token']}", "Content-Type": "application/scim+json"}
    user = {"userName": f"{hostile}@x.example", "active": True}
    answer = requests.post(f"{served.url}/scim/v2/Users", json=user, headers=headers, timeout=10)
    assert answer.status_code == 201
    where = f"{served.url}/scim/v2/Users/{answer.json()['id']}"
    requests.patch(where, json=patch, headers=headers, timeout=10)
    sign_in(page, folder)
    page.get_by_role("link", name="Directories", exact=True).click()
    expect(page.get_by_role("heading", name="Directories")).to_be_visible()
    assert page.locator("img").count() == 0
    assert "owned" not in page.title()


def test_it_fits_a_small_screen_and_the_dark(served: Running, browser: Browser, folder: Path) -> None:
    context = browser.new_context(color_scheme="dark", viewport={"width": 390, "height": 800})
    page = context.new_page()
    sign_in(page, folder)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background != "rgb(255, 255, 255)"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    context.close()
