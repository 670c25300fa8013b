"""Links, redirects and docs pages lead where the public address says, however it is composed.

Each place states the address that clients know. What an app hands out must be
that address and the app's own path, and must lead to the page when it is asked
for. uvicorn behind a proxy stands beside the front doors as the judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import pytest

from tests.frameworks.doors import API, DOORS, HOST, PLACES, Door
from tests.frameworks.environments import Environment, Lambda, Uvicorn, django_project, load
from warmstart.events.http import HTTPResponse

FRAMEWORKS = ["starlette", "fastapi", "django"]
PREFIXES_UNDER_UVICORN = {"uvicorn": "", "uvicorn-v1": "/v1", "uvicorn-prod-v1": "/prod/v1"}
NAMES = [*(place.name for place in PLACES), *PREFIXES_UNDER_UVICORN]


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _own_settings(framework: str) -> Iterator[None]:
    with django_project("django_links") if framework == "django" else nullcontext():
        yield


@pytest.fixture(scope="module")
def environments() -> Iterator[dict[tuple[str, str], Environment]]:
    """Those that the tests share."""
    running: dict[tuple[str, str], Environment] = {}
    yield running
    for environment in running.values():
        environment.stop()


@pytest.fixture
def environment(
    framework: str,
    place: str,
    environments: dict[tuple[str, str], Environment],
    _own_settings: None,
) -> Environment:
    if (framework, place) not in environments:
        app = load(f"{framework}_links").app
        if place in PREFIXES_UNDER_UVICORN:
            environments[framework, place] = Uvicorn(app, PREFIXES_UNDER_UVICORN[place])
        else:
            (door,) = (door for door in PLACES if door.name == place)
            environments[framework, place] = Lambda(app, door)
    return environments[framework, place]


def requested(url: str) -> str:
    """What a client asks for that was given `url`: Starlette's `url_for` encodes no parameters."""
    return quote(url, safe=":/?#[]@!$&'()*+,;=%-._~")


def visit(environment: Environment, url: str) -> HTTPResponse:
    """What a client gets that asks for `url`, which must be under the app's public address."""
    url = requested(url)
    public = environment.public
    assert url.startswith((f"{public}/", f"{public}?")) or url == public, url
    return environment.send("GET", url.removeprefix(public))


def location(environment: Environment, path: str) -> str:
    """The URL to which the app redirects from `path`, absolute as a browser makes it."""
    response = environment.send("GET", path)
    assert response.status in (301, 302, 307)
    (value,) = (value.decode() for name, value in response.headers if name == b"location")
    return urljoin(environment.public + path, value)


def links(environment: Environment, path: str = "/links") -> Any:
    response = environment.send("GET", path)
    assert response.status == 200
    return json.loads(response.body)


def test_every_link_is_the_public_address_and_the_path(environment: Environment) -> None:
    public = environment.public

    told = {name: requested(url) for name, url in links(environment).items()}
    assert told == {
        "here": f"{public}/links",
        "base": f"{public}/",
        "home": f"{public}/",
        "items": f"{public}/items/",
        "item": f"{public}/items/a%20b%20%C3%A9",
        "users": f"{public}/admin/users/",
        "item_path": f"{urlsplit(public).path}/items/a%20b%20%C3%A9",
    }


def test_every_link_leads_to_its_page(environment: Environment) -> None:
    told = links(environment)

    for name, page in [("home", "home"), ("items", "items"), ("users", "users")]:
        assert visit(environment, told[name]).body.decode() == page
    assert visit(environment, told["item"]).body.decode() == "item a b é"
    by_path = urljoin(environment.public, told["item_path"])
    assert visit(environment, by_path).body.decode() == "item a b é"


def test_the_links_of_a_mounted_app_are_public_too(environment: Environment) -> None:
    public = environment.public

    told = links(environment, "/admin/links")

    assert told == {"here": f"{public}/admin/links", "users": f"{public}/admin/users/"}
    assert visit(environment, told["users"]).body == b"users"


@pytest.mark.parametrize("path", ["/items", "/admin/users"])
def test_a_forgotten_slash_is_redirected_to(environment: Environment, path: str) -> None:
    target = location(environment, path)

    assert target == f"{environment.public}{path}/"
    assert visit(environment, target).status == 200


def test_a_redirect_keeps_the_query(environment: Environment) -> None:
    target = urlsplit(location(environment, "/items?q=caf%C3%A9%20%26%20tea&empty="))

    assert target.path == f"{urlsplit(environment.public).path}/items/"
    query = parse_qsl(target.query, keep_blank_values=True)
    assert query == [("q", "café & tea"), ("empty", "")]


@pytest.mark.parametrize("framework", ["django"])
def test_a_redirect_by_name_leads_to_the_page(environment: Environment) -> None:
    target = location(environment, "/to-item")

    assert target == f"{environment.public}/items/a%20b%20%C3%A9"
    assert visit(environment, target).body.decode() == "item a b é"


