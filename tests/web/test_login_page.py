"""Signing in at the pages: with a wallet that really signs, with a password, and out again."""

from typing import Any

import pytest

from config.limits import ACCESS_TOKEN_SECONDS
from tests.web.fake_doors import FakeFreighter
from tests.web.fake_server import FakeServer
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

_SESSION = "() => JSON.parse(localStorage['tollcast.session'] ?? 'null')"


async def session(visitor: Visitor) -> Any:
    return await visitor.page.evaluate(_SESSION)


async def sign_in(visitor: Visitor) -> tuple[FakeFreighter, str]:
    """Come in with a wallet that is new here; the wallet, and the account that it opens."""
    wallet = FakeFreighter()
    await wallet.install(visitor.page)
    await visitor.open("/login")
    await visitor.press("Sign in with your wallet")
    await visitor.until("location.pathname === '/account'")
    await visitor.reads(".access", "text.includes('this browser')")
    return wallet, (await session(visitor))["user"]["id"]


async def test_a_guest_comes_in_with_a_wallet_and_leaves(
    server: FakeServer, visitor: Visitor
) -> None:
    # Reads of the guest's own token, once it is void.
    visitor.expected = {401}
    wallet, page, doors = FakeFreighter(), visitor.page, server.doors
    guest = doors.owners["guest"]
    await wallet.install(page)
    await visitor.open("/")
    await page.evaluate("() => { localStorage['tollcast.guest'] = 'guest' }")
    await page.get_by_role("link", name="Sign in").click()
    await visitor.reads(".login", "text.includes('keep what that guest has')")
    wallet.declines = True
    await visitor.press("Sign in with your wallet")
    await visitor.reads(".wallet .form-error", "text.includes('did not sign')")
    wallet.declines = False
    await visitor.press("Sign in with your wallet")
    await visitor.until("location.pathname === '/' && localStorage['tollcast.session']")
    name = f"{wallet.key.public_key[:4]}…{wallet.key.public_key[-4:]}"
    await visitor.reads(".top-sign-in", f"text === '{name}'")
    assert await visitor.page.evaluate("() => localStorage['tollcast.guest'] ?? null") is None
    kept = await session(visitor)
    assert await doors.whose(kept["accessToken"]) == guest, "the guest's account, with all it has"
    assert await doors.whose("guest") == ""
    await page.locator(".top-sign-in").click()
    await visitor.press("Sign out")
    await visitor.reads(".login h1", "text === 'Sign in'")
    assert await doors.whose(kept["accessToken"]) == ""
    assert await session(visitor) is None


async def test_payouts_go_to_a_wallet_once_that_was_confirmed(
    server: FakeServer, visitor: Visitor
) -> None:
    wallet, account = await sign_in(visitor)
    accounts, address = server.doors.accounts.accounts, wallet.key.public_key
    name = f"{address[:4]}…{address[-4:]}"
    await visitor.press(f"Pay out to {name}")
    dialog = visitor.page.get_by_role("dialog")
    assert address in await dialog.inner_text()
    assert accounts[account].stellar_address is None
    await dialog.get_by_role("button", name="Pay out here").click()
    await visitor.reads(".access", "text.includes('paid here')")
    assert accounts[account].stellar_address == address


async def test_an_api_key_is_made_shown_and_revoked(server: FakeServer, visitor: Visitor) -> None:
    _, account = await sign_in(visitor)
    page, doors = visitor.page, server.doors
    await page.get_by_text("Make a key").first.click()
    await page.get_by_label("Name").fill("<b>CI</b>")
    await visitor.press("Make the key")
    secret = await visitor.text(".access-secret")
    assert await doors.whose(secret) == account
    await visitor.press("Revoke the key <b>CI</b>")
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    # The words are always there, and seen when they are true.
    await page.get_by_text("No programs have keys").wait_for()
    assert await doors.whose(secret) == ""


async def test_a_password_opens_an_account_that_one_made_before(
    server: FakeServer, visitor: Visitor
) -> None:
    visitor.expected = {401}
    page = visitor.page
    await visitor.open("/login?next=//evil.example/")
    await visitor.press("Sign in with your wallet")
    await visitor.reads(".wallet .form-error", "text.includes('No wallet answers')")
    await page.locator(".login-ways label", has_text="I am new here").click()
    form = page.locator("[data-form=register]")
    for label, value in (("Name", "Vera"), ("E-mail", "vera@example.org")):
        await form.get_by_label(label).fill(value)
    await form.get_by_label("Password").fill("a sentence that nobody says")
    await form.get_by_role("button").click()
    await visitor.until("location.pathname === '/account'")
    await visitor.reads(".access", "text.includes('Vera · vera@example.org')")
    await visitor.reads(".access", "text.includes('with password')")
    await page.locator(".top-sign-in").click()
    await visitor.press("Sign out")
    form = page.locator("[data-form=login]")
    await form.get_by_label("E-mail").fill("VERA@example.org")
    await form.get_by_label("Password").fill("not that one")
    await form.get_by_role("button").click()
    await visitor.reads(".login .form-error:not([hidden])", "text.includes('wrong')")
    await form.get_by_label("Password").fill("a sentence that nobody says")
    await form.get_by_role("button").click()
    await visitor.reads(".top-sign-in", "text === 'Vera'")


async def test_a_page_goes_on_when_its_token_is_over_until_the_session_is_ended_elsewhere(
    server: FakeServer, visitor: Visitor
) -> None:
    visitor.expected = {401}
    doors = server.doors
    await sign_in(visitor)
    first = await session(visitor)
    # By the browser's clock it is still good: the server is the one that says it is not.
    doors.clock.advance(ACCESS_TOKEN_SECONDS * 1000)
    await visitor.page.reload()
    await visitor.reads(".access", "text.includes('this browser')")
    assert doors.refreshed == 1, "however many requests there were"
    assert (await session(visitor))["accessToken"] != first["accessToken"]
    account = doors.accounts.accounts[first["user"]["id"]]
    await doors.sign_ins.store.end_others(account.id, None, doors.sign_ins.now())
    doors.bearers.forget(account.id)
    await visitor.page.reload()
    await visitor.until("localStorage['tollcast.session'] === undefined")
    await visitor.open("/login")
    await visitor.reads(".login h1", "text === 'Sign in'")
