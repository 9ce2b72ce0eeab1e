// The wallet in the browser: Freighter, asked for an address and for a signature.
import { isConnected, requestAccess, signTransaction } from "@stellar/freighter-api";

import { readChallenge } from "../server/auth";

/** Why there is no signature: no wallet, or its owner does not want to. */
export class WalletAway extends Error {
  constructor(readonly reason: "missing" | "declined") {
    super(reason);
    this.name = "WalletAway";
  }
}

/**
 * A challenge of this server, signed by the wallet's owner. What is signed can never be a payment: its
 * sequence number is 0. Throws WalletAway, Problem.
 */
export async function signedChallenge(): Promise<string> {
  const { isConnected: there } = await isConnected();
  if (!there) throw new WalletAway("missing");
  const { address, error } = await requestAccess();
  if (error !== undefined || address === "") throw new WalletAway("declined");
  const { transaction, network_passphrase } = await readChallenge(address);
  const signed = await signTransaction(transaction, { networkPassphrase: network_passphrase, address });
  if (signed.error !== undefined || signed.signedTxXdr === "") throw new WalletAway("declined");
  return signed.signedTxXdr;
}
