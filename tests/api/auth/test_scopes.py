"""Every route says what it asks of an API key."""

from typing import get_type_hints

from api.auth.scopes import NEEDS, Scope, allows, needed
from tests.api.auth.rig import application


def test_the_table_and_the_routes_are_the_same() -> None:
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in application().router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert routes - NEEDS.keys() == set(), "a route without a word about API keys"
    assert NEEDS.keys() - routes - {"GET /api/v1/uploads/{upload}"} == set(), "no such route"


def test_a_key_may_do_what_it_was_allowed_and_a_route_that_nobody_named_is_for_people() -> None:
    reader = frozenset({Scope.READ})
    assert allows(reader, needed("GET", "/api/v1/payments/balance"))
    assert not allows(reader, needed("POST", "/api/v1/streaming/start"))
    assert allows(frozenset({Scope.CONTENT}), needed("HEAD", "/api/v1/uploads/{upload}"))
    assert allows(frozenset(), needed("GET", "/health"))
    everything = frozenset(Scope)
    for method, path in (("POST", "/api/v1/auth/keys"), ("POST", "/api/v1/of/tomorrow")):
        assert needed(method, path) == "person"
        assert not allows(everything, needed(method, path))


NO_MONEY = {
    *("/auth", "/api/v1/guests", "/api/v1/uploads", "/api/v1/content"),
    *(f"/api/v1/auth/{what}" for what in ("verify", "register", "login", "refresh", "logout")),
    *(f"/api/v1/auth/{what}" for what in ("password", "wallets", "keys")),
    *("/api/v1/content/{content}/clips", "/api/v1/content/{content}/download-links"),
    *("/api/v1/sources", "/api/v1/sources/{source}/keys"),
    *(f"/api/v1/sources/{{source}}/{what}" for what in ("regenerate-key", "publish-token")),
}


def test_whatever_else_can_be_posted_may_move_money_and_takes_an_idempotency_key() -> None:
    posts = {
        route.resource.canonical: getattr(route.handler, "__self__", None)
        for route in application().router.routes()
        if route.resource is not None and route.method == "POST"
    }
    assert posts.keys() >= NO_MONEY
    ignoring = [
        path
        for path, owner in posts.items()
        if path not in NO_MONEY and "idempotency" not in get_type_hints(type(owner))
    ]
    assert ignoring == []
