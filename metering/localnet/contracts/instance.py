"""The entry that a contract is: what it runs, and what it keeps with itself."""

from dataclasses import dataclass, field
from typing import Self

from stellar_sdk import scval
from stellar_sdk import xdr as stellar_xdr

ASSET = "stellar asset"
"""What an asset's contract runs; other contracts run WebAssembly, by its hash in hex."""

KEY = stellar_xdr.SCVal(stellar_xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE)


@dataclass(slots=True)
class Instance:
    """A contract. `storage` by the names of its keys, as `name_of` reads them."""

    executable: str
    storage: dict[str, tuple[stellar_xdr.SCVal, stellar_xdr.SCVal]] = field(default_factory=dict)

    @classmethod
    def from_value(cls, value: stellar_xdr.SCVal) -> Self:
        """Read the value that is kept under `KEY`."""
        instance = value.instance
        assert instance is not None, "kept under the instance's key"
        wasm = instance.executable.wasm_hash
        kept = [] if instance.storage is None else instance.storage.sc_map
        storage = {name_of(entry.key): (entry.key, entry.val) for entry in kept}
        return cls(ASSET if wasm is None else wasm.hash.hex(), storage)

    def value(self) -> stellar_xdr.SCVal:
        """What `from_value` reads."""
        # Keys are in order: symbols, and then what begins with one, each by name.
        ordered = sorted(self.storage.items(), key=lambda item: (item[1][0].type, item[0]))
        kept = [stellar_xdr.SCMapEntry(key, value) for _, (key, value) in ordered]
        return stellar_xdr.SCVal(
            stellar_xdr.SCValType.SCV_CONTRACT_INSTANCE,
            instance=stellar_xdr.SCContractInstance(
                executable_xdr(self.executable), stellar_xdr.SCMap(kept) if kept else None
            ),
        )

    def get(self, name: str) -> stellar_xdr.SCVal | None:
        pair = self.storage.get(name)
        return None if pair is None else pair[1]

    def put(self, name: str, value: stellar_xdr.SCVal) -> None:
        """Keep a value under a key of an enumeration (`#[contracttype] enum` without fields)."""
        self.storage[name] = (scval.to_enum(name, None), value)


def name_of(key: stellar_xdr.SCVal) -> str:
    """The symbol that a key is, or begins with."""
    if key.type == stellar_xdr.SCValType.SCV_SYMBOL:
        return scval.from_symbol(key)
    return scval.from_symbol(scval.from_vec(key)[0])


def executable_xdr(executable: str) -> stellar_xdr.ContractExecutable:
    """`ContractExecutable` of an instance."""
    kind = stellar_xdr.ContractExecutableType
    if executable == ASSET:
        return stellar_xdr.ContractExecutable(kind.CONTRACT_EXECUTABLE_STELLAR_ASSET)
    wasm = stellar_xdr.Hash(bytes.fromhex(executable))
    return stellar_xdr.ContractExecutable(kind.CONTRACT_EXECUTABLE_WASM, wasm_hash=wasm)
