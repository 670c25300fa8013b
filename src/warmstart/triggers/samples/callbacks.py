"""Sample events of services that ask a function to do a part of their work.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html
https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-notify-lambda.html
https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-sign-up.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
https://docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from typing import Any

from warmstart.triggers.buckets.event import milliseconds
from warmstart.triggers.samples.occasion import Occasion, Sample

__all__ = ["CALLBACKS"]


def _cloudformation(occasion: Occasion) -> dict[str, Any]:
    token = occasion.arn("lambda", "function:my-function")
    return {
        "RequestType": "Create",
        "ServiceToken": token,
        "ResponseURL": "https://cloudformation-custom-resource-response.s3.amazonaws.com/EXAMPLE",
        "StackId": occasion.arn("cloudformation", f"stack/my-stack/{occasion.id}"),
        "RequestId": occasion.id,
        "ResourceType": "Custom::MyResource",
        "LogicalResourceId": "MyResource",
        "ResourceProperties": {"ServiceToken": token, "Size": "3"},
    }


def _codepipeline(occasion: Occasion) -> dict[str, Any]:
    return {
        "CodePipeline.job": {
            "id": occasion.id,
            "accountId": occasion.account.id,
            "data": {
                "actionConfiguration": {
                    "configuration": {"FunctionName": "my-function", "UserParameters": "{}"}
                },
                "inputArtifacts": [
                    {
                        "name": "source",
                        "revision": None,
                        "location": {
                            "type": "S3",
                            "s3Location": {
                                "bucketName": "my-bucket",
                                "objectKey": "my-pipeline/source/abc.zip",
                            },
                        },
                    }
                ],
                "outputArtifacts": [],
                "artifactCredentials": {
                    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
                    "secretAccessKey": "EXAMPLE",
                    "sessionToken": "EXAMPLE",
                },
            },
        }
    }


def _codecommit(occasion: Occasion) -> dict[str, Any]:
    commit = "5c4ef1049f1d27deadbeeff313e0730018be182b"
    return {
        "Records": [
            {
                "awsRegion": occasion.account.region,
                "codecommit": {
                    "references": [{"commit": commit, "ref": "refs/heads/main"}],
                },
                "customData": "",
                "eventId": occasion.id,
                "eventName": "ReferenceChanges",
                "eventPartNumber": 1,
                "eventSource": "aws:codecommit",
                "eventSourceARN": occasion.arn("codecommit", "my-repository"),
                "eventTime": milliseconds(occasion.time).replace("Z", "+0000"),
                "eventTotalParts": 1,
                "eventTriggerConfigId": occasion.id,
                "eventTriggerName": "my-trigger",
                "eventVersion": "1.0",
                "userIdentityARN": f"arn:aws:iam::{occasion.account.id}:user/me",
            }
        ]
    }


def _config(occasion: Occasion) -> dict[str, Any]:
    rule = "config-rule-0123456"
    change = {
        "configurationItem": {
            "configurationItemCaptureTime": milliseconds(occasion.time),
            "configurationItemStatus": "OK",
            "configurationItemVersion": "1.3",
            "awsAccountId": occasion.account.id,
            "awsRegion": occasion.account.region,
            "resourceType": "AWS::EC2::Instance",
            "resourceId": "i-00000000",
            "ARN": occasion.arn("ec2", "instance/i-00000000"),
            "configuration": {"instanceType": "t3.micro"},
            "tags": {},
            "relationships": [],
        },
        "messageType": "ConfigurationItemChangeNotification",
    }
    return {
        "version": "1.0",
        "invokingEvent": json.dumps(change),
        "ruleParameters": "{}",
        "resultToken": "EXAMPLE",
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::{occasion.account.id}:role/config-role",
        "configRuleArn": occasion.arn("config", f"config-rule/{rule}"),
        "configRuleName": "my-rule",
        "configRuleId": rule,
        "accountId": occasion.account.id,
    }


def _secrets_manager(occasion: Occasion) -> dict[str, Any]:
    return {
        "Step": "createSecret",
        "SecretId": occasion.arn("secretsmanager", "secret:my-secret-a1b2c3"),
        "ClientRequestToken": occasion.id,
    }


def _cognito(occasion: Occasion) -> dict[str, Any]:
    return {
        "version": "1",
        "triggerSource": "PreSignUp_SignUp",
        "region": occasion.account.region,
        "userPoolId": f"{occasion.account.region}_EXAMPLE",
        "userName": "jane",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "EXAMPLE"},
        "request": {"userAttributes": {"email": "jane@example.com"}, "validationData": None},
        "response": {
            "autoConfirmUser": False,
            "autoVerifyEmail": False,
            "autoVerifyPhone": False,
        },
    }


def _authorizer(occasion: Occasion) -> dict[str, Any]:
    return {
        "type": "TOKEN",
        "methodArn": occasion.arn("execute-api", "abcdef1234/prod/GET/hello"),
        "authorizationToken": "Bearer EXAMPLE",
    }


def _bedrock_agent(occasion: Occasion) -> dict[str, Any]:
    return {
        "messageVersion": "1.0",
        "agent": {"name": "my-agent", "id": "8ZXY0W8P1H", "alias": "TSTALIASID", "version": "1"},
        "inputText": "What about my order?",
        "sessionId": occasion.id,
        "actionGroup": "orders",
        "apiPath": "/orders/{number}",
        "httpMethod": "GET",
        "parameters": [{"name": "number", "type": "integer", "value": "4711"}],
        "sessionAttributes": {},
        "promptSessionAttributes": {},
    }


def _destination(occasion: Occasion) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": milliseconds(occasion.time),
        "requestContext": {
            "requestId": occasion.id,
            "functionArn": occasion.arn("lambda", "function:my-function:$LATEST"),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"order": 4711},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorMessage": "no such order", "errorType": "KeyError"},
    }


CALLBACKS: dict[str, Sample] = {
    "cloudformation": _cloudformation,
    "codepipeline": _codepipeline,
    "codecommit": _codecommit,
    "config": _config,
    "secrets-manager": _secrets_manager,
    "cognito": _cognito,
    "authorizer": _authorizer,
    "bedrock-agent": _bedrock_agent,
    "destination": _destination,
}
