"""Operations read from Stellar's XDR."""

from stellar_sdk import StrKey
from stellar_sdk import xdr as stellar_xdr

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
from metering.localnet.xdr_values import (
    address_of,
    address_of_muxed,
    asset_text,
    balance_hash,
    muxed_id,
)


def read_operation(
    operation: stellar_xdr.Operation, transaction_source: stellar_xdr.MuxedAccount
) -> Operation:
    """Take one operation out of a transaction.

    Raises:
        UnsupportedXdr: a liquidity pool share where an asset is meant.
    """
    account = operation.source_account or transaction_source
    body = operation.body
    read = _read_moving(body, account) or _read_trust(body, address_of_muxed(account))
    return read or _read_plain(body, address_of_muxed(account))


def _read_moving(
    body: stellar_xdr.OperationBody, account: stellar_xdr.MuxedAccount
) -> Operation | None:
    """The operations that move money."""
    source, source_id = address_of_muxed(account), muxed_id(account)
    read: Operation | None = None
    if body.create_account_op is not None:
        create = body.create_account_op
        read = CreateAccount(source, address_of(create.destination), create.starting_balance.int64)
    elif body.payment_op is not None:
        pay = body.payment_op
        read = Payment(
            source=source,
            destination=address_of_muxed(pay.destination),
            asset=asset_text(pay.asset),
            amount=pay.amount.int64,
            source_id=source_id,
            destination_id=muxed_id(pay.destination),
        )
    elif body.destination is not None:  # The body of an account_merge is that alone.
        into = body.destination
        read = AccountMerge(source, address_of_muxed(into), source_id, muxed_id(into))
    elif body.create_claimable_balance_op is not None:
        made = body.create_claimable_balance_op
        claimants = tuple(_claimant(claimant) for claimant in made.claimants)
        read = CreateClaimableBalance(source, asset_text(made.asset), made.amount.int64, claimants)
    elif body.claim_claimable_balance_op is not None:
        claimed = balance_hash(body.claim_claimable_balance_op.balance_id)
        read = ClaimClaimableBalance(source, claimed, source_id)
    return read


def _claimant(claimant: stellar_xdr.Claimant) -> tuple[str, stellar_xdr.ClaimPredicate]:
    assert claimant.v0 is not None, "claimants have one version"
    return address_of(claimant.v0.destination), claimant.v0.predicate


def _read_trust(body: stellar_xdr.OperationBody, source: str) -> Operation | None:
    if body.change_trust_op is not None:
        trust = body.change_trust_op
        return ChangeTrust(source, asset_text(trust.line), trust.limit.int64)
    if body.set_trust_line_flags_op is not None:
        change = body.set_trust_line_flags_op
        return SetTrustLineFlags(
            source=source,
            trustor=address_of(change.trustor),
            asset=asset_text(change.asset),
            clear=change.clear_flags.uint32,
            set=change.set_flags.uint32,
        )
    return None


def _read_plain(body: stellar_xdr.OperationBody, source: str) -> Operation:
    if body.set_options_op is not None:
        return _set_options(body.set_options_op, source)
    if body.manage_data_op is not None:
        data = body.manage_data_op
        value = None if data.data_value is None else data.data_value.data_value
        return ManageData(source, data.data_name.string64, value)
    if body.bump_sequence_op is not None:
        return BumpSequence(source, body.bump_sequence_op.bump_to.sequence_number.int64)
    if body.invoke_host_function_op is not None:
        invoked = body.invoke_host_function_op
        return InvokeHostFunction(source, invoked.host_function, tuple(invoked.auth))
    return Unsupported(source, body.type.name)


def _set_options(options: stellar_xdr.SetOptionsOp, source: str) -> SetOptions:
    signer, strange = _signer(options.signer)
    return SetOptions(
        source=source,
        master_weight=_number(options.master_weight),
        thresholds=(
            _number(options.low_threshold),
            _number(options.med_threshold),
            _number(options.high_threshold),
        ),
        home_domain=None if options.home_domain is None else options.home_domain.string32,
        signer=signer,
        set_flags=_number(options.set_flags) or 0,
        clear_flags=_number(options.clear_flags) or 0,
        unsupported=strange or options.inflation_dest is not None,
    )


def _signer(signer: stellar_xdr.Signer | None) -> tuple[tuple[str, int] | None, bool]:
    if signer is None:
        return None, False
    if signer.key.ed25519 is None:
        return None, True
    key = StrKey.encode_ed25519_public_key(signer.key.ed25519.uint256)
    return (key, signer.weight.uint32), False


def _number(value: stellar_xdr.Uint32 | None) -> int | None:
    return None if value is None else value.uint32
