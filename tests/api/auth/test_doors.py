"""Coming in by each door of a server, being recognised, and being shown out."""

import asyncio
import tomllib
from typing import Any

import jwt
import pytest
from aiohttp import ClientPayloadError
from stellar_sdk import Keypair, TransactionEnvelope

from api.auth.account import AccountKind
from config.limits import (
    ACCESS_TOKEN_SECONDS,
    BEARER_RECHECK_MS,
    LOGINS_OF_EMAIL_PER_MINUTE_MAX,
    LOGINS_PER_MINUTE_MAX,
)
from config.postgres import Database
from config.settings import Auth
from tests.api.auth.challenges import DOMAIN, PASSPHRASE, signed
from tests.api.auth.rig import URL, doors_rig

VERA, OTTO = Keypair.random(), Keypair.random()
PASSWORD = "a sentence that nobody says"
VERA_LOGIN = {"email": "Vera@Example.org ", "password": PASSWORD}


async def test_a_stellar_toml_names_the_key_whose_challenges_open_the_door() -> None:
    async with doors_rig() as rig:
        toml = await rig.http.get("/.well-known/stellar.toml")
        facts = tomllib.loads(await toml.text())
        assert toml.headers["Access-Control-Allow-Origin"] == "*"
        assert toml.content_type == "text/plain"
        assert (facts["NETWORK_PASSPHRASE"], facts["ACCOUNTS"]) == (PASSPHRASE, ["GHOT"])
        assert facts["WEB_AUTH_ENDPOINT"] == f"{URL}/auth"
        server = Keypair.from_public_key(facts["SIGNING_KEY"])
        challenge = (await rig.call("GET", f"/auth?account={VERA.public_key}"))["transaction"]
        first = await rig.call("POST", "/auth", {"transaction": signed(challenge, VERA)})
        claims = jwt.decode(first["token"], options={"verify_signature": False})
        assert (claims["iss"], claims["sub"]) == (f"{URL}/auth", VERA.public_key)
        assert claims["exp"] - claims["iat"] == ACCESS_TOKEN_SECONDS <= 900
        envelope = TransactionEnvelope.from_xdr(challenge, PASSPHRASE)
        server.verify(envelope.hash(), envelope.signatures[0].signature)


async def test_a_wallet_comes_in_goes_on_and_is_shown_out(
    server_database: Database,
) -> None:
    async with doors_rig(server_database) as rig:
        first = await rig.sign_in(VERA)
        # Forms are as good as JSON, and the same wallet opens the same account.
        form = {"transaction": await rig.answer(VERA, home_domain=DOMAIN)}
        async with rig.http.post("/api/v1/auth/verify", data=form) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            second = await answer.json()
        assert second["user"] == first["user"]
        sessions = (await rig.api("GET", "sessions", token=second["token"]))["items"]
        assert [each["current"] for each in sessions] == [True, False]
        assert sessions[0]["subject"] == VERA.public_key
        # One is shown out by the other, at once.
        assert await rig.whose(first["token"]) == first["user"]["id"]
        other = await rig.sign_in(OTTO)
        path = f"sessions/{sessions[1]['id']}"
        await rig.api("DELETE", path, status=404, token=other["token"])
        await rig.api("DELETE", path, status=204, token=second["token"])
        assert await rig.whose(first["token"]) == ""
        # Going on: each refresh token once; one that is used again ends what came of it.
        fresh = await rig.api("POST", "refresh", {"refreshToken": second["refreshToken"]})
        assert await rig.whose(fresh["accessToken"]) == second["user"]["id"]
        again = {"refreshToken": second["refreshToken"]}
        assert (await rig.api("POST", "refresh", again, 401))["code"] == "refresh_reused"
        rig.clock.advance(BEARER_RECHECK_MS)
        assert await rig.whose(fresh["accessToken"]) == ""
        later = {"refreshToken": fresh["refreshToken"]}
        assert (await rig.api("POST", "refresh", later, 401))["code"] == "session_over"
        # An access token is over by itself, and with its session.
        assert await rig.whose(other["token"]) == other["user"]["id"]
        rig.clock.advance(ACCESS_TOKEN_SECONDS * 1000)
        assert await rig.whose(other["token"]) == ""
        last = await rig.api("POST", "refresh", {"refreshToken": other["refreshToken"]})
        await rig.api("POST", "logout", {}, 204, token=last["accessToken"])
        assert await rig.whose(last["accessToken"]) == ""


