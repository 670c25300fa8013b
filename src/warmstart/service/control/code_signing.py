"""Code signing configurations, and which functions have one.

They are kept and shown. Whether code is signed is not looked at, since what a
signature is worth only AWS Signer knows.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from __future__ import annotations

import secrets

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, given, operation
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry

__all__ = ["CodeSigning"]

_KIND = "code_signing_config"
_FUNCTION_KIND = "code_signing"
_SETTINGS = ("Description", "AllowedPublishers", "CodeSigningPolicies")
_MAX_ITEMS = 10_000


class CodeSigning:
    """The nine operations on code signing configurations."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        registry.own(_FUNCTION_KIND)

    @operation("CreateCodeSigningConfig")
    def create(self, parameters: Members) -> Members:
        """Make a configuration."""
        identifier = f"csc-0{secrets.token_hex(8)}"
        arn = self._registry.arns.code_signing_config(identifier)
        config: Members = {
            "CodeSigningConfigId": identifier,
            "CodeSigningConfigArn": arn,
            "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
            **given(parameters, _SETTINGS),
        }
        with self._registry.transaction():
            output = self._put(config)
            if parameters.get("Tags"):
                self._registry.put_tags(arn, parameters["Tags"])
        return output

    @operation("GetCodeSigningConfig")
    def get(self, parameters: Members) -> Members:
        """A configuration."""
        return {"CodeSigningConfig": self._existing(parameters["CodeSigningConfigArn"])}

    @operation("UpdateCodeSigningConfig")
    def update(self, parameters: Members) -> Members:
        """Change what is given of a configuration."""
        config = self._existing(parameters["CodeSigningConfigArn"])
        return self._put(config | given(parameters, _SETTINGS))

    @operation("DeleteCodeSigningConfig")
    def delete(self, parameters: Members) -> Members:
        """Delete a configuration that no function has."""
        arn = self._existing(parameters["CodeSigningConfigArn"])["CodeSigningConfigArn"]
        if functions := self._functions(arn):
            raise ApiError(
                "ResourceConflictException",
                f"The code signing configuration {arn} is in use by {len(functions)} function(s),"
                f" such as {functions[0]}.",
            )
        with self._registry.transaction():
            self._registry.store.delete(_KIND, arn)
            self._registry.store.delete("tags", arn)
        return {}

    @operation("ListCodeSigningConfigs")
    def list_configs(self, parameters: Members) -> Members:
        """All configurations."""
        configs = [config for _, config in self._registry.store.all(_KIND)]
        return page(
            "CodeSigningConfigs",
            configs,
            parameters,
            lambda config: str(config["CodeSigningConfigId"]),
            max_items=_MAX_ITEMS,
        )

    @operation("ListFunctionsByCodeSigningConfig")
    def list_functions(self, parameters: Members) -> Members:
        """The functions that have a configuration."""
        arn = self._existing(parameters["CodeSigningConfigArn"])["CodeSigningConfigArn"]
        return page("FunctionArns", self._functions(arn), parameters, str, max_items=_MAX_ITEMS)

    @operation("PutFunctionCodeSigningConfig")
    def put_of_function(self, parameters: Members) -> Members:
        """Give a function a configuration."""
        arn: str = parameters["CodeSigningConfigArn"]
        self.check(arn)
        name = self._function(parameters)
        self.put(name, arn)
        return {"CodeSigningConfigArn": arn, "FunctionName": name}

    @operation("GetFunctionCodeSigningConfig")
    def get_of_function(self, parameters: Members) -> Members:
        """A function's configuration; AWS answers nothing where there is none."""
        name = self._function(parameters)
        setting = self._registry.store.get(_FUNCTION_KIND, name)
        return {} if setting is None else {**setting, "FunctionName": name}

    @operation("DeleteFunctionCodeSigningConfig")
    def delete_of_function(self, parameters: Members) -> Members:
        """Take a function's configuration away, if it has one."""
        self._registry.store.delete(_FUNCTION_KIND, self._function(parameters))
        return {}

    def check(self, arn: str) -> None:
        """Raise `ApiError` if there is no such configuration for a function to have."""
        if self._registry.store.get(_KIND, arn) is None:
            raise ApiError(
                "CodeSigningConfigNotFoundException",
                "The code signing configuration cannot be found. Check that the provided"
                f" configuration is not deleted: {arn}.",
            )

    def put(self, function: str, arn: str) -> None:
        """Give a function a configuration that is there."""
        self._registry.store.put(_FUNCTION_KIND, function, {"CodeSigningConfigArn": arn})

    def check_exists(self, identifier: str) -> None:
        """Raise `ApiError` if there is no configuration of that id."""
        self._existing(self._registry.arns.code_signing_config(identifier))

    def _existing(self, arn: str) -> Members:
        config = self._registry.store.get(_KIND, arn)
        if config is None:
            raise ApiError(
                "ResourceNotFoundException",
                f"The Lambda code signing configuration {arn} can not be found.",
            )
        return config

    def _put(self, config: Members) -> Members:
        config = config | {"LastModified": self._registry.now()}
        self._registry.store.put(_KIND, config["CodeSigningConfigArn"], config)
        return {"CodeSigningConfig": config}

    def _function(self, parameters: Members) -> str:
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name)
        return name

    def _functions(self, arn: str) -> list[str]:
        return [
            self._registry.arns.function(name)
            for name, setting in self._registry.store.all(_FUNCTION_KIND)
            if setting["CodeSigningConfigArn"] == arn
        ]
