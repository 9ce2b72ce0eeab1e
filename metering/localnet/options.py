"""What set_options does to an account: signers, thresholds, home domain and flags."""

from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import Account, Entries
from metering.localnet.operation import SetOptions
from metering.localnet.results import OperationCode

_OPTIONS = stellar_xdr.SetOptionsResultCode
_OPERATION = stellar_xdr.OperationResultCode

_WEIGHT_MAX = 255
_SIGNERS_MAX = 20  # MAX_SIGNERS in Stellar-ledger-entries.x
_CLAWBACK = stellar_xdr.AccountFlags.AUTH_CLAWBACK_ENABLED_FLAG.value
_IMMUTABLE = stellar_xdr.AccountFlags.AUTH_IMMUTABLE_FLAG.value
_FLAGS = sum(flag.value for flag in stellar_xdr.AccountFlags)


def malformed_options(options: SetOptions) -> OperationCode | None:
    """The code of options that can never be set."""
    flags = options.set_flags | options.clear_flags
    weights = (options.master_weight, *options.thresholds)
    code: OperationCode | None = None
    if options.unsupported or flags & _CLAWBACK:
        code = _OPERATION.opNOT_SUPPORTED
    elif flags & ~_FLAGS:
        code = _OPTIONS.SET_OPTIONS_UNKNOWN_FLAG
    elif options.set_flags & options.clear_flags:
        code = _OPTIONS.SET_OPTIONS_BAD_FLAGS
    elif any(weight is not None and weight > _WEIGHT_MAX for weight in weights):
        code = _OPTIONS.SET_OPTIONS_THRESHOLD_OUT_OF_RANGE
    elif options.signer is not None:
        key, weight = options.signer
        if key == options.source or weight > _WEIGHT_MAX:
            code = _OPTIONS.SET_OPTIONS_BAD_SIGNER
    return code


def set_options(
    entries: Entries, source: Account, options: SetOptions
) -> stellar_xdr.SetOptionsResultCode:
    """Change what the options name; what they do not name stays."""
    if options.set_flags | options.clear_flags and source.flags & _IMMUTABLE:
        return _OPTIONS.SET_OPTIONS_CANT_CHANGE
    low, medium, high = (
        old if new is None else new
        for old, new in zip(source.thresholds, options.thresholds, strict=True)
    )
    weight, domain = options.master_weight, options.home_domain
    changed = replace(
        source,
        thresholds=(low, medium, high),
        master_weight=source.master_weight if weight is None else weight,
        home_domain=source.home_domain if domain is None else domain,
        flags=source.flags & ~options.clear_flags | options.set_flags,
    )
    entries.put(changed)
    if options.signer is None:
        return _OPTIONS.SET_OPTIONS_SUCCESS
    return _set_signer(entries, changed, *options.signer)


def _set_signer(
    entries: Entries, account: Account, key: str, weight: int
) -> stellar_xdr.SetOptionsResultCode:
    signers = dict(account.signers)
    if weight == 0:
        signers.pop(key, None)
    else:
        signers[key] = weight
    if len(signers) > _SIGNERS_MAX:
        return _OPTIONS.SET_OPTIONS_TOO_MANY_SIGNERS
    added = len(signers) - len(account.signers)
    grown = replace(
        account,
        signers=tuple(sorted(signers.items())),
        subentries=account.subentries + added,
    )
    if added > 0 and grown.balance < grown.reserve:
        return _OPTIONS.SET_OPTIONS_LOW_RESERVE
    entries.put(grown)
    return _OPTIONS.SET_OPTIONS_SUCCESS
