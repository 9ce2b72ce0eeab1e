"""Every error that the meter and the packager may raise has words for HTTP."""

import inspect
from types import ModuleType

import pytest
from aiohttp import web

import metering.errors
import packager.package
from api.errors import Problem
from api.failures import problem_of
from metering.errors import InsufficientFunds, Paced
from metering.money import Stroops

# Two processes at one session are a fault of the set-up, not of a request; of a lease that is lost
# requests hear that the meter is not available, or where their session goes on.
NOT_FOR_CLIENTS = {
    metering.errors.BooksDisagree,
    metering.errors.LeaseLost,
    packager.package.UnknownAsset,
}


def errors_of(module: ModuleType) -> list[type[Exception]]:
    return [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    ]


@pytest.mark.parametrize(
    "kind",
    sorted(
        {*errors_of(metering.errors), *errors_of(packager.package)} - NOT_FOR_CLIENTS,
        key=repr,
    ),
)
def test_each_domain_error_is_in_the_table(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    problem = problem_of(error)
    assert problem is not None
    assert 400 <= problem.status < 600


def test_a_short_balance_is_402() -> None:
    problem = problem_of(InsufficientFunds(needed=Stroops(10), available=Stroops(3)))
    assert problem is not None
    assert (problem.status, problem.code) == (402, "insufficient_funds")


def test_pacing_says_when_to_come_again() -> None:
    problem = problem_of(Paced(4))
    assert problem is not None
    assert problem.status == 503
    assert problem.headers["Retry-After"] == "4"


def test_an_unknown_path_becomes_a_problem_document() -> None:
    problem = problem_of(web.HTTPNotFound())
    assert problem is not None
    assert (problem.status, problem.code) == (404, "not_found")


def test_what_nobody_expected_is_not_in_the_table() -> None:
    assert problem_of(ZeroDivisionError()) is None


def test_a_problem_is_its_own_answer() -> None:
    problem = Problem(418, "teapot", "Short and stout")
    assert problem_of(problem) is problem
    response = problem.response("r1")
    assert response.content_type == "application/problem+json"
    assert response.status == 418