@pytest.mark.parametrize("path", ["/items/50%25%20off%2B", "/items/%E2%82%AC", "/items/a;b=c,d"])
def test_encoded_characters_stay_what_they_are(environment: Environment, path: str) -> None:
    names = {"/items/50%25%20off%2B": "50% off+", "/items/%E2%82%AC": "€"}

    body = environment.send("GET", path).body.decode()

    assert body == f"item {names.get(path, 'a;b=c,d')}"


@pytest.mark.parametrize("place", [place.name for place in PLACES])
def test_the_address_without_its_slash_leads_home(environment: Environment) -> None:
    response = environment.send("GET", "")

    if response.status != 200:
        target = location(environment, "")
        assert target == f"{environment.public}/"
        response = visit(environment, target)
    assert response.body == b"home"


# FastAPI's docs.


@pytest.mark.parametrize("framework", ["fastapi"])
@pytest.mark.parametrize("mounted", ["", "/admin"])
def test_the_docs_find_their_description(environment: Environment, mounted: str) -> None:
    page = environment.send("GET", f"{mounted}/docs").body.decode()

    found = re.search(r"url: '([^']+)'", page)
    assert found is not None
    url = urljoin(f"{environment.public}{mounted}/docs", found[1])
    assert url == f"{environment.public}{mounted}/openapi.json"
    description = json.loads(visit(environment, url).body)
    expected = {"/users/", "/links"} if mounted else {"/", "/items/", "/items/{name}", "/links"}
    assert set(description["paths"]) == expected


@pytest.mark.parametrize("framework", ["fastapi"])
@pytest.mark.parametrize("mounted", ["", "/admin"])
def test_the_description_names_the_server(environment: Environment, mounted: str) -> None:
    public = environment.public + mounted

    description = json.loads(environment.send("GET", f"{mounted}/openapi.json").body)

    # A client joins each path to a server's URL; without servers it is "/" (OpenAPI, 4.8.5).
    (server,) = description.get("servers", [{"url": "/"}])
    base = urljoin(public, server["url"]).rstrip("/")
    assert base == public
    assert visit(environment, f"{base}/links").status == 200


# Addresses that only resemble the one the handler was told.


@pytest.mark.parametrize(
    "path", ["/v10/items/", "/v/items/", "/V1/items/", "/v1x", "/v1%2Fitems/", "/x/v1/items/"]
)
@pytest.mark.parametrize("name", ["rest-mapping", "alb-rule", "url-behaviour", "edge-behaviour"])
@pytest.mark.parametrize("framework", ["starlette", "django"])
def test_a_near_miss_is_not_the_base_path(framework: str, name: str, path: str) -> None:
    mapped = next(place for place in PLACES if place.name == name)
    outside = Door(name, mapped.build, mapped.decode, host=mapped.host, base_path="/v1")
    environment = Lambda(load(f"{framework}_links").app, outside)

    assert environment.send("GET", path).status == 404
    assert links(environment)["items"] == f"{environment.public}/items/"
    environment.stop()


@pytest.mark.parametrize("framework", ["starlette", "django"])
@pytest.mark.parametrize("name", ["rest-stage", "v1-stage", "v2-stage"])
def test_a_path_that_only_begins_like_the_stage_is_the_apps_own(framework: str, name: str) -> None:
    staged = next(place for place in PLACES if place.name == name)
    elsewhere = Door(name, staged.build, staged.decode, host=API, prefix="")
    environment = Lambda(load(f"{framework}_links").app, elsewhere)

    assert environment.send("GET", "/prods/items/").status == 404
    environment.stop()


@pytest.mark.parametrize("framework", ["starlette", "django"])
@pytest.mark.parametrize("name", ["v2-domain-of-stage", "v2-mapping-of-stage"])
def test_the_stage_is_in_no_link_on_a_custom_domain(framework: str, name: str) -> None:
    door = next(place for place in PLACES if place.name == name)
    environment = Lambda(load(f"{framework}_links").app, door)

    event = environment.event("GET", "/links")
    assert event["rawPath"] == "/prod/links", "what AWS sends"
    assert "/prod" not in environment.send("GET", "/links").body.decode()
    environment.stop()


@pytest.mark.parametrize("framework", ["starlette"])
def test_a_base_path_may_have_any_character(framework: str) -> None:
    mapped = next(door for door in DOORS if door.name == "rest")
    public = Door(
        "rest",
        mapped.build,
        mapped.decode,
        host=HOST,
        prefix="/caf%C3%A9%20au%20lait",
        base_path="/café au lait",
    )
    environment = Lambda(load(f"{framework}_links").app, public)

    target = location(environment, "/items")

    assert target == f"{environment.public}/items/"
    assert visit(environment, target).body == b"items"
    environment.stop()
