"""Pictures of each page, at a desk and on a phone, by day and by night: `python -m tests.e2e.screenshots FOLDER`.

Not here: the way through the pages (tour.py). Somebody has to look at them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.person import DESK, PHONE, Person, opened_browser
from tests.e2e.tour import Tour, tour

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SIZES = {"desk": DESK, "phone": PHONE}


def take(toured: Tour, browser: Browser, folder: Path, language: str = "en") -> None:
    """One picture of the whole of each page in each view."""
    for scheme in ("light", "dark"):
        with Person.arrived(browser, toured.site.url, color_scheme=scheme, locale=language) as person:
            person.accepts("status of 404")
            for name, address in (*toured.outside, *toured.pages):
                if name == toured.pages[0][0]:
                    person.page.goto("/login?lang=en")
                    person.logs_in()
                person.page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
                for size, (width, height) in SIZES.items():
                    person.page.set_viewport_size({"width": width, "height": height})
                    person.page.wait_for_load_state("networkidle")
                    person.page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, opened_browser() as browser, tour(browser, Path(work)) as toured:
        take(toured, browser, folder, *sys.argv[2:3])
    print(f"{len(list(folder.glob('*.png')))} pictures are in {folder}")


if __name__ == "__main__":
    main()
