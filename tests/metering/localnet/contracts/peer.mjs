// Stellar's own JavaScript SDK calls contracts of the local network: it opens a payment channel,
// collects from it, and pays with an authorization that somebody else signed.
// Arguments: the network's URL, the package's entry file, the hash of the channel's code.
// Prints one line of JSON.

import { pathToFileURL } from "node:url";

const [url, entry, wasmHash] = process.argv.slice(2);
const sdk = await import(pathToFileURL(entry).href);
const { Address, Asset, BASE_FEE, Contract, Keypair, Operation, TransactionBuilder } = sdk;
const { authorizeEntry, hash, nativeToScVal, rpc, scValToNative, xdr } = sdk;

const node = new rpc.Server(url, { allowHttp: true });
const { passphrase } = await node.getNetwork();
const lumens = Asset.native().contractId(passphrase);

async function fund() {
  const keypair = Keypair.random();
  await node.requestAirdrop(keypair.publicKey());
  return keypair;
}

async function build(keypair, operation) {
  const account = await node.getAccount(keypair.publicKey());
  const builder = new TransactionBuilder(account, { fee: BASE_FEE, networkPassphrase: passphrase });
  return builder.addOperation(operation).setTimeout(60).build();
}

async function apply(keypair, operation) {
  const prepared = await node.prepareTransaction(await build(keypair, operation));
  prepared.sign(keypair);
  const sent = await node.sendTransaction(prepared);
  const found = await node.pollTransaction(sent.hash, { attempts: 1000, sleepStrategy: () => 50 });
  if (found.status !== "SUCCESS") throw new Error(JSON.stringify(found));
  return scValToNative(found.returnValue);
}

async function ask(keypair, contract, name) {
  const answer = await node.simulateTransaction(
    await build(keypair, new Contract(contract).call(name)),
  );
  return scValToNative(answer.result.retval);
}

const address = (keypair) => new Address(keypair.publicKey()).toScVal();
const i128 = (amount) => nativeToScVal(amount, { type: "i128" });

const viewer = await fund();
const hot = await fund();
const key = Keypair.random();

// A payment channel of 50 lumens.
const channel = await apply(
  viewer,
  Operation.createCustomContract({
    address: new Address(viewer.publicKey()),
    wasmHash: Buffer.from(wasmHash, "hex"),
    constructorArgs: [
      new Address(lumens).toScVal(),
      address(viewer),
      xdr.ScVal.scvBytes(key.rawPublicKey()),
      address(hot),
      i128(500_000_000n),
      nativeToScVal(17280, { type: "u32" }),
    ],
  }),
);

// A voucher for 20 of them, as the upstream SDK makes it.
const voucher = nativeToScVal(
  {
    amount: 200_000_000n,
    channel: new Address(channel),
    domain: "chancmmt",
    network: hash(Buffer.from(passphrase)),
  },
  {
    type: {
      amount: ["symbol", "i128"],
      channel: ["symbol", null],
      domain: ["symbol", "symbol"],
      network: ["symbol", null],
    },
  },
);
const signature = xdr.ScVal.scvBytes(key.sign(voucher.toXDR()));
await apply(hot, new Contract(channel).call("settle", i128(200_000_000n), signature));

// The viewer pays in a transaction that somebody else sends.
const transfer = (auth = []) =>
  Operation.invokeContractFunction({
    contract: lumens,
    function: "transfer",
    args: [address(viewer), address(hot), i128(7n)],
    auth,
  });
const simulated = await node.simulateTransaction(await build(hot, transfer()));
const until = simulated.latestLedger + 2000; // ledgers are quick here
const auth = await Promise.all(
  simulated.result.auth.map((one) => authorizeEntry(one, viewer, until, passphrase)),
);
await apply(hot, transfer(auth));

const events = await node.getEvents({
  startLedger: 2,
  filters: [{ type: "contract", contractIds: [channel] }],
});
const instance = await node.getContractData(channel, xdr.ScVal.scvLedgerKeyContractInstance());
const text = (value) => (typeof value === "bigint" ? value.toString() : value);
console.log(
  JSON.stringify(
    {
      deposited: await ask(viewer, channel, "deposited"),
      withdrawn: await ask(viewer, channel, "withdrawn"),
      paidFor: scValToNative(events.events[0].value).to === hot.publicKey(),
      events: events.events.map((event) => scValToNative(event.topic[0])),
      signers: auth.length,
      alive: instance.liveUntilLedgerSeq > until,
    },
    (_name, value) => text(value),
  ),
);
