"""What moved, read from envelopes and results as nodes keep them."""

from stellar_sdk import (
    Account,
    AccountMerge,
    Asset,
    BumpSequence,
    CreateAccount,
    IdMemo,
    Keypair,
    Memo,
    MuxedAccount,
    Operation,
    PathPaymentStrictReceive,
    PathPaymentStrictSend,
    Payment,
    TransactionBuilder,
    TransactionEnvelope,
)
from stellar_sdk import xdr as stellar_xdr

from metering.settlement.chain_envelope import Told, movements, told_by
from metering.settlement.chain_event import Movement

PASSPHRASE = "Envelopes ; tests"
ANA, BEN = Keypair.random(), Keypair.random()
ISSUER = Keypair.random().public_key
USD = Asset("USD", ISSUER)
_KIND = stellar_xdr.OperationType


def envelope(*operations: Operation, memo: Memo | None = None) -> TransactionEnvelope:
    builder = TransactionBuilder(Account(ANA.public_key, 1), PASSPHRASE, base_fee=100)
    builder.operations = list(operations)
    if memo is not None:
        builder.memo = memo
    return builder.add_time_bounds(0, 0).build()


def outcome(kind: stellar_xdr.OperationType, **results: object) -> stellar_xdr.OperationResult:
    inner = stellar_xdr.OperationResultTr(kind, **results)  # type: ignore[arg-type]
    return stellar_xdr.OperationResult(stellar_xdr.OperationResultCode.opINNER, inner)


def paid() -> stellar_xdr.OperationResult:
    code = stellar_xdr.PaymentResultCode.PAYMENT_SUCCESS
    return outcome(_KIND.PAYMENT, payment_result=stellar_xdr.PaymentResult(code))


def result(*outcomes: stellar_xdr.OperationResult, bumped: bool = False) -> str:
    """Of a successful transaction, or of the bump around it."""
    ext, charged = stellar_xdr.TransactionResultExt(0), stellar_xdr.Int64(100)
    code = stellar_xdr.TransactionResultCode
    if not bumped:
        body = stellar_xdr.TransactionResultResult(code.txSUCCESS, results=list(outcomes))
        return stellar_xdr.TransactionResult(charged, body, ext).to_xdr()
    inner = stellar_xdr.InnerTransactionResult(
        charged,
        stellar_xdr.InnerTransactionResultResult(code.txSUCCESS, results=list(outcomes)),
        stellar_xdr.InnerTransactionResultExt(0),
    )
    pair = stellar_xdr.InnerTransactionResultPair(stellar_xdr.Hash(bytes(32)), inner)
    outer = stellar_xdr.TransactionResultResult(
        code.txFEE_BUMP_INNER_SUCCESS, inner_result_pair=pair
    )
    return stellar_xdr.TransactionResult(charged, outer, ext).to_xdr()


def test_payments_creations_and_what_they_come_to() -> None:
    built = envelope(
        Payment(BEN.public_key, Asset.native(), "1"),
        BumpSequence(5),
        CreateAccount(BEN.public_key, "2"),
        Payment(MuxedAccount(BEN.public_key, 7), USD, "3", source=BEN.public_key),
    )
    created = stellar_xdr.CreateAccountResult(
        stellar_xdr.CreateAccountResultCode.CREATE_ACCOUNT_SUCCESS
    )
    bumped = stellar_xdr.BumpSequenceResult(
        stellar_xdr.BumpSequenceResultCode.BUMP_SEQUENCE_SUCCESS
    )
    told = result(
        paid(),
        outcome(_KIND.BUMP_SEQUENCE, bump_seq_result=bumped),
        outcome(_KIND.CREATE_ACCOUNT, create_account_result=created),
        paid(),
    )
    ana, ben = ANA.public_key, BEN.public_key
    assert list(movements(built.to_xdr(), told)) == [
        (0, Movement(ana, ben, "XLM", 10_000_000, None)),  # type: ignore[arg-type]
        (2, Movement(ana, ben, "XLM", 20_000_000, None)),  # type: ignore[arg-type]
        (3, Movement(ben, ben, f"USD:{ISSUER}", 30_000_000, None)),  # type: ignore[arg-type]
    ]


def test_what_arrives_counts_where_an_exchange_is_on_the_way() -> None:
    ben = BEN.public_key
    built = envelope(
        PathPaymentStrictReceive(ben, Asset.native(), "9", USD, "2", []),
        PathPaymentStrictSend(ben, Asset.native(), "9", USD, "1", []),
    )
    last = stellar_xdr.SimplePaymentResult(
        BEN.xdr_account_id(), USD.to_xdr_object(), stellar_xdr.Int64(15)
    )
    received = stellar_xdr.PathPaymentStrictReceiveResult(
        stellar_xdr.PathPaymentStrictReceiveResultCode.PATH_PAYMENT_STRICT_RECEIVE_SUCCESS,
        success=stellar_xdr.PathPaymentStrictReceiveResultSuccess([], last),
    )
    sent = stellar_xdr.PathPaymentStrictSendResult(
        stellar_xdr.PathPaymentStrictSendResultCode.PATH_PAYMENT_STRICT_SEND_SUCCESS,
        success=stellar_xdr.PathPaymentStrictSendResultSuccess([], last),
    )
    told = result(
        outcome(_KIND.PATH_PAYMENT_STRICT_RECEIVE, path_payment_strict_receive_result=received),
        outcome(_KIND.PATH_PAYMENT_STRICT_SEND, path_payment_strict_send_result=sent),
    )
    amounts = [(moved.asset, moved.amount) for _, moved in movements(built.to_xdr(), told)]
    assert amounts == [(f"USD:{ISSUER}", 20_000_000), (f"USD:{ISSUER}", 15)]


def test_a_merged_account_gives_what_it_had_left() -> None:
    merged = stellar_xdr.AccountMergeResult(
        stellar_xdr.AccountMergeResultCode.ACCOUNT_MERGE_SUCCESS,
        source_account_balance=stellar_xdr.Int64(42),
    )
    told = result(outcome(_KIND.ACCOUNT_MERGE, account_merge_result=merged))
    [(_, moved)] = movements(envelope(AccountMerge(BEN.public_key)).to_xdr(), told)
    assert (moved.destination, moved.asset, moved.amount) == (BEN.public_key, "XLM", 42)


def test_a_bump_moves_what_is_in_it() -> None:
    built = envelope(Payment(BEN.public_key, Asset.native(), "1"), memo=IdMemo(9))
    built.sign(ANA)
    bump = TransactionBuilder.build_fee_bump_transaction(
        fee_source=BEN.public_key,
        base_fee=1000,
        inner_transaction_envelope=built,
        network_passphrase=PASSPHRASE,
    ).to_xdr()
    [(number, moved)] = movements(bump, result(paid(), bumped=True))
    assert (number, moved.source, moved.amount) == (0, ANA.public_key, 10_000_000)
    assert told_by(bump, 0, BEN.public_key) == Told(None, 9)


def test_an_address_says_more_than_a_memo_and_only_to_its_owner() -> None:
    muxed = MuxedAccount(BEN.public_key, 2**64 - 1)
    text = envelope(Payment(muxed, USD, "3"), AccountMerge(muxed), memo=IdMemo(4)).to_xdr()
    for operation in (0, 1):
        assert told_by(text, operation, BEN.public_key) == Told(2**64 - 1, 4)
        assert told_by(text, operation, ANA.public_key) == Told(None, 4)
    plain = envelope(Payment(BEN.public_key, USD, "3")).to_xdr()
    assert told_by(plain, 0, BEN.public_key) == Told(None, None)
