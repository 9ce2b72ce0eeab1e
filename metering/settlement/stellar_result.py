"""Results of transactions in the words that Horizon made common: tx_bad_seq, op_no_trust."""

import re
from dataclasses import dataclass

from stellar_sdk import xdr as stellar_xdr

from metering.money import Stroops
from metering.settlement.sending import Found

_CODE = stellar_xdr.TransactionResultCode

# Where Horizon's word is not the name in Stellar-transaction.x (horizon/codes).
_IRREGULAR = {
    "txNO_ACCOUNT": "tx_no_source_account",
    "opNO_ACCOUNT": "op_no_source_account",
    "CREATE_ACCOUNT_ALREADY_EXIST": "op_already_exists",
    "PAYMENT_SRC_NOT_AUTHORIZED": "op_src_not_authorized",
    "INVOKE_HOST_FUNCTION_TRAPPED": "function_trapped",
}
# The names of operation results begin with the operation's own name.
_OPERATION = re.compile(
    r"^(CREATE_ACCOUNT|PAYMENT|CHANGE_TRUST|SET_OPTIONS|MANAGE_DATA|BUMP_SEQUENCE"
    r"|INVOKE_HOST_FUNCTION|ACCOUNT_MERGE|CREATE_CLAIMABLE_BALANCE|CLAIM_CLAIMABLE_BALANCE"
    r"|SET_TRUST_LINE_FLAGS)_"
)


@dataclass(frozen=True, slots=True)
class ResultCodes:
    """What became of a transaction: `inner` is set for a fee bump, `operations` once tried."""

    transaction: str
    inner: str | None
    operations: tuple[str, ...]

    @property
    def successful(self) -> bool:
        return self.transaction in ("tx_success", "tx_fee_bump_inner_success")


def read_result(result: stellar_xdr.TransactionResult) -> ResultCodes:
    """Put a `TransactionResult` into words."""
    code = _word(result.result.code.name)
    pair = result.result.inner_result_pair
    if pair is None:
        return ResultCodes(code, None, _operations(result.result.results))
    inner = pair.result.result
    return ResultCodes(code, _word(inner.code.name), _operations(inner.results))


def found_in(result_xdr: str, ledger: int) -> Found:
    """A transaction that is part of a ledger, by its result in base64.

    Raises:
        What `rpc_node` lists: it is no result.
    """
    result = stellar_xdr.TransactionResult.from_xdr(result_xdr)
    codes = read_result(result)
    return Found(
        successful=codes.successful,
        ledger=ledger,
        fee_charged=result.fee_charged.int64,
        code=codes.transaction,
        operations=codes.operations,
    )


def merged_by(result_xdr: str, operation: int) -> Stroops:
    """What an account that was merged had left, by the number of that operation from 0 on."""
    return merged(results_of(stellar_xdr.TransactionResult.from_xdr(result_xdr))[operation])


def merged(outcome: stellar_xdr.OperationResult) -> Stroops:
    """What an account had left when it was merged into another."""
    assert outcome.tr is not None
    assert outcome.tr.account_merge_result is not None
    left = outcome.tr.account_merge_result.source_account_balance
    assert left is not None, "it was successful"
    return Stroops(left.int64)


def results_of(result: stellar_xdr.TransactionResult) -> list[stellar_xdr.OperationResult]:
    """Of each operation, also of those in a fee bump."""
    pair = result.result.inner_result_pair
    results = result.result.results if pair is None else pair.result.result.results
    return results or []


def refusal(result_xdr: str) -> str:
    """Why a transaction was not accepted, in words; raises as `found_in`."""
    codes = read_result(stellar_xdr.TransactionResult.from_xdr(result_xdr))
    return " ".join((codes.transaction, *codes.operations))


def _operations(results: list[stellar_xdr.OperationResult] | None) -> tuple[str, ...]:
    return tuple(_operation(result) for result in results or [])


def _operation(result: stellar_xdr.OperationResult) -> str:
    if result.tr is None:
        return _word(result.code.name)
    details = vars(result.tr)
    for name, detail in details.items():
        if name != "type" and detail is not None:
            return _word(detail.code.name)
    return "op_unknown"


def _word(name: str) -> str:
    irregular = _IRREGULAR.get(name)
    if irregular is not None:
        return irregular
    if name.startswith(("tx", "op")):
        return f"{name[:2]}_{name[2:].lower()}"
    return "op_" + _OPERATION.sub("", name).lower()
