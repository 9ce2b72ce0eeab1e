"""What each operation does to the entries, and the code it answers with."""

from dataclasses import replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.claimable import claim_balance, create_balance, malformed_creation
from metering.localnet.context import Context
from metering.localnet.contracts.invocation import invoke
from metering.localnet.entries import Account, Datum, Entries, datum_key
from metering.localnet.operation import (
    AccountMerge,
    BumpSequence,
    ChangeTrust,
    ClaimClaimableBalance,
    CreateAccount,
    CreateClaimableBalance,
    InvokeHostFunction,
    ManageData,
    Operation,
    Payment,
    SetOptions,
    SetTrustLineFlags,
    Unsupported,
)
from metering.localnet.options import malformed_options, set_options
from metering.localnet.payments import create_account, malformed_movement, merge, pay
from metering.localnet.results import Applied, OperationCode
from metering.localnet.trust import (
    change_trust,
    malformed_flags,
    malformed_trust,
    set_trust_line_flags,
)

_CREATE = stellar_xdr.CreateAccountResultCode
_PAYMENT = stellar_xdr.PaymentResultCode
_DATA = stellar_xdr.ManageDataResultCode
_BUMP = stellar_xdr.BumpSequenceResultCode
_OPERATION = stellar_xdr.OperationResultCode

_SUCCESS: dict[type[Operation], OperationCode] = {
    CreateAccount: _CREATE.CREATE_ACCOUNT_SUCCESS,
    Payment: _PAYMENT.PAYMENT_SUCCESS,
    AccountMerge: stellar_xdr.AccountMergeResultCode.ACCOUNT_MERGE_SUCCESS,
    CreateClaimableBalance: (
        stellar_xdr.CreateClaimableBalanceResultCode.CREATE_CLAIMABLE_BALANCE_SUCCESS
    ),
    ClaimClaimableBalance: (
        stellar_xdr.ClaimClaimableBalanceResultCode.CLAIM_CLAIMABLE_BALANCE_SUCCESS
    ),
    ChangeTrust: stellar_xdr.ChangeTrustResultCode.CHANGE_TRUST_SUCCESS,
    SetTrustLineFlags: stellar_xdr.SetTrustLineFlagsResultCode.SET_TRUST_LINE_FLAGS_SUCCESS,
    SetOptions: stellar_xdr.SetOptionsResultCode.SET_OPTIONS_SUCCESS,
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
        case CreateAccount() | Payment() | AccountMerge():
            code = malformed_movement(operation)
        case CreateClaimableBalance():
            code = malformed_creation(operation)
        case ChangeTrust():
            code = malformed_trust(operation)
        case SetTrustLineFlags():
            code = malformed_flags(operation)
        case SetOptions():
            code = malformed_options(operation)
        case ManageData():
            code = _malformed_data(operation)
        case BumpSequence() if operation.bump_to < 0:
            code = _BUMP.BUMP_SEQUENCE_BAD_SEQ
        case Unsupported():
            code = _OPERATION.opNOT_SUPPORTED
        case _:
            pass
    return code


def _malformed_data(data: ManageData) -> OperationCode | None:
    printable = data.name.isascii() and data.name.decode("ascii").isprintable()
    return None if data.name and printable else _DATA.MANAGE_DATA_INVALID_NAME


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
    return _apply(entries, source, operation, context)


def _apply(entries: Entries, source: Account, operation: Operation, context: Context) -> Applied:
    applied: Applied
    match operation:
        case CreateAccount():
            applied = create_account(entries, source, operation, context)
        case Payment():
            applied = pay(entries, operation, context)
        case AccountMerge():
            applied = merge(entries, source, operation, context)
        case CreateClaimableBalance():
            applied = create_balance(entries, operation, context)
        case ClaimClaimableBalance():
            applied = claim_balance(entries, operation, context)
        case SetTrustLineFlags():
            applied = set_trust_line_flags(entries, source, operation, context)
        case InvokeHostFunction():
            applied = invoke(entries, operation, context)
        case _:
            applied = Applied(_apply_plain(entries, source, operation))
    return applied


def _apply_plain(
    entries: Entries,
    source: Account,
    operation: ChangeTrust | SetOptions | ManageData | BumpSequence | Unsupported,
) -> OperationCode:
    """The operations that emit nothing."""
    code: OperationCode
    match operation:
        case ChangeTrust():
            code = change_trust(entries, source, operation)
        case SetOptions():
            code = set_options(entries, source, operation)
        case ManageData():
            code = _manage_data(entries, source, operation)
        case BumpSequence():
            code = _bump_sequence(entries, source, operation)
        case Unsupported():
            raise AssertionError("refused as malformed")
    return code


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
