"""Result codes in words, as Horizon says them (horizon/codes)."""

import pytest
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.results import OperationCode, operation_result, transaction_result
from metering.settlement.stellar_result import ResultCodes, read_result

CODE = stellar_xdr.TransactionResultCode
PAYMENT = stellar_xdr.PaymentResultCode


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (CODE.txTOO_EARLY, "tx_too_early"),
        (CODE.txTOO_LATE, "tx_too_late"),
        (CODE.txMISSING_OPERATION, "tx_missing_operation"),
        (CODE.txBAD_SEQ, "tx_bad_seq"),
        (CODE.txBAD_AUTH, "tx_bad_auth"),
        (CODE.txINSUFFICIENT_BALANCE, "tx_insufficient_balance"),
        (CODE.txNO_ACCOUNT, "tx_no_source_account"),
        (CODE.txINSUFFICIENT_FEE, "tx_insufficient_fee"),
        (CODE.txBAD_AUTH_EXTRA, "tx_bad_auth_extra"),
        (CODE.txINTERNAL_ERROR, "tx_internal_error"),
        (CODE.txNOT_SUPPORTED, "tx_not_supported"),
        (CODE.txMALFORMED, "tx_malformed"),
    ],
)
def test_a_transaction_that_was_not_tried(
    code: stellar_xdr.TransactionResultCode, word: str
) -> None:
    assert read_result(transaction_result(code, 100, [])) == ResultCodes(word, None, ())


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (PAYMENT.PAYMENT_SUCCESS, "op_success"),
        (PAYMENT.PAYMENT_MALFORMED, "op_malformed"),
        (PAYMENT.PAYMENT_UNDERFUNDED, "op_underfunded"),
        (PAYMENT.PAYMENT_SRC_NO_TRUST, "op_src_no_trust"),
        (PAYMENT.PAYMENT_SRC_NOT_AUTHORIZED, "op_src_not_authorized"),
        (PAYMENT.PAYMENT_NO_DESTINATION, "op_no_destination"),
        (PAYMENT.PAYMENT_NO_TRUST, "op_no_trust"),
        (PAYMENT.PAYMENT_NOT_AUTHORIZED, "op_not_authorized"),
        (PAYMENT.PAYMENT_LINE_FULL, "op_line_full"),
        (PAYMENT.PAYMENT_NO_ISSUER, "op_no_issuer"),
        (stellar_xdr.CreateAccountResultCode.CREATE_ACCOUNT_ALREADY_EXIST, "op_already_exists"),
        (stellar_xdr.ChangeTrustResultCode.CHANGE_TRUST_LOW_RESERVE, "op_low_reserve"),
        (stellar_xdr.SetOptionsResultCode.SET_OPTIONS_BAD_SIGNER, "op_bad_signer"),
        (stellar_xdr.ManageDataResultCode.MANAGE_DATA_INVALID_NAME, "op_invalid_name"),
        (stellar_xdr.BumpSequenceResultCode.BUMP_SEQUENCE_BAD_SEQ, "op_bad_seq"),
        (stellar_xdr.OperationResultCode.opBAD_AUTH, "op_bad_auth"),
        (stellar_xdr.OperationResultCode.opNO_ACCOUNT, "op_no_source_account"),
        (stellar_xdr.OperationResultCode.opNOT_SUPPORTED, "op_not_supported"),
    ],
)
def test_operations_of_a_failed_transaction(code: OperationCode, word: str) -> None:
    result = transaction_result(CODE.txFAILED, 100, [operation_result(code)])
    sent = stellar_xdr.TransactionResult.from_xdr(result.to_xdr())
    assert read_result(sent) == ResultCodes("tx_failed", None, (word,))


def test_a_sponsored_transaction_has_two_codes() -> None:
    done = [operation_result(PAYMENT.PAYMENT_SUCCESS)]
    good = read_result(transaction_result(CODE.txSUCCESS, 200, done, bumped=bytes(32)))
    assert good == ResultCodes("tx_fee_bump_inner_success", "tx_success", ("op_success",))
    assert good.successful
    bad = read_result(transaction_result(CODE.txBAD_SEQ, 200, [], bumped=bytes(32)))
    assert bad == ResultCodes("tx_fee_bump_inner_failed", "tx_bad_seq", ())
    assert not bad.successful
