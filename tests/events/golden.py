"""Events as AWS sends them, written by hand from its documentation and from recorded events.

What is expected of them in the tests is written by hand too, never taken from
what our own code makes of them. Each is made anew, so a test may change its own.
"""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]


def function_url() -> Event:
    """A Function URL's, without IAM.

    Shape: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html. The headers
    that AWS adds, the encoded `rawPath` beside the decoded `http.path`, and the
    cookies in both places are as recorded on live URLs in 2026.
    """
    domain = "7z5qxazz4jo7fp5jbbnue4xhxi0arzqq.lambda-url.eu-west-1.on.aws"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/caf%C3%A9/a%2Fb",
        "rawQueryString": "tag=a&tag=b%20c",
        "cookies": ["session=1", "theme=dark"],
        "headers": {
            "host": domain,
            "accept": "text/html,*/*",
            "content-length": "14",
            "content-type": "application/json",
            "cookie": "session=1; theme=dark",
            "user-agent": "curl/8.10.1",
            "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
            "x-amzn-tls-version": "TLSv1.3",
            "x-amzn-trace-id": "Root=1-69ce31a0-38502a633a55086f005d772f",
            "x-forwarded-for": "203.0.113.75",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": {"tag": "a,b c"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "7z5qxazz4jo7fp5jbbnue4xhxi0arzqq",
            "domainName": domain,
            "domainPrefix": "7z5qxazz4jo7fp5jbbnue4xhxi0arzqq",
            "http": {
                "method": "POST",
                "path": "/café/a/b",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.75",
                "userAgent": "curl/8.10.1",
            },
            "requestId": "84545120-9bda-41af-9b45-6bd9fb4503a6",
            "routeKey": "$default",
            "stage": "$default",
            "time": "10/Jul/2026:19:19:04 +0000",
            "timeEpoch": 1783711144123,
        },
        "body": '{"name":"Ada"}',
        "isBase64Encoded": False,
    }


def http_api() -> Event:
    """An HTTP API's with payload format 2.0, at a named stage, behind a JWT authorizer.

    Shape: docs.aws.amazon.com/apigateway/latest/developerguide/
    http-api-develop-integrations-lambda.html. That `rawPath` is decoded and has
    the stage in it, and that the `cookie` header is gone, is as recorded in 2026.
    """
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": "/prod/café/a b",
        "rawQueryString": "q=1%2B1&flag",
        "cookies": ["session=1", "theme=dark"],
        "headers": {
            "accept": "text/html,*/*",
            "content-length": "3",
            "content-type": "application/octet-stream",
            "host": "abc123.execute-api.eu-west-1.amazonaws.com",
            "user-agent": "curl/8.10.1",
            "x-amzn-trace-id": "Root=1-69ce31a0-38502a633a55086f005d772f",
            "x-forwarded-for": "203.0.113.75",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": {"q": "1+1", "flag": ""},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "authorizer": {"jwt": {"claims": {"sub": "ada"}, "scopes": ["read"]}},
            "domainName": "abc123.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "abc123",
            "http": {
                "method": "PUT",
                "path": "/prod/café/a b",
                "protocol": "HTTP/2.0",
                "sourceIp": "2001:db8::1",
                "userAgent": "curl/8.10.1",
            },
            "requestId": "MIZRNhJtIAMEMDw=",
            "routeKey": "ANY /{proxy+}",
            "stage": "prod",
            "time": "10/Jul/2026:19:19:04 +0000",
            "timeEpoch": 1783711144123,
        },
        "body": "AP+A",
        "pathParameters": {"proxy": "café/a b"},
        "isBase64Encoded": True,
        "stageVariables": {"table": "things"},
    }


