"""Trust lines: what opens, changes and closes them, and what their issuer allows."""

from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.entries import NATIVE, Account, Entries, TrustLine, trust_line_key
from metering.localnet.events import authorized
from metering.localnet.operation import ChangeTrust, SetTrustLineFlags
from metering.localnet.results import Applied
from metering.localnet.xdr_values import split_asset

_TRUST = stellar_xdr.ChangeTrustResultCode
_FLAGS = stellar_xdr.SetTrustLineFlagsResultCode

_AUTHORIZED = stellar_xdr.TrustLineFlags.AUTHORIZED_FLAG.value
_MAINTAIN = stellar_xdr.TrustLineFlags.AUTHORIZED_TO_MAINTAIN_LIABILITIES_FLAG.value
_REQUIRED = stellar_xdr.AccountFlags.AUTH_REQUIRED_FLAG.value
_REVOCABLE = stellar_xdr.AccountFlags.AUTH_REVOCABLE_FLAG.value


def malformed_trust(trust: ChangeTrust) -> stellar_xdr.ChangeTrustResultCode | None:
    """The code of a change that can never succeed."""
    own = split_asset(trust.asset)[1] == trust.source
    bad = trust.limit < 0 or trust.asset == NATIVE or own
    return _TRUST.CHANGE_TRUST_MALFORMED if bad else None


def change_trust(
    entries: Entries, source: Account, trust: ChangeTrust
) -> stellar_xdr.ChangeTrustResultCode:
    """Open a trust line, change its limit, or close an empty one by a limit of zero."""
    line = entries.trust_line(source.id, trust.asset)
    if line is not None:
        if trust.limit < line.balance:
            return _TRUST.CHANGE_TRUST_INVALID_LIMIT
        if trust.limit > 0:
            entries.put(replace(line, limit=trust.limit))
        else:
            entries.remove(trust_line_key(source.id, trust.asset))
            entries.put(replace(source, subentries=source.subentries - 1))
        return _TRUST.CHANGE_TRUST_SUCCESS
    if trust.limit == 0:
        return _TRUST.CHANGE_TRUST_INVALID_LIMIT
    issuer = entries.account(split_asset(trust.asset)[1])
    if issuer is None:
        return _TRUST.CHANGE_TRUST_NO_ISSUER
    grown = replace(source, subentries=source.subentries + 1)
    if grown.balance < grown.reserve:
        return _TRUST.CHANGE_TRUST_LOW_RESERVE
    entries.put(grown)
    flags = 0 if issuer.flags & _REQUIRED else _AUTHORIZED
    entries.put(TrustLine(source.id, trust.asset, 0, trust.limit, flags))
    return _TRUST.CHANGE_TRUST_SUCCESS


def malformed_flags(
    change: SetTrustLineFlags,
) -> stellar_xdr.SetTrustLineFlagsResultCode | None:
    """The code of a change of flags that can never succeed. Nothing here can be clawed back."""
    known = _AUTHORIZED | _MAINTAIN
    bad = (
        split_asset(change.asset)[1] != change.source
        or change.trustor == change.source
        or change.set & change.clear
        or (change.set | change.clear) & ~known
        or change.set == known
    )
    return _FLAGS.SET_TRUST_LINE_FLAGS_MALFORMED if bad else None


def set_trust_line_flags(
    entries: Entries, source: Account, change: SetTrustLineFlags, context: Context
) -> Applied:
    """An issuer allows an account to hold its asset, or no longer (CAP-35)."""
    revokes = change.clear & (_AUTHORIZED | _MAINTAIN) and not change.set & _AUTHORIZED
    if revokes and not source.flags & _REVOCABLE:
        return Applied(_FLAGS.SET_TRUST_LINE_FLAGS_CANT_REVOKE)
    line = entries.trust_line(change.trustor, change.asset)
    if line is None:
        return Applied(_FLAGS.SET_TRUST_LINE_FLAGS_NO_TRUST_LINE)
    flags = line.flags & ~change.clear | change.set
    if flags == _AUTHORIZED | _MAINTAIN:
        return Applied(_FLAGS.SET_TRUST_LINE_FLAGS_INVALID_STATE)
    changed = replace(line, flags=flags)
    entries.put(changed)
    if changed.authorized == line.authorized:
        return Applied(_FLAGS.SET_TRUST_LINE_FLAGS_SUCCESS)
    event = authorized(context, change.asset, change.trustor, changed.authorized)
    return Applied(_FLAGS.SET_TRUST_LINE_FLAGS_SUCCESS, (event,))
