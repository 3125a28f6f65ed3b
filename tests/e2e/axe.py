"""What axe-core says of a page.

Not here: which pages (test_tour.py, test_run.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page


def serious_issues(page: Page) -> list[str]:
    """Those that axe calls serious or critical, and the elements that they are about; what is folded is opened."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    violations = Axe().run(page).response["violations"]
    return [_told(each) for each in violations if each["impact"] in ("serious", "critical")]


def _told(violation: dict[str, Any]) -> str:
    nodes = [node["html"][:120] for node in violation["nodes"][:3]]
    return f"{violation['id']} ({violation['impact']}): {nodes}"