def rest_api() -> Event:
    """A REST API's, called by the API's own domain.

    Shape: docs.aws.amazon.com/apigateway/latest/developerguide/
    set-up-lambda-proxy-integrations.html. That `path` is encoded and the query
    decoded, and what the headers are called, is as recorded in 2026.
    """
    return {
        "resource": "/{proxy+}",
        "path": "/caf%C3%A9/a%2Fb/",
        "httpMethod": "POST",
        "headers": {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "Cookie": "theme=dark",
            "Host": "abc123.execute-api.eu-west-1.amazonaws.com",
            "User-Agent": "curl/8.10.1",
            "X-Amzn-Trace-Id": "Root=1-69ce31a0-38502a633a55086f005d772f",
            "X-Forwarded-For": "203.0.113.75",
            "X-Forwarded-Port": "443",
            "X-Forwarded-Proto": "https",
            "X-Tag": "two",
        },
        "multiValueHeaders": {
            "Accept": ["*/*"],
            "Content-Type": ["application/json"],
            "Cookie": ["session=1", "theme=dark"],
            "Host": ["abc123.execute-api.eu-west-1.amazonaws.com"],
            "User-Agent": ["curl/8.10.1"],
            "X-Amzn-Trace-Id": ["Root=1-69ce31a0-38502a633a55086f005d772f"],
            "X-Forwarded-For": ["203.0.113.75"],
            "X-Forwarded-Port": ["443"],
            "X-Forwarded-Proto": ["https"],
            "X-Tag": ["one", "two"],
        },
        "queryStringParameters": {"tag": "b c", "sum": "1+1"},
        "multiValueQueryStringParameters": {"tag": ["a", "b c"], "sum": ["1+1"]},
        "pathParameters": {"proxy": "caf%C3%A9/a%2Fb"},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "abc123",
            "extendedRequestId": "R1koeHsUtjMFbRw=",
            "httpMethod": "POST",
            "identity": {
                "accessKey": None,
                "accountId": None,
                "apiKey": None,
                "caller": None,
                "sourceIp": "203.0.113.75",
                "user": None,
                "userAgent": "curl/8.10.1",
                "userArn": None,
            },
            "path": "/prod/caf%C3%A9/a%2Fb/",
            "protocol": "HTTP/1.1",
            "requestId": "d51cb8b7-2ea2-4d8d-8ad1-3f1a5b6f7b1c",
            "requestTime": "10/Jul/2026:19:19:04 +0000",
            "requestTimeEpoch": 1783711144123,
            "resourceId": "roq9wj",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": '{"name":"Ada"}',
        "isBase64Encoded": False,
    }


def http_api_v1() -> Event:
    """An HTTP API's with payload format 1.0: a REST API's shape, `version`, a decoded path."""
    event = rest_api()
    event["version"] = "1.0"
    event["path"] = event["requestContext"]["path"] = "/prod/café/a/b/"
    return event


def alb() -> Event:
    """A load balancer's, its target group with single values.

    docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """
    return {
        "requestContext": {
            "elb": {
                "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
                "targetgroup/things/6d0ecf831eec9f09"
            }
        },
        "httpMethod": "POST",
        "path": "/caf%C3%A9/a%2Fb",
        "queryStringParameters": {"tag": "b%20c", "sum": "1%2B1"},
        "headers": {
            "accept": "*/*",
            "content-length": "3",
            "content-type": "image/png",
            "cookie": "theme=dark",
            "host": "things-1234567.eu-west-1.elb.amazonaws.com",
            "user-agent": "curl/8.10.1",
            "x-amzn-trace-id": "Root=1-69ce31a0-38502a633a55086f005d772f",
            "x-forwarded-for": "10.0.0.1, 203.0.113.75",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http",
        },
        "body": "AP+A",
        "isBase64Encoded": True,
    }


def alb_multi_value() -> Event:
    """The same from a target group with `lambda.multi_value_headers.enabled`."""
    event = alb()
    headers = {name: [value] for name, value in event.pop("headers").items()}
    event["multiValueHeaders"] = headers | {"cookie": ["session=1", "theme=dark"]}
    del event["queryStringParameters"]
    event["multiValueQueryStringParameters"] = {"tag": ["a", "b%20c"], "sum": ["1%2B1"]}
    return event


def edge() -> Event:
    """CloudFront's viewer request, with its body.

    docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
    """
    return {
        "Records": [
            {
                "cf": {
                    "config": {
                        "distributionDomainName": "d111111abcdef8.cloudfront.net",
                        "distributionId": "EDFDVBD6EXAMPLE",
                        "eventType": "viewer-request",
                        "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26Clko==",
                    },
                    "request": {
                        "body": {
                            "action": "read-only",
                            "data": "eyJuYW1lIjoiQWRhIn0=",
                            "encoding": "base64",
                            "inputTruncated": False,
                        },
                        "clientIp": "2001:db8::9652",
                        "headers": {
                            "host": [{"key": "Host", "value": "things.example"}],
                            "user-agent": [{"key": "User-Agent", "value": "curl/8.10.1"}],
                            "x-tag": [
                                {"key": "X-Tag", "value": "one"},
                                {"key": "X-Tag", "value": "two"},
                            ],
                        },
                        "method": "POST",
                        "querystring": "tag=a&tag=b%20c",
                        "uri": "/caf%C3%A9/a%2Fb",
                    },
                }
            }
        ]
    }


