"""The handler classes of the front doors that Mangum knows."""

from warmstart.compat.mangum.handlers.alb import ALB
from warmstart.compat.mangum.handlers.api_gateway import APIGateway, HTTPGateway
from warmstart.compat.mangum.handlers.lambda_at_edge import LambdaAtEdge

__all__ = ["ALB", "APIGateway", "HTTPGateway", "LambdaAtEdge"]
