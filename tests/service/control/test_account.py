from __future__ import annotations

from typing import Any

from tests.service.api.serving import call
from tests.service.control.plane import Control, archive


async def test_the_accounts_limits_and_what_is_used_of_them(lambda_: Any, control: Control) -> None:
    # Limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    size = len(archive())
    await control.create(Publish=True)
    await control.create("g")
    await control.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=10)
    await control.call("PublishLayerVersion", LayerName="l", Content={"ZipFile": archive()})
    settings = await call(lambda_.get_account_settings)
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 75 * 1024**3,
        "CodeSizeUnzipped": 250 * 1024**2,
        "CodeSizeZipped": 50 * 1024**2,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 990,
    }
    assert settings["AccountUsage"] == {"TotalCodeSize": 4 * size, "FunctionCount": 2}