def lattice_v1() -> Event:
    """VPC Lattice's, event structure V1.

    docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
    """
    return {
        "raw_path": "/things",
        "method": "POST",
        "headers": {
            "accept": "*/*",
            "host": "things-0123.7d67968.vpc-lattice-svcs.eu-west-1.on.aws",
            "user-agent": "curl/8.10.1",
            "x-forwarded-for": "10.213.229.10",
            "x-tag": "one, two",
        },
        "query_string_parameters": {"order-id": "1"},
        "body": "eyJ0ZXN0IjogImV2ZW50In0=",
        "is_base64_encoded": True,
    }


def lattice_v2() -> Event:
    """VPC Lattice's, event structure V2, after IAM's check."""
    return {
        "version": "2.0",
        "path": "/things",
        "method": "GET",
        "headers": {
            "accept": ["*/*"],
            "host": ["things-0123.7d67968.vpc-lattice-svcs.eu-west-1.on.aws"],
            "user-agent": ["curl/8.10.1"],
            "x-forwarded-for": ["172.31.40.143"],
            "x-tag": ["one", "two"],
        },
        "queryStringParameters": {"tag": ["a", "b"], "order-id": ["1"]},
        "body": '{"test": "event"}',
        "isBase64Encoded": False,
        "requestContext": {
            "serviceNetworkArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:servicenetwork/sn-0b",
            "serviceArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-0a40",
            "targetGroupArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-6d0e",
            "identity": {
                "sourceVpcArn": "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-0b82",
                "type": "AWS_IAM",
                "principal": "arn:aws:sts::123456789012:assumed-role/example-role/057d",
                "sessionName": "057d",
            },
            "region": "eu-west-1",
            "timeEpoch": "1783711144123456",
        },
    }


def _websocket(event_type: str, route_key: str) -> Event:
    """What API Gateway says of a connection in each of its WebSocket events.

    docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-
    mapping-template-reference.html
    """
    return {
        "requestContext": {
            "routeKey": route_key,
            "eventType": event_type,
            "extendedRequestId": "R1koeHsUtjMFbRw=",
            "requestTime": "10/Jul/2026:19:19:04 +0000",
            "messageDirection": "IN",
            "stage": "prod",
            "connectedAt": 1783711140000,
            "requestTimeEpoch": 1783711144123,
            "identity": {"userAgent": "wscat/6", "sourceIp": "203.0.113.75"},
            "requestId": "R1koeHsUtjMFbRw=",
            "domainName": "ws123.execute-api.eu-west-1.amazonaws.com",
            "connectionId": "R1kmxc2VNjMCFIA=",
            "apiId": "ws123",
        },
        "isBase64Encoded": False,
    }


def websocket_connect() -> Event:
    """A client asks to be connected."""
    values = {
        "Host": ["ws123.execute-api.eu-west-1.amazonaws.com"],
        "Sec-WebSocket-Protocol": ["chat, superchat"],
        "Sec-WebSocket-Version": ["13"],
        "X-Forwarded-For": ["203.0.113.75"],
    }
    return _websocket("CONNECT", "$connect") | {
        "headers": {name: value[-1] for name, value in values.items()},
        "multiValueHeaders": values,
        "queryStringParameters": {"room": "b c"},
        "multiValueQueryStringParameters": {"room": ["a", "b c"]},
    }


def websocket_message() -> Event:
    """A client has sent a text."""
    event = _websocket("MESSAGE", "$default") | {"body": '{"say":"hi"}'}
    event["requestContext"]["messageId"] = "R1knPc2ntjMCFIA="
    return event


def websocket_disconnect() -> Event:
    """A connection is closed, as recorded: with headers, which say nothing."""
    event = _websocket("DISCONNECT", "$disconnect")
    event["requestContext"] |= {
        "disconnectStatusCode": 1005,
        "disconnectReason": "Client-side close frame status not set",
    }
    return event | {"headers": {"Host": "", "x-api-key": ""}, "multiValueHeaders": {"Host": [""]}}


ALL = {
    make.__name__: make
    for make in (
        function_url,
        http_api,
        rest_api,
        http_api_v1,
        alb,
        alb_multi_value,
        edge,
        lattice_v1,
        lattice_v2,
        websocket_connect,
        websocket_message,
        websocket_disconnect,
    )
}