async def test_what_is_no_sign_in_is_refused_in_the_words_of_sep_10() -> None:
    async with doors_rig() as rig:
        for query in (
            "",
            "account=GABC",
            f"account={VERA.public_key}&memo=x",
            f"account={VERA.public_key}&memo=18446744073709551616",
            f"account={VERA.public_key}&home_domain=evil.example",
        ):
            said = await rig.call("GET", f"/auth?{query}", status=400)
            assert said["error"] == said["detail"]
        bodies: list[object] = [{}, {"transaction": "AAAA"}, {"transaction": 1}, []]
        for body in bodies:
            assert (await rig.call("POST", "/auth", body, 400))["error"]
        async with rig.http.post("/auth", data={"other": "x"}) as answer:
            assert answer.status == 400
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        text = await rig.answer(VERA)
        await rig.call("POST", "/auth", {"transaction": text})
        assert (
            "used before" in (await rig.call("POST", "/auth", {"transaction": text}, 400))["error"]
        )
        shared = await rig.answer(VERA, memo="7")
        granted = await rig.call("POST", "/auth", {"transaction": shared})
        profile = await rig.api("GET", "profile", token=granted["token"])
        assert profile["wallets"][0]["subject"] == f"{VERA.public_key}:7"
        assert not profile["wallets"][0]["payable"]
        for _ in range(70):
            async with rig.http.post("/auth", json={}) as answer:
                if answer.status == 429:
                    assert answer.headers["Retry-After"] == "60"
                    return
        pytest.fail("nobody was told to wait")


async def test_a_guest_registers_and_is_who_they_were() -> None:
    async with doors_rig() as rig:
        account, guest = await rig.guest()
        assert await rig.whose(guest) == account
        for weak in ("short", "aaaaaaaaaaaaaaaaaaa", "vera@example.org"):
            body = {**VERA_LOGIN, "password": weak, "username": "Vera"}
            assert "password" in (await rig.api("POST", "register", body, 400, guest))["detail"]
        body = {**VERA_LOGIN, "username": " Vera  V. "}
        granted = await rig.api("POST", "register", body, 201, guest)
        assert granted["user"]["id"] == account
        assert await rig.whose(guest) == "", "the token that was good for ever is not any more"
        assert await rig.whose(granted["accessToken"]) == account
        assert (await rig.api("POST", "register", body, 409))["code"] == "email_taken"
        profile = await rig.api("GET", "profile", token=granted["accessToken"])
        assert (profile["email"], profile["username"]) == ("vera@example.org", "Vera V.")
        back = await rig.api("POST", "login", {**VERA_LOGIN, "email": "vera@EXAMPLE.org"})
        assert back["user"]["id"] == account
        # Wrong and unknown are told the same.
        wrong = await rig.api("POST", "login", {**VERA_LOGIN, "password": "x"}, 401)
        unknown = await rig.api("POST", "login", {"email": "a@b.org", "password": "x"}, 401)
        ids = ("requestId",)
        assert {**wrong, ids[0]: ""} == {**unknown, ids[0]: ""}
        changed = {"currentPassword": PASSWORD, "newPassword": "another sentence that is long"}
        await rig.api("POST", "password", changed, 204, granted["accessToken"])
        assert await rig.whose(back["accessToken"]) == "", "elsewhere one signs in again"
        assert await rig.whose(granted["accessToken"]) == account
        await rig.api("POST", "login", VERA_LOGIN, 401)
        await rig.api("POST", "login", {**VERA_LOGIN, "password": changed["newPassword"]})


async def test_guessing_is_slow_for_one_address_and_for_one_account() -> None:
    async with doors_rig() as rig:
        body = {"email": "vera@example.org", "password": "guess"}
        said = [await _status(rig, body) for _ in range(LOGINS_OF_EMAIL_PER_MINUTE_MAX + 1)]
        assert said == [401] * LOGINS_OF_EMAIL_PER_MINUTE_MAX + [429]
        others = [
            await _status(rig, {**body, "email": f"{number}@example.org"})
            for number in range(LOGINS_PER_MINUTE_MAX - LOGINS_OF_EMAIL_PER_MINUTE_MAX)
        ]
        assert others[-1] == 429
        assert set(others[:-1]) == {401}
        rig.clock.advance(60_000)
        assert await _status(rig, body) == 401


async def _status(rig: Any, body: object) -> int:
    async with rig.http.post("/api/v1/auth/login", json=body) as answer:
        status: int = answer.status
        return status


