from __future__ import annotations

from tests.service.operations import PAGE, page


async def test_the_page_says_what_the_service_does() -> None:
    assert PAGE.read_text() == await page(), "scripts/operations writes docs/lambda-api.md anew"
