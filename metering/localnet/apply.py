"""What each operation does to the entries, and the code it answers with."""

from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.context import Context
from metering.localnet.contracts.invocation import invoke
from metering.localnet.entries import (
    NATIVE,
    Account,
    Datum,
    Entries,
    TrustLine,
    datum_key,
    trust_line_key,
)
from metering.localnet.operation import (
    BumpSequence,
    ChangeTrust,
    CreateAccount,
    InvokeHostFunction,
    ManageData,
    Operation,
    Payment,
    SetOptions,
    Unsupported,
)
from metering.localnet.payments import create_account, pay
from metering.localnet.results import Applied, OperationCode
from metering.localnet.xdr_values import split_asset

_CREATE = stellar_xdr.CreateAccountResultCode
_PAYMENT = stellar_xdr.PaymentResultCode
_TRUST = stellar_xdr.ChangeTrustResultCode
_OPTIONS = stellar_xdr.SetOptionsResultCode
_DATA = stellar_xdr.ManageDataResultCode
_BUMP = stellar_xdr.BumpSequenceResultCode
_OPERATION = stellar_xdr.OperationResultCode

_WEIGHT_MAX = 255
_SIGNERS_MAX = 20  # MAX_SIGNERS in Stellar-ledger-entries.x

_SUCCESS: dict[type[Operation], OperationCode] = {
    CreateAccount: _CREATE.CREATE_ACCOUNT_SUCCESS,
    Payment: _PAYMENT.PAYMENT_SUCCESS,
    ChangeTrust: _TRUST.CHANGE_TRUST_SUCCESS,
    SetOptions: _OPTIONS.SET_OPTIONS_SUCCESS,
    ManageData: _DATA.MANAGE_DATA_SUCCESS,
    BumpSequence: _BUMP.BUMP_SEQUENCE_SUCCESS,
    InvokeHostFunction: stellar_xdr.InvokeHostFunctionResultCode.INVOKE_HOST_FUNCTION_SUCCESS,
    Unsupported: _OPERATION.opNOT_SUPPORTED,
}


def success_of(operation: Operation) -> OperationCode:
    """The code of an operation of this kind that went well."""
    return _SUCCESS[type(operation)]


def malformed(operation: Operation) -> OperationCode | None:
    """The code of an operation that can never succeed, whatever the ledger holds; else None."""
    code: OperationCode | None = None
    match operation:
        case CreateAccount() if operation.starting_balance < 0:
            code = _CREATE.CREATE_ACCOUNT_MALFORMED
        case Payment() if operation.amount <= 0:
            code = _PAYMENT.PAYMENT_MALFORMED
        case ChangeTrust():
            own = split_asset(operation.asset)[1] == operation.source
            if operation.limit < 0 or operation.asset == NATIVE or own:
                code = _TRUST.CHANGE_TRUST_MALFORMED
        case SetOptions():
            code = _malformed_options(operation)
        case ManageData():
            printable = operation.name.isascii() and operation.name.decode("ascii").isprintable()
            if not operation.name or not printable:
                code = _DATA.MANAGE_DATA_INVALID_NAME
        case BumpSequence() if operation.bump_to < 0:
            code = _BUMP.BUMP_SEQUENCE_BAD_SEQ
        case Unsupported():
            code = _OPERATION.opNOT_SUPPORTED
        case _:
            pass
    return code


def _malformed_options(options: SetOptions) -> OperationCode | None:
    if options.unsupported:
        return _OPERATION.opNOT_SUPPORTED
    weights = (options.master_weight, *options.thresholds)
    if any(weight is not None and weight > _WEIGHT_MAX for weight in weights):
        return _OPTIONS.SET_OPTIONS_THRESHOLD_OUT_OF_RANGE
    if options.signer is not None:
        key, weight = options.signer
        if key == options.source or weight > _WEIGHT_MAX:
            return _OPTIONS.SET_OPTIONS_BAD_SIGNER
    return None


def apply(entries: Entries, operation: Operation, context: Context) -> Applied:
    """Change `entries` as one operation says, or say why not.

    Whatever it changed before it failed has to be dropped by the caller.
    """
    source = entries.account(operation.source)
    if source is None:
        return Applied(_OPERATION.opNO_ACCOUNT)
    code = malformed(operation)
    if code is not None:
        return Applied(code)
    match operation:
        case CreateAccount():
            return create_account(entries, source, operation, context)
        case Payment():
            return pay(entries, source, operation, context)
        case InvokeHostFunction():
            return invoke(entries, operation, context)
        case _:
            return Applied(_apply_plain(entries, source, operation))


def _apply_plain(
    entries: Entries,
    source: Account,
    operation: ChangeTrust | SetOptions | ManageData | BumpSequence | Unsupported,
) -> OperationCode:
    """The operations that move no money."""
    code: OperationCode
    match operation:
        case ChangeTrust():
            code = _change_trust(entries, source, operation)
        case SetOptions():
            code = _set_options(entries, source, operation)
        case ManageData():
            code = _manage_data(entries, source, operation)
        case BumpSequence():
            code = _bump_sequence(entries, source, operation)
        case Unsupported():
            raise AssertionError("refused as malformed")
    return code


def _change_trust(entries: Entries, source: Account, trust: ChangeTrust) -> OperationCode:
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
    if entries.account(split_asset(trust.asset)[1]) is None:
        return _TRUST.CHANGE_TRUST_NO_ISSUER
    if not _add_subentry(entries, source):
        return _TRUST.CHANGE_TRUST_LOW_RESERVE
    entries.put(TrustLine(source.id, trust.asset, 0, trust.limit))
    return _TRUST.CHANGE_TRUST_SUCCESS


def _set_options(entries: Entries, source: Account, options: SetOptions) -> OperationCode:
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
    )
    entries.put(changed)
    if options.signer is None:
        return _OPTIONS.SET_OPTIONS_SUCCESS
    return _set_signer(entries, changed, *options.signer)


def _set_signer(entries: Entries, account: Account, key: str, weight: int) -> OperationCode:
    signers = dict(account.signers)
    known = key in signers
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
    if not known and added > 0 and grown.balance < grown.reserve:
        return _OPTIONS.SET_OPTIONS_LOW_RESERVE
    entries.put(grown)
    return _OPTIONS.SET_OPTIONS_SUCCESS


def _manage_data(entries: Entries, source: Account, data: ManageData) -> OperationCode:
    key = datum_key(source.id, data.name)
    known = entries.get(key) is not None
    if data.value is None:
        if not known:
            return _DATA.MANAGE_DATA_NAME_NOT_FOUND
        entries.remove(key)
        entries.put(replace(source, subentries=source.subentries - 1))
        return _DATA.MANAGE_DATA_SUCCESS
    if not known and not _add_subentry(entries, source):
        return _DATA.MANAGE_DATA_LOW_RESERVE
    entries.put(Datum(source.id, data.name, data.value))
    return _DATA.MANAGE_DATA_SUCCESS


def _bump_sequence(entries: Entries, source: Account, bump: BumpSequence) -> OperationCode:
    entries.put(replace(source, sequence=max(source.sequence, bump.bump_to)))
    return _BUMP.BUMP_SEQUENCE_SUCCESS


def _add_subentry(entries: Entries, account: Account) -> bool:
    """Count one more subentry; False when the balance does not cover its reserve."""
    grown = replace(account, subentries=account.subentries + 1)
    if grown.balance < grown.reserve:
        return False
    entries.put(grown)
    return True
