// x402's own client pays in: `fetch`, wrapped, answers a 402 by signing a transfer.
// Arguments: the folder of its packages, the network's URL (https), the route's URL, the token of an
// account, the payer's seed. Prints one line of JSON.

import { pathToFileURL } from "node:url";

const [modules, network, url, token, seed] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${modules}/${name}`).href);
const { wrapFetchWithPayment, x402Client } = await load("@x402/fetch/dist/esm/index.mjs");
const { createEd25519Signer } = await load("@x402/stellar/dist/esm/index.mjs");
const { ExactStellarScheme } = await load("@x402/stellar/dist/esm/exact/client/index.mjs");
const { Horizon } = await load("@stellar/stellar-sdk/lib/index.js");

// How quick ledgers are it asks the Horizon of the test network, wherever it is to pay: nobody out
// there is asked here. It signs for as many ledgers as it takes a minute to be.
const local = new Horizon.Server(network);
const ledgers = Horizon.Server.prototype.ledgers;
Horizon.Server.prototype.ledgers = () => ledgers.call(local);

const signer = createEd25519Signer(seed, "stellar:testnet");
const scheme = new ExactStellarScheme(signer, { url: network });
const client = new x402Client().register("stellar:*", scheme);
const answer = await wrapFetchWithPayment(fetch, client)(url, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
  body: JSON.stringify({ amount: "12.5" }),
});
const response = answer.headers.get("PAYMENT-RESPONSE");
console.log(
  JSON.stringify({
    status: answer.status,
    document: await answer.json(),
    response: JSON.parse(Buffer.from(response ?? "bnVsbA==", "base64").toString()),
  }),
);
