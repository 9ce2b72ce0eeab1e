"""Results of operations and transactions as Stellar's XDR."""

from dataclasses import dataclass

from stellar_sdk import xdr as stellar_xdr

OperationCode = (
    stellar_xdr.CreateAccountResultCode
    | stellar_xdr.PaymentResultCode
    | stellar_xdr.ChangeTrustResultCode
    | stellar_xdr.SetOptionsResultCode
    | stellar_xdr.ManageDataResultCode
    | stellar_xdr.BumpSequenceResultCode
    | stellar_xdr.OperationResultCode
)

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
    """

    code: OperationCode
    events: tuple[stellar_xdr.ContractEvent, ...] = ()
    result: stellar_xdr.OperationResult | None = None

    @property
    def xdr(self) -> stellar_xdr.OperationResult:
        return operation_result(self.code) if self.result is None else self.result


def operation_result(code: OperationCode) -> stellar_xdr.OperationResult:
    """`OperationResult` that carries one code."""
    if isinstance(code, stellar_xdr.OperationResultCode):
        return stellar_xdr.OperationResult(code)
    return stellar_xdr.OperationResult(stellar_xdr.OperationResultCode.opINNER, _inner(code))


def _inner(code: OperationCode) -> stellar_xdr.OperationResultTr:
    kind = stellar_xdr.OperationType
    match code:
        case stellar_xdr.CreateAccountResultCode():
            created = stellar_xdr.CreateAccountResult(code)
            return stellar_xdr.OperationResultTr(kind.CREATE_ACCOUNT, create_account_result=created)
        case stellar_xdr.PaymentResultCode():
            paid = stellar_xdr.PaymentResult(code)
            return stellar_xdr.OperationResultTr(kind.PAYMENT, payment_result=paid)
        case stellar_xdr.ChangeTrustResultCode():
            trusted = stellar_xdr.ChangeTrustResult(code)
            return stellar_xdr.OperationResultTr(kind.CHANGE_TRUST, change_trust_result=trusted)
        case stellar_xdr.SetOptionsResultCode():
            options = stellar_xdr.SetOptionsResult(code)
            return stellar_xdr.OperationResultTr(kind.SET_OPTIONS, set_options_result=options)
        case stellar_xdr.ManageDataResultCode():
            managed = stellar_xdr.ManageDataResult(code)
            return stellar_xdr.OperationResultTr(kind.MANAGE_DATA, manage_data_result=managed)
        case stellar_xdr.BumpSequenceResultCode():
            bumped = stellar_xdr.BumpSequenceResult(code)
            return stellar_xdr.OperationResultTr(kind.BUMP_SEQUENCE, bump_seq_result=bumped)
        case _:
            raise AssertionError(f"not a result of an operation: {code}")


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
