"""Makes contracts: of an asset, or of the one program besides that this network knows."""

from stellar_sdk import Address
from stellar_sdk import xdr as stellar_xdr

from metering.localnet import CHANNEL_WASM_HASH
from metering.localnet.contracts import asset_contract, payment_channel
from metering.localnet.contracts.address import asset_address, contract_address, key_hash
from metering.localnet.contracts.authorization import Authorized
from metering.localnet.contracts.host import Host, Programs
from metering.localnet.contracts.instance import ASSET, KEY, Instance
from metering.localnet.contracts.storage import PERSISTENT_LEDGERS
from metering.localnet.contracts.trap import Trapped
from metering.localnet.entries import NATIVE, ContractData, Entry, TimeToLive
from metering.localnet.xdr_values import asset_text

PROGRAMS: Programs = {
    ASSET: asset_contract.FUNCTIONS,
    CHANNEL_WASM_HASH: payment_channel.FUNCTIONS,
}
"""Everything that runs on this network."""

Arguments = stellar_xdr.CreateContractArgs | stellar_xdr.CreateContractArgsV2


def create(host: Host, arguments: Arguments) -> str:
    """Make a contract; returns its address.

    Raises:
        Trapped: it is there already, its program is unknown, or its constructor failed.
    """
    preimage = arguments.contract_id_preimage
    address = contract_address(preimage, host.context.passphrase)
    if host.storage.data(address, KEY) is not None:
        raise Trapped("Storage", "ExistingValue", f"contract {address} already exists")
    if preimage.from_asset is not None:
        _create_asset(host, address, arguments, asset_text(preimage.from_asset))
        return address
    assert preimage.from_address is not None, "the only other kind"
    deployer = Address.from_xdr_sc_address(preimage.from_address.address).address
    with host.frame(_authorized(arguments), None):
        host.require(deployer)
        _create_from_code(host, address, arguments)
    return address


def built_in(passphrase: str) -> list[Entry]:
    """The contract of lumens, which every network has."""
    address = asset_address(NATIVE, passphrase)
    made = asset_contract.made(NATIVE).value()
    entry = ContractData(address, KEY.to_xdr(), persistent=True, value=made.to_xdr())
    return [entry, TimeToLive(key_hash(entry.key), PERSISTENT_LEDGERS)]


def _create_asset(host: Host, address: str, arguments: Arguments, asset: str) -> None:
    if arguments.executable.wasm_hash is not None:
        raise Trapped("Value", "InvalidInput", "an asset's contract has no code of its own")
    host.put_instance(address, asset_contract.made(asset))


def _create_from_code(host: Host, address: str, arguments: Arguments) -> None:
    wasm = arguments.executable.wasm_hash
    if wasm is None or wasm.hash.hex() not in PROGRAMS:
        raise Trapped("Storage", "MissingValue", "Wasm does not exist")
    given = (
        arguments.constructor_args
        if isinstance(arguments, stellar_xdr.CreateContractArgsV2)
        else []
    )
    host.put_instance(address, Instance(wasm.hash.hex()))
    host.construct(address, given)


def _authorized(arguments: Arguments) -> Authorized:
    kind = stellar_xdr.SorobanAuthorizedFunctionType
    if isinstance(arguments, stellar_xdr.CreateContractArgsV2):
        return stellar_xdr.SorobanAuthorizedFunction(
            kind.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CREATE_CONTRACT_V2_HOST_FN,
            create_contract_v2_host_fn=arguments,
        )
    return stellar_xdr.SorobanAuthorizedFunction(
        kind.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CREATE_CONTRACT_HOST_FN,
        create_contract_host_fn=arguments,
    )
