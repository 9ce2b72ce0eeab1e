"""Results of operations and transactions as Stellar's XDR."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.xdr_values import balance_id

OperationCode = (
    stellar_xdr.CreateAccountResultCode
    | stellar_xdr.PaymentResultCode
    | stellar_xdr.AccountMergeResultCode
    | stellar_xdr.CreateClaimableBalanceResultCode
    | stellar_xdr.ClaimClaimableBalanceResultCode
    | stellar_xdr.ChangeTrustResultCode
    | stellar_xdr.SetTrustLineFlagsResultCode
    | stellar_xdr.SetOptionsResultCode
    | stellar_xdr.ManageDataResultCode
    | stellar_xdr.BumpSequenceResultCode
    | stellar_xdr.InvokeHostFunctionResultCode
    | stellar_xdr.OperationResultCode
)

_KIND = stellar_xdr.OperationType
# By the type of a code: the operation, its result, and the arm of the union that takes that.
_INNER: dict[type[OperationCode], tuple[stellar_xdr.OperationType, Callable[..., Any], str]] = {
    stellar_xdr.CreateAccountResultCode: (
        _KIND.CREATE_ACCOUNT,
        stellar_xdr.CreateAccountResult,
        "create_account_result",
    ),
    stellar_xdr.PaymentResultCode: (
        _KIND.PAYMENT,
        stellar_xdr.PaymentResult,
        "payment_result",
    ),
    stellar_xdr.AccountMergeResultCode: (
        _KIND.ACCOUNT_MERGE,
        stellar_xdr.AccountMergeResult,
        "account_merge_result",
    ),
    stellar_xdr.CreateClaimableBalanceResultCode: (
        _KIND.CREATE_CLAIMABLE_BALANCE,
        stellar_xdr.CreateClaimableBalanceResult,
        "create_claimable_balance_result",
    ),
    stellar_xdr.ClaimClaimableBalanceResultCode: (
        _KIND.CLAIM_CLAIMABLE_BALANCE,
        stellar_xdr.ClaimClaimableBalanceResult,
        "claim_claimable_balance_result",
    ),
    stellar_xdr.SetTrustLineFlagsResultCode: (
        _KIND.SET_TRUST_LINE_FLAGS,
        stellar_xdr.SetTrustLineFlagsResult,
        "set_trust_line_flags_result",
    ),
    stellar_xdr.ChangeTrustResultCode: (
        _KIND.CHANGE_TRUST,
        stellar_xdr.ChangeTrustResult,
        "change_trust_result",
    ),
    stellar_xdr.SetOptionsResultCode: (
        _KIND.SET_OPTIONS,
        stellar_xdr.SetOptionsResult,
        "set_options_result",
    ),
    stellar_xdr.ManageDataResultCode: (
        _KIND.MANAGE_DATA,
        stellar_xdr.ManageDataResult,
        "manage_data_result",
    ),
    stellar_xdr.BumpSequenceResultCode: (
        _KIND.BUMP_SEQUENCE,
        stellar_xdr.BumpSequenceResult,
        "bump_seq_result",
    ),
    stellar_xdr.InvokeHostFunctionResultCode: (
        _KIND.INVOKE_HOST_FUNCTION,
        stellar_xdr.InvokeHostFunctionResult,
        "invoke_host_function_result",
    ),
}

# What a success says besides that was never tried, as beside an operation that is malformed. By
# type, since all codes of success are the same number.
_UNTRIED: dict[type[OperationCode], object] = {
    stellar_xdr.AccountMergeResultCode: stellar_xdr.Int64(0),
    stellar_xdr.CreateClaimableBalanceResultCode: balance_id(bytes(32).hex()),
}

_CODE = stellar_xdr.TransactionResultCode
# Only these carry a result per operation (Stellar-transaction.x, TransactionResult).
_WITH_OPERATIONS = (_CODE.txSUCCESS, _CODE.txFAILED)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one operation.

    Args:
        code: how it ended.
        events: what it emitted; only with success.
        result: the whole result, where that says more than the code.
        value: what a contract returned; only with success.
    """

    code: OperationCode
    events: tuple[stellar_xdr.ContractEvent, ...] = ()
    result: stellar_xdr.OperationResult | None = None
    value: stellar_xdr.SCVal | None = None

    @property
    def xdr(self) -> stellar_xdr.OperationResult:
        return operation_result(self.code) if self.result is None else self.result


def operation_result(code: OperationCode) -> stellar_xdr.OperationResult:
    """`OperationResult` that carries one code."""
    if isinstance(code, stellar_xdr.OperationResultCode):
        return stellar_xdr.OperationResult(code)
    return inner_result(code, _UNTRIED.get(type(code)) if code == 0 else None)


def inner_result(code: OperationCode, told: object = None) -> stellar_xdr.OperationResult:
    """`OperationResult` of a kind of operation.

    Args:
        code: one of that operation's.
        told: what its result says besides, for those that say more with this code.
    """
    kind, result, name = _INNER[type(code)]
    inner = result(code) if told is None else result(code, told)
    return stellar_xdr.OperationResult(
        stellar_xdr.OperationResultCode.opINNER,
        stellar_xdr.OperationResultTr(kind, **{name: inner}),
    )


def transaction_result(
    code: stellar_xdr.TransactionResultCode,
    fee_charged: int,
    operations: list[stellar_xdr.OperationResult],
    bumped: bytes | None = None,
) -> stellar_xdr.TransactionResult:
    """`TransactionResult`.

    Args:
        code: the transaction's code (for a fee bump: of the transaction inside).
        fee_charged: stroops taken.
        operations: results of the operations; kept where the code has room for them.
        bumped: hash of the inner transaction when this is a fee bump that was accepted as such.
    """
    listed = operations if code in _WITH_OPERATIONS else None
    if bumped is None:
        result = stellar_xdr.TransactionResultResult(code, results=listed)
    else:
        inner = stellar_xdr.InnerTransactionResult(
            stellar_xdr.Int64(0),
            stellar_xdr.InnerTransactionResultResult(code, results=listed),
            stellar_xdr.InnerTransactionResultExt(0),
        )
        pair = stellar_xdr.InnerTransactionResultPair(stellar_xdr.Hash(bumped), inner)
        good = code == _CODE.txSUCCESS
        outer = _CODE.txFEE_BUMP_INNER_SUCCESS if good else _CODE.txFEE_BUMP_INNER_FAILED
        result = stellar_xdr.TransactionResultResult(outer, inner_result_pair=pair)
    return stellar_xdr.TransactionResult(
        stellar_xdr.Int64(fee_charged), result, stellar_xdr.TransactionResultExt(0)
    )