async def test_payouts_go_to_a_wallet_that_signed_and_was_chosen() -> None:
    async with doors_rig() as rig:
        body = {**VERA_LOGIN, "username": "Vera"}
        vera = (await rig.api("POST", "register", body, 201))["accessToken"]
        address = {"payoutAddress": VERA.public_key}
        said = await rig.api("PATCH", "profile", address, 409, vera)
        assert said["code"] == "not_your_wallet"
        linked = {"transaction": await rig.answer(VERA)}
        profile = await rig.api("POST", "wallets", linked, 201, vera)
        assert [each["subject"] for each in profile["wallets"]] == [VERA.public_key]
        assert profile["payoutAddress"] is None, "not before it is chosen"
        profile = await rig.api("PATCH", "profile", address, token=vera)
        assert profile["payoutAddress"] == VERA.public_key
        # The wallet is another way into the same account, and into no other.
        assert (await rig.sign_in(VERA))["user"]["id"] == profile["id"]
        otto = (await rig.sign_in(OTTO))["token"]
        taken = {"transaction": await rig.answer(VERA)}
        assert (await rig.api("POST", "wallets", taken, 409, otto))["code"] == "wallet_taken"
        said = await rig.api("DELETE", f"wallets/{OTTO.public_key}", None, 409, otto)
        assert said["code"] == "last_way_in"
        await rig.api("DELETE", f"wallets/{VERA.public_key}", None, 404, otto)
        await rig.api("DELETE", f"wallets/{VERA.public_key}", token=vera)
        # A guest who comes in with a wallet keeps the account; by `wallets` the token were lost.
        account, guest = await rig.guest()
        ann = Keypair.random()
        body = {"transaction": await rig.answer(ann)}
        assert (await rig.api("POST", "wallets", body, 409, guest))["code"] == "guest"
        granted = await rig.call("POST", "/auth", body, token=guest)
        assert granted["user"]["id"] == account
        assert granted["user"]["username"] == f"{ann.public_key[:4]}…{ann.public_key[-4:]}"
        assert await rig.whose(guest) == ""


async def test_an_api_key_does_what_it_was_allowed_until_it_is_revoked() -> None:
    async with doors_rig() as rig:
        account, creator = await rig.guest(AccountKind.CREATOR)
        wish = {"label": "CI", "scopes": ["read"], "expiresInSeconds": 3600}
        made = await rig.api("POST", "keys", wish, 201, creator)
        secret = made["secret"]
        assert secret.startswith("sk_")
        assert await rig.whose(secret) == account
        said = await rig.call("POST", "/api/v1/sandbox/fund", status=403, token=secret)
        assert said["code"] == "insufficient_scope"
        for method, path in (("GET", "keys"), ("GET", "sessions"), ("PATCH", "profile")):
            await rig.api(method, path, status=403, token=secret)
        listed = (await rig.api("GET", "keys", token=creator))["items"]
        assert [(each["label"], each["hint"]) for each in listed] == [("CI", secret[-4:])]
        assert listed[0]["lastUsedAt"] is not None
        assert "secret" not in listed[0]
        for bad in ({"label": "x", "scopes": []}, {"label": "x", "scopes": ["root"]}):
            await rig.api("POST", "keys", bad, 400, creator)
        await rig.api("DELETE", f"keys/{listed[0]['id']}", None, 204, creator)
        await rig.api("DELETE", f"keys/{listed[0]['id']}", None, 404, creator)
        assert await rig.whose(secret) == ""
        brief = (await rig.api("POST", "keys", wish, 201, creator))["secret"]
        assert await rig.whose(brief) == account
        rig.clock.advance(3_600_000)
        assert await rig.whose(brief) == ""


async def test_a_stream_that_is_open_ends_when_its_reader_is_shut_out() -> None:
    async with doors_rig() as rig:
        vera, otto = await rig.sign_in(VERA), await rig.sign_in(OTTO)
        answers = []
        for token in (vera["token"], otto["token"]):
            headers = {"Authorization": f"Bearer {token}"}
            answers.append(await rig.http.post("/api/v1/guests", headers=headers))
            assert await answers[-1].content.readexactly(4) == b"here"
        await rig.doors.bearers.hang_up()
        await rig.api("POST", "logout", {}, 204, token=vera["token"])
        await rig.doors.bearers.hang_up()
        async with asyncio.timeout(20):
            with pytest.raises(ClientPayloadError):
                await answers[0].content.read()
        assert not answers[1].content.at_eof()
        for answer in answers:
            answer.close()


async def test_where_sign_up_is_closed_only_who_has_an_account_comes_in() -> None:
    async with doors_rig(auth=Auth(sign_up="closed")) as rig:
        body = {**VERA_LOGIN, "username": "Vera"}
        await rig.api("POST", "register", body, 403)
        wallet = {"transaction": await rig.answer(VERA)}
        await rig.call("POST", "/auth", wallet, 403)
        account, creator = await rig.guest(AccountKind.CREATOR)
        wallet = {"transaction": await rig.answer(VERA)}
        assert (await rig.call("POST", "/auth", wallet, token=creator))["user"]["id"] == account
        assert (await rig.sign_in(VERA))["user"]["id"] == account
        assert await rig.whose(creator) == account, "the operator's token is in a file, and stays"
