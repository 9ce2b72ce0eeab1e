// x402's own client pays: `fetch`, wrapped, answers a 402 by signing a transfer.
// Arguments: the folder of its packages, the network's URL (https), the token of an account, the
// payer's seed; what to ask for, as JSON: a list of {url, body}. Prints one line of JSON, a list.

import { pathToFileURL } from "node:url";

const [modules, network, token, seed, requests] = process.argv.slice(2);
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
const paying = wrapFetchWithPayment(fetch, client);
const told = [];
for (const { url, body } of JSON.parse(requests)) {
  const answer = await paying(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: `Bearer ${token}`,
      "Idempotency-Key": "once",
    },
    body: JSON.stringify(body),
  });
  const response = answer.headers.get("PAYMENT-RESPONSE");
  told.push({
    status: answer.status,
    document: await answer.json(),
    response: JSON.parse(Buffer.from(response ?? "bnVsbA==", "base64").toString()),
  });
}
console.log(JSON.stringify(told));
