"""Every route says what it asks of an API key."""

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
