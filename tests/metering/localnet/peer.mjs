// Stellar's own JavaScript SDK on the local network: reads, pays, and reads back.
// Arguments: the network's URL, the package's entry file. Prints one line of JSON.

import { pathToFileURL } from "node:url";

const [url, entry] = process.argv.slice(2);
const sdk = await import(pathToFileURL(entry).href);
const { Asset, BASE_FEE, Claimant, Horizon, Keypair, MuxedAccount, Operation } = sdk;
const { TransactionBuilder, nativeToScVal, rpc, scValToNative } = sdk;

const node = new rpc.Server(url, { allowHttp: true });
const horizon = new Horizon.Server(url, { allowHttp: true });
const { passphrase } = await node.getNetwork();

async function fund() {
  const keypair = Keypair.random();
  const account = await node.requestAirdrop(keypair.publicKey());
  return { keypair, sequence: account.sequenceNumber() };
}

function build(account, ...operations) {
  const builder = new TransactionBuilder(account, { fee: BASE_FEE, networkPassphrase: passphrase });
  for (const operation of operations) builder.addOperation(operation);
  return builder.setTimeout(60).build();
}

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const pay = (destination, amount) =>
  Operation.payment({ destination, asset: Asset.native(), amount });

const ana = await fund();
const ben = await fund();
const benAddress = ben.keypair.publicKey();

// Read one account by both protocols.
const byRpc = await node.getAccount(ana.keypair.publicKey());
const byHorizon = await horizon.loadAccount(ana.keypair.publicKey());
const sameSequence = byRpc.sequenceNumber() === byHorizon.sequenceNumber();
const entry_ = await node.getAccountEntry(ana.keypair.publicKey());

// A payment signed here, submitted by RPC and read back.
const payment = build(byRpc, pay(benAddress, "12.3456789"));
payment.sign(ana.keypair);
const sent = await node.sendTransaction(payment);
const found = await node.pollTransaction(sent.hash, { attempts: 1000, sleepStrategy: () => 50 });

// The same over Horizon, which waits for the ledger.
const second = build(await horizon.loadAccount(ana.keypair.publicKey()), pay(benAddress, "1"));
second.sign(ana.keypair);
const submitted = await horizon.submitTransaction(second);
const read = await horizon.transactions().transaction(submitted.hash).call();

// A sponsor raises the fee of a third one.
const third = build(await node.getAccount(ana.keypair.publicKey()), pay(benAddress, "2"));
third.sign(ana.keypair);
const bump = TransactionBuilder.buildFeeBumpTransaction(ben.keypair, "500", third, passphrase);
bump.sign(ben.keypair);
const bumped = await horizon.submitTransaction(bump);

// What fails, fails with codes.
const bad = build(await node.getAccount(ana.keypair.publicKey()), pay(Keypair.random().publicKey(), "1"));
bad.sign(ana.keypair);
let codes = null;
try {
  await horizon.submitTransaction(bad);
} catch (error) {
  codes = error.response.data.extras.result_codes;
}
const unsigned = build(await node.getAccount(ana.keypair.publicKey()), pay(benAddress, "1"));
const refused = await node.sendTransaction(unsigned);

// What came in, told as events and as payments, with whom it is for.
const muxed = new MuxedAccount(await node.getAccount(benAddress), "18446744073709551615");
const deposit = build(await node.getAccount(ana.keypair.publicKey()), pay(muxed.accountId(), "4"));
deposit.sign(ana.keypair);
const deposited = await horizon.submitTransaction(deposit);
const toBen = ["*", "*", nativeToScVal(benAddress, { type: "address" }).toXDR("base64"), "**"];
const events = await node.getEvents({
  startLedger: deposited.ledger,
  filters: [{ type: "contract", topics: [toBen] }],
});
const event = events.events.at(-1);
const page = await horizon.payments().forAccount(benAddress).join("transactions").limit(2).call();
const next = await page.next();
const newest = await horizon.payments().forAccount(benAddress).order("desc").limit(1).call();
const past = await node.getTransactions({ startLedger: deposited.ledger });
const ledgers = await horizon.ledgers().order("desc").limit(2).call();

// An amount laid by for somebody, found and claimed.
const lay = build(
  await node.getAccount(benAddress),
  Operation.createClaimableBalance({
    asset: Asset.native(),
    amount: "6",
    claimants: [
      new Claimant(ana.keypair.publicKey(), Claimant.predicateBeforeRelativeTime("600")),
    ],
  }),
);
lay.sign(ben.keypair);
await horizon.submitTransaction(lay);
const laid = await horizon.claimableBalances().claimant(ana.keypair.publicKey()).call();
const balanceId = laid.records[0].id;
const claim = build(
  await node.getAccount(ana.keypair.publicKey()),
  Operation.claimClaimableBalance({ balanceId }),
);
claim.sign(ana.keypair);
const claimed = await horizon.submitTransaction(claim);

const after = await horizon.loadAccount(benAddress);
const digits = (_key, value) => (typeof value === "bigint" ? value.toString() : value);
console.log(
  JSON.stringify({
    passphrase,
    sameSequence,
    entryBalance: entry_.balance.toString(),
    sentStatus: sent.status,
    foundStatus: found.status,
    foundHash: found.envelopeXdr ? hex(payment.hash()) === sent.hash : false,
    foundFee: found.resultXdr.feeCharged.toString(),
    metaOperations: found.resultMetaXdr.v4 ? found.resultMetaXdr.v4.operations?.length : null,
    submittedHash: submitted.hash === hex(second.hash()),
    readSuccessful: read.successful,
    bumpedSuccessful: bumped.successful,
    codes,
    refusedStatus: refused.status,
    balance: after.balances[0].balance,
    latest: (await node.getLatestLedger()).sequence >= found.ledger,
    fees: (await node.getFeeStats()).inclusionFee.p80,
    health: (await node.getHealth()).status,
    eventTopics: event.topic.map(scValToNative).map((topic) => topic.length),
    eventValue: scValToNative(event.value),
    eventPlace: event.txHash === deposited.hash,
    oldest: events.oldestLedger,
    payments: [...page.records, ...next.records].map((record) => record.type),
    toMuxedId: newest.records[0].to_muxed_id,
    memo: page.records[0].transaction_attr?.memo_type ?? page.records[0].transaction?.memo_type,
    pastHashes: past.transactions.map((transaction) => transaction.txHash === deposited.hash),
    ledgerOrder: ledgers.records[0].sequence - ledgers.records[1].sequence,
    balanceId: balanceId === lay.getClaimableBalanceId(0),
    claimed: claimed.successful,
  }, digits),
);
